"""X is connected to again as its documentation says."""

import pytest

from ingestors.source import Cause
from ingestors.x.reconnects import XBackoff, XWaits


@pytest.mark.parametrize(
    ("cause", "waits"),
    [
        ("dropped", [*(n / 4 for n in range(64)), 16, 16, 16]),
        ("unavailable", [5, 10, 20, 40, 80, 160, 320, 320]),
        ("limited", [60, 120, 240, 480, 900, 900]),
    ],
)
def test_failures_wait_as_x_documents(cause: Cause, waits: list[float]) -> None:
    backoff = XBackoff()
    assert [backoff.failed(cause) for _ in waits] == waits


@pytest.mark.parametrize(("asked", "waits"), [(300, 300), (10, 60), (-5, 60), (10.0**9, 900)])
def test_a_rate_limit_waits_as_long_as_it_is_asked_to(asked: float, waits: float) -> None:
    assert XBackoff().failed("limited", asked) == waits


def test_each_kind_of_failure_counts_by_itself_and_all_forget() -> None:
    backoff = XBackoff(XWaits(http_first_s=1, http_max_s=4))
    assert [backoff.failed(c) for c in ("unavailable", "dropped", "unavailable", "stalled")] == [
        1, 0, 2, 0.25,
    ]  # fmt: skip
    backoff.healthy()
    assert [backoff.failed("unavailable"), backoff.failed("refused")] == [1, 0]

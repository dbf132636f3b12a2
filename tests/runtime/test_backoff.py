"""The waits of each back-off."""

import pytest

from runtime.backoff import Cause, JitteredBackoff, XBackoff, XWaits, exponential, jittered, linear


def test_waits() -> None:
    assert [linear(n, 0.25, 1.0) for n in range(6)] == [0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert [exponential(n, 0.5, 4.0) for n in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert exponential(10**9, 0.5, 4.0) == 4.0
    assert [jittered(8.0, share) for share in (0.0, 0.5, 1.0, 7.0)] == [4.0, 6.0, 8.0, 8.0]


def test_jittered_backoff_forgets_when_healthy() -> None:
    shares = iter([0.0, 1.0, 0.5, 1.0])
    backoff = JitteredBackoff(1.0, 60.0, lambda: next(shares))
    assert [backoff.failed(), backoff.failed(), backoff.failed()] == [0.5, 2.0, 3.0]
    backoff.healthy()
    assert backoff.failed() == 1.0


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
    backoff = XBackoff(XWaits(http_first_s=1, http_most_s=4))
    assert [backoff.failed(c) for c in ("unavailable", "dropped", "unavailable", "stalled")] == [
        1, 0, 2, 0.25,
    ]  # fmt: skip
    backoff.healthy()
    assert [backoff.failed("unavailable"), backoff.failed("refused")] == [1, 0]

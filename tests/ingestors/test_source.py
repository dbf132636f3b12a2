"""A batch of a live stream ends when it is full, when it is late, and when nothing comes."""

import pytest

from ingestors.source import StreamOptions, collect
from tests.ingestors.reading import FakeTime

OPTIONS = StreamOptions(batch_events=4, batch_within_s=1.0, wait_s=5.0)


@pytest.mark.parametrize(
    ("step_s", "messages", "waits_s"),
    [
        (0.0, 9, [5.0, 1.0, 1.0, 1.0]),
        (0.4, 9, [5.0, 1.0, 0.6, 0.2]),
        (0.6, 9, [5.0, 1.0, 0.4]),
        (0.0, 2, [5.0, 1.0, 1.0]),
        (0.0, 0, [5.0]),
    ],
)
def test_when_a_batch_ends(step_s: float, messages: int, waits_s: list[float]) -> None:
    time = FakeTime()
    asked_s: list[float] = []

    def receive(wait_s: float) -> int | None:
        time.sleep(step_s)
        asked_s.append(wait_s)
        return len(asked_s) if len(asked_s) <= messages else None

    batch = list(collect(receive, OPTIONS, time.timer))
    assert asked_s == pytest.approx(waits_s)
    assert batch == list(range(1, min(messages, len(waits_s)) + 1))

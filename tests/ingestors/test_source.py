"""All sources: when a batch of a live stream ends, foreign checkpoints, and the order of calls."""

from contextlib import closing

import pytest
from pydantic import SecretStr

from ingestors.bluesky.source import BlueskySource, JetstreamOptions
from ingestors.files.source import ReplaySource
from ingestors.generator.source import GeneratorSource
from ingestors.source import Position, Source, SourceError, StreamOptions, collect
from ingestors.x.source import XSource
from ingestors.x.stream import XOptions
from tests.ingestors.reading import FakeTime
from tests.ingestors.x import x_feed

OPTIONS = StreamOptions(batch_events=4, batch_within_s=1.0, wait_s=5.0)
BLUESKY = BlueskySource(JetstreamOptions(urls=["ws://127.0.0.1:1"]))
X = XSource(SecretStr(x_feed.TOKEN), [x_feed.RULE], XOptions())


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


@pytest.mark.parametrize(
    ("source", "position"),
    [
        *((BLUESKY, {"cursor": cursor}) for cursor in ("7", -1, True)),
        *((X, {"last_seen": when}) for when in ("noon", 7)),
        (GeneratorSource(), {"events": 1}),
        (GeneratorSource(), {"events": "a", "start": "2026-01-01"}),
        (ReplaySource(__file__), {"line": "3", "shift_us": None}),
        (ReplaySource(__file__), {"line": 1, "shift_us": "a"}),
        *((source, {}) for source in (BLUESKY, X, GeneratorSource(), ReplaySource(__file__))),
    ],
)
def test_a_foreign_checkpoint_is_refused(source: Source, position: Position) -> None:
    with closing(source), pytest.raises(SourceError, match="checkpoints reset"):
        source.open(position)


@pytest.mark.parametrize("source", [GeneratorSource(), ReplaySource("a")])
def test_a_closed_source_says_so(source: Source) -> None:
    with pytest.raises(SourceError, match="open"):
        source.next_batch()

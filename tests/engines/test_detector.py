"""The detector on a real broker: killed over and over, it counts as if nothing had happened."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
import zstandard

from processors.crisis.desk import Desk
from processors.crisis.detector import DetectorState
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.codec import ACTIVITY, ALERT, DETECTOR_STATE
from tests.crisis.storms import calm, storm, together
from tests.engines.pipeline import Child, Pipeline

pytestmark = pytest.mark.engines

BRANDS = [Brand(id=name, name=name.title()) for name in ("velmora", "corvo", "mirabelle")]
RECORDS = together(calm(12, per_minute=4), storm(10, 60, per_minute=20))
EVERY = [
    msgspec.structs.replace(one, brand=brand.id, post_id=f"{one.post_id}-{brand.id}")
    for one in RECORDS
    for brand in BRANDS
]
KILLS = 3


def start(pipeline: Pipeline, number: int) -> Child:
    return pipeline.start(
        f"detector-{number}",
        "detector",
        TOCSIN_DETECTOR_SNAPSHOT_S="1",
        TOCSIN_DETECTOR_TICK_S="1",
        TOCSIN_DETECTOR_BATCH_SIZE="100",
    )


def send(pipeline: Pipeline, records: Sequence[Activity]) -> None:
    pipeline.produce("activity", [(one.brand.encode(), ACTIVITY.encode(one)) for one in records])


def states(pipeline: Pipeline) -> dict[str, tuple[int, DetectorState]]:
    """The last state of each brand, and the offset that it is at."""
    found = {}
    for record in pipeline.read("detector-state"):
        kept = DETECTOR_STATE.decode(record.value)
        state = msgspec.msgpack.decode(zstandard.decompress(kept.state), type=DetectorState)
        found[kept.brand] = (kept.offset, state)
    return found


def alerts(pipeline: Pipeline) -> dict[tuple[str, int], Alert]:
    """States of alerts about the time of the records; a redelivery has to write the same again."""
    found: dict[tuple[str, int], Alert] = {}
    for record in pipeline.read("alerts"):
        alert = ALERT.decode(record.value)
        if alert.raised_at <= RECORDS[-1].at:
            assert found.setdefault((alert.id, alert.version), alert) == alert
    return found


def further(pipeline: Pipeline, than: int) -> Callable[[], bool]:
    return lambda: sum(at for at, _ in states(pipeline).values()) > than


def test_a_detector_that_is_killed_counts_as_one_that_was_not(pipeline: Pipeline) -> None:
    pipeline.apply(BRANDS)
    send(pipeline, EVERY)
    expected = Desk({brand.id: brand for brand in BRANDS})
    told = [alert for one in EVERY for alert in expected.observe(one)]
    clean = {
        name: expected.detector(name).snapshot().counts for name in (brand.id for brand in BRANDS)
    }
    assert {alert.brand for alert in told} == clean.keys()

    reached = -1
    for number in range(KILLS):
        child = start(pipeline, number)
        pipeline.wait("a state further on", further(pipeline, reached))
        child.kill()
        # The next one has to get further, so this one was killed with records left to read.
        reached = sum(at for at, _ in states(pipeline).values())
    last = start(pipeline, KILLS)
    pipeline.wait(
        "all records to be in a state",
        lambda: (
            {name: len(state.counts.seen) for name, (_, state) in states(pipeline).items()}
            == {name: len(counts.seen) for name, counts in clean.items()}
        ),
    )
    assert last.stop() == 0

    for name, (_, state) in states(pipeline).items():
        assert state.counts.minutes == clean[name].minutes
        assert state.counts.seen == clean[name].seen
    assert alerts(pipeline) == {
        (alert.id, alert.version): alert for alert in told if alert.raised_at <= RECORDS[-1].at
    }


def test_what_is_no_record_is_a_dead_letter(pipeline: Pipeline) -> None:
    pipeline.apply(BRANDS)
    pipeline.produce("activity", [(b"velmora", b"{"), (b"velmora", b'{"brand": "velmora"}')])
    send(pipeline, EVERY[:10])
    child = start(pipeline, 0)
    pipeline.wait("the states", lambda: len(states(pipeline)) == len(BRANDS))
    pipeline.wait("the letters", lambda: len(pipeline.dead_letters()) == 2)
    assert {letter.reason for letter in pipeline.dead_letters()} == {
        "invalid_json", "invalid_message"
    }  # fmt: skip
    assert child.stop() == 0

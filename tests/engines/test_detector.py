"""The detector on a real broker: after kills and lost snapshots, it counts as in a clean run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
import pytest
import zstandard
from kafka.structs import TopicPartition

from processors.detector.afterwards import afterwards
from processors.detector.brand_detectors import BrandDetectors
from processors.detector.state.brand_state import DetectorState
from processors.detector.state.counts import CountsState
from processors.enrichment.activity_records import activity_of
from runtime.kafka import client as kafka
from runtime.kafka.reader import latest_values, spans
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.codec import ALERT, DETECTOR_STATE
from schemas.mention import BrandMatch, Mention, Sentiment
from schemas.post import Author
from tests import make
from tests.engines.pipeline import Child, Pipeline
from tests.processors.detector.storms import SCORES, calm, storm, together

pytestmark = pytest.mark.engines

BRANDS = [make.brand(name) for name in ("velmora", "corvo", "mirabelle")]
RECORDS = together(calm(12, per_minute=4), storm(10, 60, per_minute=20))
EVERY = [
    msgspec.structs.replace(record, brand=brand.id, post_id=f"{record.post_id}-{brand.id}")
    for record in RECORDS
    for brand in BRANDS
]
KILLS = 3


def start(pipeline: Pipeline, number: int, **environment: str) -> Child:
    return pipeline.start(
        f"detector-{number}",
        "detector",
        TOCSIN_DETECTOR_SNAPSHOT_INTERVAL_S="1",
        TOCSIN_DETECTOR_TICK_INTERVAL_S="1",
        TOCSIN_DETECTOR_BATCH_SIZE="100",
        **environment,
    )


def states(pipeline: Pipeline) -> dict[str, tuple[int, DetectorState]]:
    """The last snapshot of each brand: its offset and its state."""
    snapshots = map(DETECTOR_STATE.decode, snapshots_of(pipeline).values())
    return {
        snapshot.brand: (
            snapshot.offset,
            msgspec.msgpack.decode(zstandard.decompress(snapshot.state), type=DetectorState),
        )
        for snapshot in snapshots
        if snapshot.kind == "brand"
    }


def snapshots_of(pipeline: Pipeline) -> dict[bytes, bytes]:
    """`detector-state` as a detector reads it."""
    return latest_values(pipeline.kafka, "test", "detector-state")


def lose_the_states(pipeline: Pipeline) -> None:
    """Empties `detector-state`."""
    topic = pipeline.kafka.topic_prefix + "detector-state"
    with pipeline.producer() as producer:
        for key in snapshots_of(pipeline):
            producer.send(topic, key=key, value=None)
    assert snapshots_of(pipeline) == {}


def alerts(pipeline: Pipeline) -> dict[tuple[str, int], Alert]:
    """States of alerts up to the last record; a repeated state must be equal."""
    states: dict[tuple[str, int], Alert] = {}
    for record in pipeline.read("alerts"):
        alert = ALERT.decode(record.value)
        if alert.raised_at <= RECORDS[-1].at:
            assert states.setdefault((alert.id, alert.version), alert) == alert
    return states


def progress(pipeline: Pipeline) -> int:
    return sum(offset for offset, _ in states(pipeline).values())


def further(pipeline: Pipeline, than: int) -> Callable[[], bool]:
    return lambda: progress(pipeline) > than


def by_version(alerts: Iterable[Alert], until: datetime) -> dict[tuple[str, int], Alert]:
    """States raised up to a time."""
    return {(alert.id, alert.version): alert for alert in alerts if alert.raised_at <= until}


def clean_run(
    records: Sequence[Activity], brands: Sequence[Brand]
) -> tuple[BrandDetectors, list[Alert]]:
    """The detectors and alerts of a run without faults; a detector of today finds old ones
    afterwards."""
    detectors = BrandDetectors({brand.id: brand for brand in brands})
    alerts = [alert for record in records for alert in detectors.observe(record)]
    return detectors, [afterwards(alert) for alert in alerts]


def counts_of(detectors: BrandDetectors) -> dict[str, CountsState]:
    return {brand.id: detectors.detector(brand.id).snapshot().counts for brand in BRANDS}


def all_in_states(pipeline: Pipeline, clean: Mapping[str, CountsState]) -> Callable[[], bool]:
    return lambda: (
        {name: len(state.counts.seen) for name, (_, state) in states(pipeline).items()}
        == {name: len(counts.seen) for name, counts in clean.items()}
    )


def assert_counts(pipeline: Pipeline, clean: Mapping[str, CountsState]) -> None:
    for name, (_, state) in states(pipeline).items():
        assert state.counts.every() == clean[name].every()
        assert state.counts.seen == clean[name].seen


def test_a_detector_that_is_killed_counts_as_one_that_was_not(pipeline: Pipeline) -> None:
    pipeline.apply(BRANDS)
    pipeline.send("activity", EVERY)
    expected, raised = clean_run(EVERY, BRANDS)
    clean = counts_of(expected)
    assert {alert.brand for alert in raised} == clean.keys()

    reached = -1
    for number in range(KILLS):
        child = start(pipeline, number)
        pipeline.wait("a state further on", further(pipeline, reached))
        child.kill()
        # The next one must get further, so this one was killed with records left to read.
        reached = progress(pipeline)
    last = start(pipeline, KILLS)
    pipeline.wait("all records to be in a state", all_in_states(pipeline, clean))
    assert last.stop() == 0
    assert_counts(pipeline, clean)
    assert alerts(pipeline) == by_version(raised, RECORDS[-1].at)


def test_states_that_are_lost_are_counted_again_from_what_kafka_retains(pipeline: Pipeline) -> None:
    # In the middle of the storm, with alerts that are open.
    half = len(EVERY) - len(EVERY) // 5
    before, _ = clean_run(EVERY[:half], BRANDS)
    after, raised = clean_run(EVERY, BRANDS)
    pipeline.apply(BRANDS)
    pipeline.send("activity", EVERY[:half])
    # The clock closes no minute, so records sent later are not late.
    first = start(pipeline, 0, TOCSIN_DETECTOR_GRACE_S="3600")
    pipeline.wait("the states", all_in_states(pipeline, counts_of(before)))
    first.kill()
    assert any(alert.status == "open" for alert in alerts(pipeline).values())
    lose_the_states(pipeline)

    second = start(pipeline, 1, TOCSIN_DETECTOR_GRACE_S="3600")
    pipeline.wait("the states again", all_in_states(pipeline, counts_of(before)))
    assert second.stop() == 0
    assert "states rebuilt from activity, whole" in second.output()
    assert_counts(pipeline, counts_of(before))
    # Sent while no detector runs: a tick between two sends would evaluate half of a minute.
    pipeline.send("activity", EVERY[half:])
    third = start(pipeline, 2)
    pipeline.wait("all records to be in a state", all_in_states(pipeline, counts_of(after)))
    assert third.stop() == 0
    assert "states rebuilt" not in third.output()
    assert_counts(pipeline, counts_of(after))
    assert alerts(pipeline) == by_version(raised, RECORDS[-1].at)


def mention_of(record: Activity) -> Mention:
    """A mention that could have this activity record."""
    label = record.sentiment or "neutral"
    shares = {name: float(name == label) for name in SCORES}
    # The index has a resolution of milliseconds.
    at = record.at.replace(microsecond=record.at.microsecond // 1000 * 1000)
    return Mention(
        post=make.post(
            " ".join(record.terms),
            id=record.post_id,
            source=record.source,
            author=Author(id=record.author, followers=record.reach),
            created_at=at,
        ),
        brands=[BrandMatch(id=record.brand)],
        sentiment=Sentiment(label=label, score=record.score or 0.0, **shares),
    )


def expire(pipeline: Pipeline, share: float) -> None:
    """Deletes the oldest share of the records that the detector has read."""
    topic = pipeline.kafka.topic_prefix + "activity"
    oldest = {
        TopicPartition(topic, partition): int(span.position * share)
        for partition, span in spans(pipeline.kafka, "detector", "activity", range(4)).items()
    }
    with kafka.admin(pipeline.kafka) as client:
        client.delete_records({tp: offset for tp, offset in oldest.items() if offset})


def test_what_kafka_no_longer_retains_is_rebuilt_from_the_index(pipeline: Pipeline) -> None:
    brand = BRANDS[0]
    mentions = [mention_of(record) for record in together(calm(7, 3), storm(5, 40, 15))]
    mentions.sort(key=lambda mention: (mention.post.created_at, mention.post.id))
    every = [record for m in mentions for record in activity_of(1, m.post.created_at, m)]
    half = next(n for n, record in enumerate(every) if record.post_id.startswith("x:s")) + 200
    expected, raised = clean_run(every, [brand])
    clean = {brand.id: expected.detector(brand.id).snapshot().counts}
    pipeline.apply([brand])
    pipeline.send("mentions", [make.enriched(m, at=m.post.created_at) for m in mentions[:half]])
    pipeline.send("activity", every[:half])
    sink, first = pipeline.sink(), start(pipeline, 0)
    pipeline.wait("mentions in the index", lambda: len(pipeline.documents()) == half)
    pipeline.wait("records in the state", further(pipeline, half - 1))
    refused = pipeline.start("too-early", "detector", "rebuild", "--yes")
    assert refused.process.wait() == 2
    assert "a detector is running" in refused.output()
    pipeline.children.remove(refused)
    assert (sink.stop(), first.stop()) == (0, 0)

    lose_the_states(pipeline)
    expire(pipeline, 0.9)
    rebuilt = pipeline.start("rebuild", "detector", "rebuild", "--brand", brand.id, "--yes")
    assert rebuilt.process.wait() == 0, rebuilt.output()
    assert "1 states" in rebuilt.output()
    pipeline.send("activity", every[half:])
    second = start(pipeline, 1)
    pipeline.wait("all records to be in a state", all_in_states(pipeline, clean))
    assert second.stop() == 0
    assert_counts(pipeline, clean)
    until = every[-1].at
    assert by_version(alerts(pipeline).values(), until) == by_version(raised, until)


def test_an_invalid_record_is_a_dead_letter(pipeline: Pipeline) -> None:
    pipeline.apply(BRANDS)
    pipeline.produce("activity", [(b"velmora", b"{"), (b"velmora", b'{"brand": "velmora"}')])
    pipeline.send("activity", EVERY[:10])
    child = start(pipeline, 0)
    pipeline.wait("the states", lambda: len(states(pipeline)) == len(BRANDS))
    pipeline.wait("the letters", lambda: len(pipeline.dead_letters()) == 2)
    reasons = {letter.reason for letter in pipeline.dead_letters()}
    assert reasons == {"invalid_json", "invalid_message"}
    assert child.stop() == 0

"""Whatever is lost of the saved states, what Kafka retains makes them again as they were."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.recovery import holes, ranges_of, read_again
from processors.detector.silence import LEARNT, Coverage
from processors.detector.snapshots import Ledger, Recovered, ledger_snapshot, recovered
from processors.detector.state.brand_state import DetectorState, pack, unpack
from processors.faust.messages import Incoming
from runtime import logs
from runtime.kafka.reader import Span
from runtime.settings import KafkaSettings
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.codec import ACTIVITY, DETECTOR_STATE
from tests.processors.detector.storms import calm, storm, together

NOW = datetime(2026, 3, 3, tzinfo=UTC)
BRANDS = {name: Brand(id=name, name=name.title()) for name in ("velmora", "corvo")}
RECORDS = [
    msgspec.structs.replace(one, brand=brand, post_id=f"{one.post_id}-{brand}")
    for one in together(calm(7, per_minute=3), storm(5, 40, per_minute=15))
    for brand in BRANDS
]
"""Of one partition: the offset of each is its index."""
STORM = next(number for number, one in enumerate(RECORDS) if one.post_id.startswith("x:s"))


class Run(NamedTuple):
    """A run without interruption: its alerts by the offset that they came of, and its end."""

    alerts: dict[int, list[Alert]]
    detectors: BrandDetectors
    coverage: Coverage


def run(records: Sequence[Activity]) -> Run:
    made = Run({}, BrandDetectors(BRANDS), Coverage())
    for offset, record in enumerate(records):
        made.alerts[offset] = made.detectors.observe(record, 0, offset + 1)
        made.coverage.observe(record.source, record.ingested_at)
    return made


@pytest.fixture(scope="module")
def clean() -> Run:
    return run(RECORDS)


def saved(made: Run) -> dict[str, bytes]:
    """What is saved of a run, as the compacted topic has it."""
    ledger = Ledger(offsets=made.detectors.offsets(0), coverage=made.coverage, newest=RECORDS[0].at)
    snapshots = [*made.detectors.snapshots(NOW, every=True), ledger_snapshot(0, ledger, NOW)]
    return {one.brand: DETECTOR_STATE.encode(one) for one in snapshots}


def begin(topic: dict[str, bytes], position: int, first: int = 0) -> Recovered:
    """What a detector starts with whose group is at ``position``, read as the service reads it."""
    end = len(RECORDS)
    start = recovered(topic.values(), {0: end}, BRANDS)
    ranges = ranges_of(start.missing, {0: Span(first, position, end)}, limit=end)
    for partition, (offset_of_first, stop) in ranges.items():
        for offset in range(offset_of_first, stop):
            start.count_again(RECORDS[offset], partition, offset + 1)
    return start


def goes_on_as(clean: Run, start: Recovered, position: int) -> None:
    """From here on it says what the uninterrupted run says, and it ends in its state."""
    for offset in range(position, len(RECORDS)):
        assert start.detectors.observe(RECORDS[offset], 0, offset + 1) == clean.alerts[offset]
    for name in BRANDS:
        state = start.detectors.detector(name).snapshot()
        assert state == clean.detectors.detector(name).snapshot()


@settings(max_examples=12, deadline=None)
@given(position=st.integers(1, len(RECORDS)))
def test_without_any_state_the_records_make_it_again(clean: Run, position: int) -> None:
    start = begin({}, position)
    assert start.rebuilt == {one.brand for one in RECORDS[:position]}
    goes_on_as(clean, start, position)


def test_during_an_alert_nothing_is_told_twice_and_its_end_is_told(clean: Run) -> None:
    position = STORM + 600
    told = [alert for offset in range(position) for alert in clean.alerts[offset]]
    later = [alert for at in range(position, len(RECORDS)) for alert in clean.alerts[at]]
    assert "open" in {one.status for one in told} and "close" not in {one.status for one in told}
    assert {alert.id for alert in later if alert.status == "close"} == {one.id for one in told}
    goes_on_as(clean, begin({}, position), position)


def test_what_is_there_is_not_counted_again(clean: Run) -> None:
    position = len(RECORDS) // 2
    start = begin(saved(run(RECORDS[:position])), position)
    assert (start.missing, start.rebuilt) == ({}, set())
    goes_on_as(clean, start, position)


@pytest.mark.parametrize("loss", [None, b"{", {"format": 0}, {"state": b"?"}], ids=repr)
def test_a_brand_that_is_lost_is_made_again_alone(
    clean: Run, loss: bytes | dict[str, Any] | None
) -> None:
    position = len(RECORDS) // 2
    topic = saved(run(RECORDS[:position]))
    state = DETECTOR_STATE.decode(topic.pop("corvo"))
    if isinstance(loss, bytes):
        topic["corvo"] = loss
    elif loss:
        topic["corvo"] = DETECTOR_STATE.encode(msgspec.structs.replace(state, **loss))
    start = begin(topic, position)
    assert start.rebuilt == {"corvo"}
    assert start.unreadable == isinstance(loss, dict)
    goes_on_as(clean, start, position)


def test_a_state_that_is_older_than_the_ledger_says_goes_on_from_its_own_offset(clean: Run) -> None:
    position, before = len(RECORDS) // 2, len(RECORDS) // 3
    topic = saved(run(RECORDS[:position]))
    topic["corvo"] = saved(run(RECORDS[:before]))["corvo"]
    start = recovered(topic.values(), {0: len(RECORDS)}, BRANDS)
    assert start.missing == {0: DETECTOR_STATE.decode(topic["corvo"]).offset}
    goes_on_as(clean, begin(topic, position), position)


def test_a_state_that_looked_ahead_is_made_again(clean: Run) -> None:
    position = len(RECORDS) // 2
    now = RECORDS[position].at
    topic = saved(run(RECORDS[:position]))
    ahead = DETECTOR_STATE.decode(topic["corvo"])
    state = unpack(ahead.state, DetectorState)
    assert state is not None
    looked = msgspec.structs.replace(state, looked=state.looked + 600)
    topic["corvo"] = DETECTOR_STATE.encode(msgspec.structs.replace(ahead, state=pack(looked)))
    start = recovered(topic.values(), {0: len(RECORDS)}, BRANDS, now)
    assert (start.unreadable, start.missing) == (1, {0: 0})
    for offset in range(position):
        start.count_again(RECORDS[offset], 0, offset + 1)
    assert start.rebuilt == {"corvo"}
    goes_on_as(clean, start, position)


def test_killed_between_the_states_and_the_ledger_nothing_is_missing(clean: Run) -> None:
    position, before = len(RECORDS) // 2, len(RECORDS) // 3
    topic = saved(run(RECORDS[:position]))
    topic["partition:0"] = saved(run(RECORDS[:before]))["partition:0"]
    start = begin(topic, before)
    assert start.rebuilt == set()
    for offset in range(before, position):
        assert start.detectors.observe(RECORDS[offset], 0, offset + 1) == []
    goes_on_as(clean, start, position)


def test_records_that_have_expired_are_told_as_missing() -> None:
    missing = recovered((), {0: 900}, BRANDS).missing
    ranges = ranges_of(missing, {0: Span(500, 800, 900)}, limit=10_000)
    assert ranges == {0: (500, 800)}
    assert holes(missing, ranges) == [0]
    assert holes({0: 600}, ranges_of({0: 600}, {0: Span(500, 800, 900)}, 10_000)) == []


@given(
    spans=st.dictionaries(
        st.integers(0, 7),
        st.tuples(st.integers(0, 50), st.integers(0, 500)).map(
            lambda one: Span(one[0], one[0] + one[1], one[0] + one[1] + 10)
        ),
    ),
    since=st.integers(0, 300),
    limit=st.integers(8, 1_000),
)
def test_no_more_is_read_again_than_allowed_and_it_is_the_newest(
    spans: dict[int, Span], since: int, limit: int
) -> None:
    ranges = ranges_of(dict.fromkeys(spans, since), spans, limit)
    assert sum(end - first for first, end in ranges.values()) <= limit
    for partition, (first, end) in ranges.items():
        assert max(since, spans[partition].first) <= first < end == spans[partition].position


def test_offsets_of_a_topic_that_was_made_anew_are_forgotten() -> None:
    topic = saved(run(RECORDS))
    start = recovered(topic.values(), {0: 10}, BRANDS)
    assert (start.renewed, start.missing) == ([0], {})
    assert start.detectors.offsets(0) == dict.fromkeys(BRANDS, 0)
    assert start.detectors.detector("velmora").snapshot().counts.every()


def test_sources_and_time_go_on_with_the_partition_that_is_ours() -> None:
    whole = run(RECORDS[: 4 * LEARNT])
    start = recovered(saved(whole).values(), {0: len(RECORDS)}, BRANDS)
    assert start.coverage == whole.coverage
    assert start.newest == RECORDS[0].at
    of_another = recovered(saved(whole).values(), {1: 5}, BRANDS)
    assert (len(of_another.detectors), of_another.missing) == (0, {1: 0})
    assert of_another.coverage.sources == {}


@pytest.mark.parametrize(("first", "says"), [(0, ""), (150, "partly")])
def test_what_was_rebuilt_partly_is_said(
    capfd: pytest.CaptureFixture[str], first: int, says: str
) -> None:
    def retained(*words: object) -> Iterator[Incoming]:
        assert words[-1] == {0: (first, 300)}
        yield Incoming("activity", 0, first, b"", b"{")
        for offset in range(first + 1, 300):
            yield Incoming("activity", 0, offset, b"", ACTIVITY.encode(RECORDS[offset]))

    logs.configure("json", "warning")
    start = recovered((), {0: 300}, BRANDS)
    spans = {0: Span(first, 300, 300)}
    read_again(KafkaSettings(), start, spans, 1_000, lambda: None, retained)
    assert start.rebuilt == set(BRANDS)
    told = capfd.readouterr().err
    assert ("tocsin detector rebuild" in told) == bool(says)
    assert says in told

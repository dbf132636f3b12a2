"""How long a saved state names a post or an author, and what moves with time that nobody hears."""

from datetime import timedelta
from typing import Any

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.silence import LEARNT
from processors.detector.state.brand_state import DetectorState, unpack
from processors.detector.state.late_counts import LateCounts
from processors.detector.worker import FORGETS_AFTER_S
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.codec import DETECTOR_STATE
from schemas.detector_state import DetectorSnapshot
from tests.processors.detector.detector_process import Kafka, Process, in_a_loop, spoken
from tests.processors.detector.storms import START, VELMORA, calm, record, storm, together
from tocsin.checkup.erasure_certificate import UNSAVED, Needles

DID = "did:plc:abcdefghijklmnop"
NEEDLES = Needles("bluesky", DID)
EVIL: dict[str, Any] = {
    "author": NEEDLES.hash,
    "url": f"https://bsky.app/profile/{DID}/post/3k",
    "duplicate_keys": ["a", "b", "c"],
}


def named(snapshot: DetectorSnapshot) -> int:
    return NEEDLES.count(DETECTOR_STATE.encode(snapshot))


def last_saved(
    detectors: BrandDetectors, hours: float, behind: timedelta = timedelta(0)
) -> tuple[int, DetectorSnapshot]:
    """The last state that is saved in some hours of silence, and how many were."""
    saved = [one for one in detectors.snapshots(START) if one.brand == "velmora"]
    assert named(saved[-1]) > 0
    begin = START + timedelta(hours=10) - behind
    for minute in range(int(hours * 60)):
        detectors.advance(begin + timedelta(minutes=minute))
        saved += [one for one in detectors.snapshots(START) if one.brand == "velmora"]
    return len(saved), saved[-1]


def of_the_did(number: int, hours: float, **fields: Any) -> Activity:
    at = START + timedelta(hours=hours, seconds=number)
    return record(number, at, **{**EVIL, "post_id": f"bluesky:{DID}/{number}", **fields})


def test_a_brand_that_falls_silent_names_nobody_within_the_stated_time() -> None:
    detectors = BrandDetectors({"velmora": VELMORA})
    for one in calm(10, per_minute=1):
        detectors.observe(one)
    for number in range(3):
        detectors.observe(of_the_did(number, 9.99))
    count, last = last_saved(detectors, UNSAVED / timedelta(hours=1))
    assert count == 2
    assert named(last) == 0


def test_a_brand_in_a_storm_names_nobody_once_the_storm_is_over() -> None:
    detectors = BrandDetectors({"velmora": VELMORA})
    opened = list[Alert]()
    for one in together(calm(10, per_minute=1), storm(9.5, 29, per_minute=30)):
        opened += detectors.observe(one)
    assert {alert.status for alert in opened} == {"open", "update"}
    detectors.observe(of_the_did(1, 9.99))
    _, last = last_saved(detectors, UNSAVED / timedelta(hours=1))
    assert named(last) == 0


def test_late_mentions_name_nobody_once_they_rest() -> None:
    detectors = BrandDetectors({"velmora": VELMORA})
    for one in calm(10, per_minute=1):
        detectors.observe(one)
    for number in range(3):
        detectors.observe(of_the_did(number, 4))
    state = detectors.detector("velmora").snapshot()
    assert state.afterwards is not None and LateCounts(state.afterwards).names_posts()
    _, last = last_saved(detectors, UNSAVED / timedelta(hours=1))
    assert named(last) == 0
    read = unpack(last.state, DetectorState)
    assert read is not None and read.afterwards is None


def test_a_restored_state_is_saved_again_without_its_posts() -> None:
    detectors = BrandDetectors({"velmora": VELMORA})
    for one in calm(10, per_minute=1):
        detectors.observe(one)
    detectors.observe(of_the_did(1, 4))
    again = BrandDetectors({"velmora": VELMORA})
    again.restore(detectors.snapshots(START))
    saved = []
    for minute in range(UNSAVED // timedelta(minutes=1)):
        again.advance(START + timedelta(hours=10, minutes=minute))
        saved += list(again.snapshots(START))
    assert named(saved[-1]) == 0


def test_copies_are_grouped_by_names_that_are_no_ids() -> None:
    detectors = BrandDetectors({"velmora": VELMORA})
    for number in range(5):
        detectors.observe(of_the_did(number, 1, url=None, author="a"))
    detector = detectors.detector("velmora")
    minute = detector.snapshot().counts.every()[0]
    assert (minute.copies, list(minute.groups.values())) == (4, [4])
    detector.forget_posts()
    (snapshot,) = detectors.snapshots(START)
    assert b"bluesky:" not in DETECTOR_STATE.encode(snapshot)
    assert named(snapshot) == 0


@in_a_loop
async def test_a_day_in_which_nothing_is_heard_leaves_no_posts_in_states(kafka: Kafka) -> None:
    spoken(kafka, "velmora", LEARNT + 1)  # so much that silence is none of the brand
    kafka.activity[0] += [of_the_did(number, 0.05) for number in range(3)]
    process = Process(kafka, [0], START + timedelta(hours=0.1))
    process.now += timedelta(seconds=1)
    assert await process.read()
    await process.tick_once()

    def left() -> int:
        return NEEDLES.count(kafka.states[b"velmora"])

    for hours in (1.0, 20.0):
        process.now += timedelta(hours=hours)
        await process.tick_once()
        assert left() > 0
    process.now += timedelta(seconds=FORGETS_AFTER_S)
    await process.tick_once()
    process.now += timedelta(seconds=1)
    await process.tick_once()
    assert left() == 0


def test_a_time_that_only_a_record_claims_is_not_reached_though_the_caller_believes_it() -> None:
    """The caller adds what passed to the newest time of any record, whatever that claims."""
    records = together(calm(10, per_minute=3), storm(8, 60, per_minute=30))
    at = START + timedelta(hours=7)
    evil = record("evil", at + timedelta(hours=23), ingested_at=at, brand="corvo")

    def told(stream: list[Activity]) -> list[str]:
        detectors, alerts = BrandDetectors({"velmora": VELMORA}), list[Alert]()
        newest, came = START, START
        for one in stream:
            now = one.ingested_at
            if one.at > newest:
                newest, came = one.at, now
            alerts += detectors.observe(one)
            alerts += detectors.advance(newest + (now - came) - timedelta(seconds=20))
        return [f"{alert.status} {alert.raised_at} {alert.found_afterwards}" for alert in alerts]

    def in_order(*extra: Activity) -> list[Activity]:
        return sorted([*records, *extra], key=lambda one: one.ingested_at)

    assert told(in_order(evil)) == told(in_order())
    assert len(told(in_order())) >= 2

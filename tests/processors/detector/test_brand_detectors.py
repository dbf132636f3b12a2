"""The state of a brand is bounded, whatever is said of it."""

import random
from datetime import datetime, timedelta

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.state.counts import DETAILED, KEPT, LATENESS, MAX_SEEN
from schemas.activity import Activity
from schemas.codec import DETECTOR_STATE
from schemas.topic_registry import topics
from tests.processors.detector.storms import START, record


def mention(number: int, at: datetime, pick: random.Random) -> Activity:
    """All of it unlike any other: another author, other words, another link."""

    def name(bits: int) -> str:
        return f"{pick.getrandbits(bits):x}"

    return record(
        name(120),
        at,
        author=name(64),
        reach=number,
        url=f"https://example.org/{name(160)}",
        duplicate_group=name(64),
        duplicate_keys=[name(64) for _ in range(4)],
        terms=[name(48) for _ in range(12)],
        entities=[name(48) for _ in range(8)],
    )


def test_the_state_of_the_loudest_brand_fits_into_a_message() -> None:
    detectors, pick = BrandDetectors(), random.Random(1)
    for minute in range(KEPT):
        # A quiet hour, then so many mentions that everything that is kept is full.
        count = MAX_SEEN // LATENESS if minute >= KEPT - DETAILED - LATENESS else 10
        for number in range(count):
            at = START + timedelta(minutes=minute, seconds=60 * number / count)
            detectors.observe(mention(number, at, pick))
    (snapshot,) = detectors.snapshots(START)
    written = len(DETECTOR_STATE.encode(snapshot))
    assert 2**18 < written < topics()["detector-state"].max_message_bytes
    assert list(detectors.snapshots(START)) == []

"""A state that an older release has saved is read, and goes on as one of this release."""

from base64 import b64decode
from pathlib import Path

from processors.detector.brand_detectors import READABLE, BrandDetectors
from schemas.detector_state import DetectorSnapshot
from tests.processors.detector.storms import START, VELMORA, calm, storm

SAVED = b64decode(Path(__file__).with_name("state_of_format_2.b64").read_text("ascii"))
"""What the release before saved of four hours of ``calm``."""


def test_a_state_of_an_older_release_tells_the_same_alerts() -> None:
    older, present = BrandDetectors({"velmora": VELMORA}), BrandDetectors({"velmora": VELMORA})
    snapshot = DetectorSnapshot(
        brand="velmora", partition=0, offset=1, saved_at=START, format=READABLE[0], state=SAVED
    )
    assert older.restore([snapshot]) == 0
    for record in calm(4, per_minute=0.25):
        present.observe(record)
    told = []
    for record in storm(4, 20, per_minute=30):
        expected = present.observe(record)
        assert older.observe(record) == expected
        told += expected
    assert [alert.status for alert in told][:1] == ["open"]
    one, other = older.detector("velmora"), present.detector("velmora")
    one.volumes.learn()
    other.volumes.learn()
    assert one.snapshot().counts == other.snapshot().counts
    assert one.volumes.snapshot() == other.volumes.snapshot()

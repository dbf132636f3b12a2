"""Idle detectors are packed, which changes no alert and no state."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from processors.detector.brand_detector import BrandDetector
from processors.detector.brand_detectors import MAX_IDLE_MINUTES, BrandDetectors
from processors.detector.severity import is_below_minimum, severity
from processors.detector.signals.summary import summarize
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import BrandCounts, minute_of, time_of
from processors.detector.state.volume import VolumeBaselines
from processors.detector.state.window import LONG, Window
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import AlertPolicy, Brand
from tests.processors.detector.storms import START, calm, record, said, storm

NAMES = ("corvo", "mirabelle", "velmora")
BRANDS = {name: Brand(id=name, name=name) for name in NAMES}


class Plain:
    """All detectors awake, looking at everything each minute."""

    def __init__(self) -> None:
        self.detectors = {
            name: BrandDetector(brand, thorough=True) for name, brand in BRANDS.items()
        }

    def detector(self, name: str) -> BrandDetector:
        return self.detectors[name]

    def observe(self, mention: Activity) -> list[Alert]:
        return self.detectors[mention.brand].observe(mention)

    def advance(self, now: datetime) -> list[Alert]:
        return [alert for name in NAMES for alert in self.detectors[name].advance(now)]

    def set_brands(self, brands: dict[str, Brand]) -> None:
        for name, brand in brands.items():
            self.detectors[name].brand = brand


Step = tuple[str, int, int, int]
"""What happens, to which brand, how much of it, and how many minutes late, or early."""
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pass", "pass", "say", "some", "shout", "storm", "policy"]),
        st.integers(0, len(NAMES) - 1),
        st.integers(1, 60),
        st.integers(-3, 15),
    ),
    max_size=25,
)


def play(on: Plain | BrandDetectors, steps: list[Step]) -> tuple[list[Alert], dict[str, bytes]]:
    """Some ordinary hours, then the steps; time passes minute by minute."""
    told: list[Alert] = []
    for name in NAMES:
        on.detector(name)
    number, now = 0, START

    def let_pass(minutes: int) -> None:
        nonlocal now
        for _ in range(minutes):
            now += timedelta(minutes=1)
            told.extend(on.advance(now))

    def say(brand: int, behind: int, **fields: Any) -> None:
        nonlocal number
        number += 1
        fields |= {"brand": NAMES[brand], "terms": [f"t{number % 7}"]}
        told.extend(on.observe(record(number, now - timedelta(minutes=behind), **fields)))

    while now < START + timedelta(hours=5):
        for brand in range(len(NAMES)):
            say(brand, 0, **said("neutral"))
        let_pass(12)
    for what, brand, much, behind in steps:
        if what == "pass":
            let_pass(8 * much)
        elif what == "policy":
            name = NAMES[brand]
            policy = AlertPolicy(minimum_volume=much, sensitivity=5)
            on.set_brands({**BRANDS, name: Brand(id=name, name=name, alerts=policy)})
        elif what == "storm":
            for minute in range(3):
                for _ in range(much // 2):
                    say(brand, behind if minute else 0, **said("negative"))
                # Looks come several times a minute, also in the midst of one.
                told.extend(on.advance(now + timedelta(seconds=20)))
                let_pass(1)
        elif what == "some":
            for _ in range(much % 10):
                say(brand, behind, **said("negative"))
        else:
            say(brand, behind, reach=200_000 if what == "shout" else 100, **said("negative"))
    let_pass(45)
    for name in NAMES:
        # When counts of volumes are learnt is no part of the result.
        on.detector(name).volumes.learn()
    return told, {name: msgpack.encode(on.detector(name).snapshot()) for name in NAMES}


@given(STEPS)
@example([("pass", 0, 60, 0), ("storm", 1, 60, 0), ("pass", 0, 10, 0), ("say", 1, 1, 12)])
@example([("pass", 0, 60, 0), ("some", 0, 9, 0), ("pass", 0, 1, 0), ("policy", 0, 1, 0)])
@example([("say", 2, 1, 0), ("pass", 0, 60, 0), ("shout", 2, 1, 3), ("pass", 0, 60, 0)])
@example([("pass", 0, 60, 0), ("some", 0, 9, 0), ("some", 0, 9, 1), ("pass", 0, 60, 0)])
@settings(max_examples=12, deadline=None)
def test_packing_changes_no_alert_and_no_state(steps: list[Step]) -> None:
    assert play(BrandDetectors(BRANDS), steps) == play(Plain(), steps)


def test_a_storm_among_the_steps_is_told() -> None:
    (first, *_), _ = play(BrandDetectors(BRANDS), [("pass", 0, 30, 0), ("storm", 1, 60, 0)])
    assert (first.brand, first.status) == ("mirabelle", "open")


def detectors_of(*parts: Iterable[Activity]) -> BrandDetectors:
    detectors = BrandDetectors(BRANDS)
    for mention in chain(*parts):
        detectors.observe(mention)
    return detectors


def test_a_brand_is_packed_until_its_next_record() -> None:
    detectors = detectors_of(calm(4, per_minute=0.1))
    detectors.advance(START + timedelta(hours=4, minutes=40))
    assert (detectors.idle, len(detectors)) == (1, 1)
    detectors.observe(record("one", START + timedelta(hours=4, minutes=41)))
    assert (detectors.idle, len(detectors)) == (0, 1)


def test_a_brand_in_a_storm_is_not_packed() -> None:
    detectors = detectors_of(calm(4, per_minute=1), storm(4, 10, per_minute=30))
    for minute in range(1, 30):
        detectors.advance(START + timedelta(hours=4, minutes=10 + minute))
        assert detectors.idle == 0


def test_what_is_idle_for_long_keeps_up() -> None:
    detectors = detectors_of(calm(4, per_minute=0.1))
    end = START + timedelta(hours=5)
    for hour in range(24 * 3):
        detectors.advance(end + timedelta(hours=hour))
    assert detectors.detector("velmora").looked == minute_of(end) + (24 * 3 - 1) * 60


def test_restored_states_are_packed_at_once() -> None:
    calm_state = detectors_of(calm(4, per_minute=0.1))
    calm_state.advance(START + timedelta(hours=4, minutes=40))
    # A saved state may be of the very minute of a record, and hold a storm as well.
    loud_state = detectors_of(calm(4, per_minute=0.1), storm(4, 1, per_minute=30))
    for saved, idle in ((calm_state, 1), (loud_state, 0)):
        kept = list(saved.snapshots(START, every=True))
        again = BrandDetectors(BRANDS)
        again.restore(kept)
        assert again.idle == idle
        assert list(again.snapshots(START, every=True)) == kept


MINUTES = st.lists(
    st.tuples(st.integers(0, LONG - 1), st.sampled_from([10, 99_000, 150_000]), st.booleans()),
    max_size=30,
)


@given(MINUTES, st.integers(1, 40), st.booleans(), st.integers(0, LONG))
@example([(3, 150_000, True)] * 12, 40, False, 0)
@example([(3, 10, True)] * 12, 12, True, 0)
@settings(max_examples=200, deadline=None)
def test_too_little_is_severity_nought(
    posts: list[tuple[int, int, bool]], least: int, crisis: bool, later: int
) -> None:
    counts, first = BrandCounts(), minute_of(START)
    for number, (minute, reach, negative) in enumerate(sorted(posts)):
        fields = said("negative" if negative else "positive")
        intents = {"intents": ["crisis"]} if crisis else {}
        counts.add(record(number, time_of(first + minute), reach=reach, **fields, **intents))
    policy = AlertPolicy(minimum_volume=least, sensitivity=10)
    if not is_below_minimum(counts.between(first, first + LONG), policy):
        return
    end = first + LONG + later
    window = Window(counts.between(end - LONG, end), end)
    summary = summarize(window, Baseline(minutes=600.0), VolumeBaselines())
    assert severity(summary, policy) == 0


def test_idling_is_shorter_than_what_is_looked_at_minute_by_minute() -> None:
    assert MAX_IDLE_MINUTES < 24 * 60

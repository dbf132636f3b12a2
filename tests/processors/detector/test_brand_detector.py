"""Crisis detection: what opens an alert and what does not, and that a restart changes nothing."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.state.counts import KEPT
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import AlertPolicy, Brand
from tests.processors.detector.storms import START, calm, record, said, storm, together

VELMORA = Brand(id="velmora", name="Velmora", alerts=AlertPolicy(minimum_volume=10))
CALM = list(calm(60, per_minute=2))
_END = START + timedelta(hours=60)


def alerts_of(records: Sequence[Activity], brand: Brand = VELMORA) -> list[Alert]:
    desk = BrandDetectors({brand.id: brand})
    found = [alert for one in records for alert in desk.observe(one)]
    return found + desk.advance(_END + timedelta(hours=6))


def test_nothing_wakes_anybody_on_calm_days() -> None:
    assert alerts_of(CALM) == []


def test_a_storm_opens_one_alert_early_that_grows_and_closes() -> None:
    found = alerts_of(together(iter(CALM), storm(40, 90, per_minute=60)))
    assert [alert.status for alert in found] == ["open", *["update"] * (len(found) - 2), "close"]
    first = found[0]
    began = START + timedelta(hours=40)
    assert began <= first.raised_at <= began + timedelta(minutes=4)
    assert began - timedelta(minutes=2) <= first.began_at <= first.raised_at
    assert first.severity >= 3
    grades = [alert.severity for alert in found[:-1]]
    assert grades == sorted(set(grades))
    assert grades[-1] == 5
    assert len({alert.id for alert in found}) == 1
    assert [alert.version for alert in found] == sorted({alert.version for alert in found})


def test_an_alert_shows_what_moved_and_what_is_said() -> None:
    (first, *_) = alerts_of(together(iter(CALM), storm(40, 30, per_minute=30)))
    moved = {signal.name: signal for signal in first.signals}
    assert {"volume", "authors", "discounted_volume", "negative_share"} <= moved.keys()
    assert moved["volume"].observed > 5 * moved["volume"].baseline
    assert moved["negative_share"].baseline == pytest.approx(0.2, abs=0.1)
    assert set(first.evidence.terms[:2]) == {"#velmoradown", "panne"}
    assert first.evidence.authenticity == "organic"
    assert first.evidence.shown[0].role == "first"
    assert first.evidence.mentions >= first.evidence.distinct_authors > 10
    assert first.evidence.sources == {"x": first.evidence.mentions}


def test_the_first_post_shown_is_the_one_that_it_began_with() -> None:
    for alert in alerts_of(together(iter(CALM), storm(40, 200, per_minute=60))):
        (first,) = [post.at for post in alert.evidence.shown if post.role == "first"] or [None]
        if alert.raised_at - alert.began_at <= timedelta(minutes=KEPT):
            assert first is not None
            assert alert.began_at <= first < alert.began_at + timedelta(minutes=1)
        else:
            assert first is None


def test_joy_wakes_nobody() -> None:
    found = alerts_of(together(iter(CALM), storm(40, 60, per_minute=40, label="positive")))
    assert {alert.severity for alert in found} <= {1}


def test_a_storm_of_copies_by_new_accounts_is_called_one() -> None:
    campaign = storm(40, 60, per_minute=30, text="boycott", young=0.8, authors=60)
    found = alerts_of(together(iter(CALM), campaign))
    assert found[0].evidence.authenticity in ("coordinated", "organic")
    assert found[-2].evidence.authenticity == "coordinated"
    moved = {signal.name: signal.observed for signal in found[-2].signals}
    assert moved["volume"] > 3 * moved.get("discounted_volume", 0)


def test_reposts_by_grown_accounts_are_attention() -> None:
    wave = storm(40, 60, per_minute=30, text="look", kind="repost")
    found = alerts_of(together(iter(CALM), wave))
    assert found[-2].evidence.authenticity == "amplified"


def test_words_of_crisis_count_before_the_volume_does() -> None:
    words = [
        record(f"c{n}", START + timedelta(hours=40, minutes=n), intents=["crisis"],
               **said("negative"))
        for n in range(25)
    ]  # fmt: skip
    found = alerts_of(together(iter(CALM), iter(words)))
    assert found
    assert "lexicon" in {signal.name for signal in found[0].signals}
    assert found[0].severity >= 2


def test_a_shift_on_nine_posts_is_no_shift() -> None:
    few = [
        record(f"n{n}", START + timedelta(hours=10, minutes=200 + n), **said("negative"))
        for n in range(9)
    ]
    assert alerts_of(few) == []


def test_sensitivity_and_least_volume_are_the_brands() -> None:
    small = together(iter(CALM), storm(40, 30, per_minute=4))
    dull = Brand(id="velmora", name="V", alerts=AlertPolicy(sensitivity=0.2))
    keen = Brand(id="velmora", name="V", alerts=AlertPolicy(sensitivity=2))
    loud = Brand(id="velmora", name="V", alerts=AlertPolicy(minimum_volume=10_000))
    assert alerts_of(small, keen)
    assert alerts_of(small, dull) == []
    assert alerts_of(together(iter(CALM), storm(40, 30, per_minute=40)), loud) == []


def test_who_is_woken_is_the_brands_policy() -> None:
    policy = AlertPolicy(
        quiet_hours="00:00-23:59 UTC", channels={"1": ["desk"], "4": ["desk", "night"]}
    )
    brand = Brand(id="velmora", name="Velmora", alerts=policy)
    found = alerts_of(together(iter(CALM), storm(40, 90, per_minute=60)), brand)
    by_grade = {alert.severity: alert for alert in found}
    assert by_grade[5].channels == ["desk", "night"]
    assert not by_grade[5].muted
    assert all(alert.muted for alert in found if alert.severity < 4)
    campaign = AlertPolicy(mute_until=_END)
    muted = Brand(id="velmora", name="Velmora", alerts=campaign)
    assert all(a.muted for a in alerts_of(together(storm(40, 90, 60), iter(CALM)), muted)[:-1])


STORMY = together(iter(CALM), storm(40, 60, per_minute=20))


def restarted(at: Sequence[int]) -> tuple[list[Alert], bytes]:
    """The alerts and the state behind it all, with restarts before these records."""
    desk = BrandDetectors({"velmora": VELMORA})
    found: list[Alert] = []
    for number, one in enumerate(STORMY):
        if number in at:
            kept = list(desk.snapshots(START, every=True))
            desk = BrandDetectors({"velmora": VELMORA})
            assert desk.restore(kept) == 0
            # Kafka delivers again what was not acknowledged.
            for again in range(max(0, number - 50), number):
                assert desk.observe(STORMY[again], 0, again + 1) == []
        found += desk.observe(one, 0, number + 1)
    (last,) = desk.snapshots(START, every=True)
    return found, last.state


@cache
def undisturbed() -> tuple[list[Alert], bytes]:
    """The same without restarts."""
    return restarted([])


@cache
def stormy_alerts() -> list[Alert]:
    """Of every record once."""
    return alerts_of(STORMY)


@given(st.lists(st.integers(1, len(STORMY) - 1), max_size=4))
@settings(max_examples=8, deadline=None)
def test_a_restart_anywhere_changes_nothing(cuts: list[int]) -> None:
    assert restarted(cuts) == undisturbed()


@given(st.lists(st.integers(0, len(STORMY) - 1), max_size=30))
@settings(max_examples=8, deadline=None)
def test_a_record_that_comes_twice_counts_once(again: list[int]) -> None:
    chosen = set(again)
    twice = [one for n, one in enumerate(STORMY) for _ in range(2 if n in chosen else 1)]
    assert alerts_of(twice) == stormy_alerts()


def test_what_comes_late_counts_and_what_comes_much_later_is_told() -> None:
    desk = BrandDetectors({"velmora": VELMORA})
    detector = desk.detector("velmora")
    for minute, name in ((60, "a"), (52, "late"), (40, "too late"), (60, "a")):
        desk.observe(record(name, START + timedelta(minutes=minute)))
    assert detector.late == 2
    counted = {m.start: m.mentions for m in detector.minutes(0, 10**9)} or {
        m.start: m.mentions for m in detector.snapshot().counts.minutes
    }
    assert sorted(counted.values()) == [1, 1]


def test_a_snapshot_is_small_and_plain() -> None:
    desk = BrandDetectors({"velmora": VELMORA})
    for one in together(iter(CALM), storm(59, 60, per_minute=300)):
        desk.observe(one)
    (kept,) = desk.snapshots(START)
    assert len(msgspec.json.encode(kept)) < 1_000_000
    assert list(desk.snapshots(START)) == []

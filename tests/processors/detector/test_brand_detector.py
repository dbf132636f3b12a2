"""Crisis detection: what opens an alert and what does not, and that a restart changes nothing."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.detector.backtest import replay
from processors.detector.brand_detectors import BrandDetectors
from processors.detector.state.counts import KEPT
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import AlertPolicy, Brand
from tests.processors.detector.storms import START, VELMORA, calm, record, said, storm, together

CALM = list(calm(60, per_minute=2))
BEGAN = START + timedelta(hours=40)


def alerts_of(records: Sequence[Activity], **policy: Any) -> list[Alert]:
    alerts = AlertPolicy(**policy) if policy else VELMORA.alerts
    return replay(records, [Brand(id="velmora", name="Velmora", alerts=alerts)])


def stormy(minutes: int, per_minute: float, **fields: Any) -> list[Activity]:
    """Calm days with a storm that begins at ``BEGAN``."""
    return together(CALM, storm(40, minutes, per_minute, **fields))


def test_a_storm_opens_one_alert_early_that_grows_and_closes() -> None:
    alerts = alerts_of(stormy(90, 60))
    assert [alert.status for alert in alerts] == ["open", *["update"] * (len(alerts) - 2), "close"]
    first = alerts[0]
    assert BEGAN <= first.raised_at <= BEGAN + timedelta(minutes=4)
    assert BEGAN - timedelta(minutes=2) <= first.began_at <= first.raised_at
    assert first.severity >= 3
    grades = [alert.severity for alert in alerts[:-1]]
    assert grades == sorted(set(grades))
    assert grades[-1] == 5
    assert len({alert.id for alert in alerts}) == 1
    assert [alert.version for alert in alerts] == sorted({alert.version for alert in alerts})


def test_an_alert_shows_what_moved_and_what_is_said() -> None:
    (first, *_) = alerts_of(stormy(30, 30))
    moved = {signal.name: signal for signal in first.signals}
    assert {"volume", "authors", "discounted_volume", "negative_share"} <= moved.keys()
    assert moved["volume"].observed > 5 * moved["volume"].baseline
    assert moved["negative_share"].baseline == pytest.approx(0.2, abs=0.1)
    assert {lift.term for lift in first.evidence.lifted[:2]} == {"#velmoradown", "panne"}
    assert first.evidence.authenticity == "organic"
    assert first.evidence.shown[0].role == "first"
    assert first.evidence.mentions >= first.evidence.distinct_authors > 10
    assert first.evidence.sources == {"x": first.evidence.mentions}


def test_the_first_post_shown_is_the_one_that_it_began_with() -> None:
    for alert in alerts_of(stormy(200, 60)):
        (first,) = [post.at for post in alert.evidence.shown if post.role == "first"] or [None]
        if alert.raised_at - alert.began_at <= timedelta(minutes=KEPT):
            assert first is not None
            assert alert.began_at <= first < alert.began_at + timedelta(minutes=1)
        else:
            assert first is None


def test_copies_by_new_accounts_are_called_so_and_reposts_by_grown_ones_are_attention() -> None:
    alerts = alerts_of(stormy(60, 30, text="boycott", young=0.8, authors=60))
    assert alerts[0].evidence.authenticity in ("coordinated", "organic")
    assert alerts[-2].evidence.authenticity == "coordinated"
    moved = {signal.name: signal.observed for signal in alerts[-2].signals}
    assert moved["volume"] > 3 * moved.get("discounted_volume", 0)
    attention = alerts_of(stormy(60, 30, text="look", kind="repost"))
    assert attention[-2].evidence.authenticity == "amplified"


def test_words_of_crisis_count_before_the_volume_does() -> None:
    words = [
        record(f"c{n}", BEGAN + timedelta(minutes=n), intents=["crisis"], **said("negative"))
        for n in range(25)
    ]
    alerts = alerts_of(together(CALM, words))
    assert "lexicon" in {signal.name for signal in alerts[0].signals}
    assert alerts[0].severity >= 2


def test_joy_calm_days_and_a_shift_on_nine_posts_wake_nobody() -> None:
    assert {alert.severity for alert in alerts_of(stormy(60, 40, label="positive"))} <= {1}
    at = START + timedelta(hours=13)
    few = [record(n, at + timedelta(minutes=n), **said("negative")) for n in range(9)]
    assert alerts_of(CALM) == alerts_of(few) == []


def test_sensitivity_and_least_volume_are_the_brands() -> None:
    small = stormy(30, 4)
    assert alerts_of(small, sensitivity=2)
    assert alerts_of(small, sensitivity=0.2) == []
    assert alerts_of(stormy(30, 40), minimum_volume=10_000) == []


def test_who_is_woken_is_the_brands_policy() -> None:
    quiet, channels = "00:00-23:59 UTC", {"1": ["desk"], "4": ["desk", "night"]}
    alerts = alerts_of(stormy(90, 60), quiet_hours=quiet, channels=channels)
    by_grade = {alert.severity: alert for alert in alerts}
    assert by_grade[5].channels == ["desk", "night"]
    assert not by_grade[5].muted
    assert all(alert.muted for alert in alerts if alert.severity < 4)
    during_campaign = alerts_of(stormy(90, 60), mute_until=START + timedelta(hours=60))
    assert all(alert.muted for alert in during_campaign)


STORMY = stormy(60, 20)


@cache
def restarted(*at: int) -> tuple[list[Alert], bytes]:
    """The alerts and the state behind it all, with restarts before these records."""
    detectors = BrandDetectors({"velmora": VELMORA})
    alerts: list[Alert] = []
    for number, one in enumerate(STORMY):
        if number in at:
            kept = list(detectors.snapshots(START, every=True))
            detectors = BrandDetectors({"velmora": VELMORA})
            assert detectors.restore(kept) == 0
            # Kafka delivers again what was not acknowledged.
            for again in range(max(0, number - 50), number):
                assert detectors.observe(STORMY[again], 0, again + 1) == []
        alerts += detectors.observe(one, 0, number + 1)
    (last,) = detectors.snapshots(START, every=True)
    return alerts, last.state


@given(st.lists(st.integers(1, len(STORMY) - 1), max_size=4))
@settings(max_examples=8, deadline=None)
def test_a_restart_anywhere_changes_nothing(cuts: list[int]) -> None:
    assert restarted(*cuts) == restarted()


@given(st.lists(st.integers(0, len(STORMY) - 1), max_size=30))
@settings(max_examples=8, deadline=None)
def test_a_record_that_comes_twice_counts_once(again: list[int]) -> None:
    chosen = set(again)
    twice = [one for n, one in enumerate(STORMY) for _ in range(2 if n in chosen else 1)]
    assert alerts_of(twice) == restarted()[0]


def test_what_comes_late_counts_and_what_comes_twice_or_after_a_week_does_not() -> None:
    detectors = BrandDetectors({"velmora": VELMORA})
    week = 8 * 24 * 60
    for minute, name in ((60, "a"), (52, "late"), (40, "later"), (60, "a"), (60 - week, "old")):
        detectors.observe(record(name, START + timedelta(minutes=minute)))
    assert dict(detectors.tally) | {"ahead": 0} == {
        "ahead": 0, "made_up": 1, "repeated": 1, "lost": 1
    }  # fmt: skip
    state = detectors.detector("velmora").snapshot()
    assert [minute.mentions for minute in state.counts.every()] == [1, 1]
    assert state.afterwards is not None
    assert [minute.mentions for minute in state.afterwards.minutes] == [1]

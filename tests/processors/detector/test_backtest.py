"""Back-tests: the alerts of the stream, and what another policy changes."""

from dataclasses import replace as changed
from datetime import timedelta

from msgspec.structs import replace

from processors.detector.backtest import CLOSES, backtest_alerts, compare, replay
from processors.detector.brand_detectors import BrandDetectors
from schemas.brand import AlertPolicy
from tests.processors.detector.storms import VELMORA, calm, storm, together

RECORDS = together(calm(30, 2), storm(20, 45, 20), storm(26, 20, 20, seed=2))


def test_a_back_test_gives_the_alerts_of_the_stream() -> None:
    live = BrandDetectors({"velmora": VELMORA})
    told = []
    for number, record in enumerate(RECORDS):
        told += live.observe(record, 3, number + 1)
        if number % 500 == 0:
            # The stream is restarted, and redelivers what was not acknowledged.
            kept = list(live.snapshots(record.at, every=True))
            live = BrandDetectors({"velmora": VELMORA})
            live.restore(kept)
            told += live.observe(RECORDS[number], 3, number + 1)
    told += live.advance(RECORDS[-1].at + CLOSES)
    assert told == replay(RECORDS, [VELMORA])
    assert told


def test_states_are_put_together_and_those_of_another_policy_compared() -> None:
    alerts = replay(RECORDS, [VELMORA])
    usual = backtest_alerts(alerts)
    assert len(usual) == len({alert.id for alert in alerts}) == 2
    for one in usual:
        assert one.closed_at is not None
        assert one.began_at <= one.opened_at < one.closed_at
        assert one.severity == max(state.severity for state in one.states)
    deaf = replace(VELMORA, alerts=AlertPolicy(minimum_volume=100_000))
    none = backtest_alerts(replay(RECORDS, [deaf]))
    assert compare(usual, none).only_before == usual
    assert compare(none, usual).only_after == usual
    same = compare(usual, usual)
    assert not (same.only_before or same.only_after or same.changed)
    later = [changed(one, opened_at=one.opened_at + timedelta(minutes=3)) for one in usual]
    assert len(compare(usual, later).changed) == len(usual)

"""The cost of the detector is measured on states as the stream makes them."""

from benchmarks.scorecard import cost
from processors.detector.state.brand_state import DetectorState, pack, unpack

NEW = pack(DetectorState(brand=""))


def test_volumes_follow_zipfs_law() -> None:
    assert cost.hourly(1) == cost.LOUDEST
    rates = [cost.hourly(rank) for rank in cost.RANKS]
    assert rates == sorted(rates, reverse=True)
    assert cost.hourly(cost.MOST // 2) < 2


def test_states_hold_the_counts_of_the_simulated_time() -> None:
    loud, silent = cost.day((10, 10**9), minutes=20)
    state = unpack(loud, DetectorState)
    assert state is not None
    assert sum(minute.mentions for minute in state.counts.closed) > 100
    assert silent == NEW


def test_a_cost_has_every_part_of_a_minute() -> None:
    total = cost.cost([NEW] * len(cost.RANKS), 40, minutes=2)
    assert (total.brands, total.snapshot_bytes) == (40, len(NEW))
    assert 0 < total.packed <= 1
    assert min(total.records, total.restore_s, total.minute_s, total.saving_s) > 0
    assert 0 < total.longest_s <= total.minute_s * 2 + total.first_s + total.saving_s * 2


def test_a_brand_at_its_bounds_is_heavier_than_a_new_one() -> None:
    full = cost.at_its_bounds(minutes=2, a_minute=40)
    assert len(full) > 10 * len(NEW)
    assert cost.weight(full, 3).snapshot_bytes == len(full)


def test_records_resemble_real_ones() -> None:
    crowd = cost.Crowd(1)
    records = [record for _ in range(5) for record in crowd.minute("b", 600, cost.START)]
    assert 20 < len(records) < 90
    assert len({record.post_id for record in records}) == len(records)
    assert all(record.brand == "b" and len(record.terms) <= 6 for record in records)

"""The cost of the detector is measured on what it does on the stream."""

from benchmarks.scorecard import cost
from processors.detector.brand_detector import DetectorState, pack, unpack
from schemas.brand import Brand

NEW = pack(DetectorState(brand=""))


def test_brands_are_spoken_of_as_zipf_says() -> None:
    assert cost.hourly(1) == cost.LOUDEST
    rates = [cost.hourly(rank) for rank in cost.RANKS]
    assert rates == sorted(rates, reverse=True)
    assert cost.hourly(cost.MOST // 2) < 2


def test_states_after_some_time_hold_what_was_said() -> None:
    loud, silent = cost.day((10, 10**9), minutes=20)
    known = unpack(loud, DetectorState)
    assert known is not None
    assert sum(minute.mentions for minute in known.counts.minutes) > 100
    assert silent == NEW


def test_a_cost_is_of_all_that_a_minute_takes() -> None:
    one = cost.cost([NEW] * len(cost.RANKS), 40, minutes=2)
    assert (one.brands, one.snapshot_bytes) == (40, len(NEW))
    assert 0 < one.packed < 1
    assert one.records > 0
    assert min(one.restore_s, one.minute_s, one.saving_s) > 0


def test_a_brand_at_its_bounds_is_heavier_than_a_new_one() -> None:
    full = cost.at_its_bounds(minutes=2, a_minute=40)
    assert len(full) > 10 * len(NEW)
    assert cost.weight(full, 3).snapshot_bytes == len(full)


def test_records_are_as_real_ones() -> None:
    crowd = cost.Crowd(1)
    made = [one for _ in range(5) for one in crowd.minute("b", 600, cost.START)]
    assert 20 < len(made) < 90
    assert len({one.post_id for one in made}) == len(made)
    assert all(one.brand == Brand(id="b", name="b").id and len(one.terms) <= 6 for one in made)

"""The encoder's share of a core: bounded in any case, less with the lag, settled in between."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.encoder_budget import BURST_S, SETTLED, EncoderBudget
from processors.enrichment.encoder_choice import ALL, NONE

LIMIT = 4_000


def budget(share: float = 0.5, limit: int = LIMIT) -> EncoderBudget:
    return EncoderBudget("auto", share, limit)


@pytest.mark.parametrize(("tier", "expected"), [("fast", NONE), ("accurate", ALL)])
@given(lag=st.integers(0, 10**9))
def test_a_fixed_tier_does_not_depend_on_the_lag(
    tier: Literal["fast", "accurate"], expected: object, lag: int
) -> None:
    fixed = EncoderBudget(tier, 0.5, LIMIT)
    assert fixed.choice(lag, 1.0) == expected
    fixed.spend(1_000, 1_000.0)
    assert fixed.choice(lag, 2.0) == expected
    assert fixed.share_at(lag) == (tier == "accurate")


def test_the_share_falls_evenly_from_a_core_to_nothing() -> None:
    shares = [budget().share_at(lag) for lag in (0, 500, 1_000, 2_500, 4_000, 4_001)]
    assert shares == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert [budget(limit=0).share_at(lag) for lag in (0, 1)] == [1.0, 0.0]


@given(st.floats(0, 1), st.integers(0, 10_000), st.integers(0, 20_000))
def test_more_lag_never_buys_more(share: float, limit: int, lag: int) -> None:
    one = budget(share, limit)
    assert 0 <= one.share_at(lag + 1) <= one.share_at(lag) <= 1
    assert one.share_at(limit + 1) == 0


STEPS = st.lists(
    st.tuples(st.integers(0, 2 * LIMIT), st.floats(0, 3), st.floats(1e-4, 0.1)), max_size=40
)


@given(STEPS, st.floats(0, 1))
def test_the_time_is_bounded_by_the_share(
    steps: list[tuple[int, float, float]], share: float
) -> None:
    """The cost of a post changes from batch to batch: what is overdrawn is paid back."""
    one, now, spent, allowed = budget(share), 0.0, 0.0, BURST_S
    for lag, passed, cost in steps:
        now += passed
        allowed += one.share_at(lag) * passed
        choice = one.choice(lag, now)
        assert choice.limit is not None and choice.limit >= 0
        assert not choice.limit or spent < allowed + 1e-9, "nothing is read on credit"
        assert one.share_at(lag) or choice == NONE
        one.spend(choice.limit, choice.limit * cost)
        spent += choice.limit * cost


def test_a_stream_that_leaves_time_is_read_entirely() -> None:
    one = budget()
    for second in range(50):
        choice = one.choice(lag=20, at=float(second))
        assert choice.limit is not None and choice.limit >= 100
        one.spend(100, 0.2)


def test_a_costly_post_does_not_end_the_reading() -> None:
    one = budget()
    one.choice(0, 0.0)
    for _ in range(50):
        one.spend(1, 60.0)
    choice = one.choice(0, 10_000.0)
    assert choice.limit == 1


def test_the_lag_settles_where_reading_and_the_stream_keep_pace() -> None:
    """1,000 posts a second that cost 0.3 ms each, and 2 ms more where the encoder reads it."""
    one, now, lag, shares = budget(), 0.0, 0.0, []
    for _ in range(400):
        batch = min(500, max(1, int(lag)))
        choice = one.choice(int(lag), now)
        read = min(batch, choice.limit or 0)
        took = max(0.1, batch * 0.0003 + read * 0.002)
        one.spend(read, read * 0.002)
        now += took
        lag = max(0.0, lag + 1_000 * took - batch)
        shares.append(read * 0.002 / took)
    late = shares[200:]
    assert 0.55 < sum(late) / len(late) < 0.75, "what the stream leaves of the core"
    assert lag < LIMIT * SETTLED
    assert not one.fallen_back


def test_it_falls_back_above_the_limit_and_returns_well_below_it() -> None:
    one = EncoderBudget("auto", 0.5, 1_000)
    lags = [0, 1_000, 1_001, 1_000, 251, 250, 1_000, 5_000, 0]
    seen = [(one.choice(lag, 0.0), one.fallen_back)[1] for lag in lags]
    assert "".join("f" if fallen else "a" for fallen in seen) == "aafffaafa"

"""The tier of each batch, by lag."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.tiers import RETURN_SHARE, TierChooser
from schemas.types import Tier


@pytest.mark.parametrize("choice", ["fast", "accurate"])
@given(lag=st.integers(0, 10**9))
def test_a_fixed_choice_does_not_depend_on_the_lag(choice: Tier, lag: int) -> None:
    assert TierChooser(choice, 1_000).choose(lag) == choice


def test_auto_falls_back_above_the_limit_and_returns_well_below_it() -> None:
    chooser = TierChooser("auto", 1_000)
    lags = [0, 1_000, 1_001, 1_000, 251, 250, 1_000, 5_000, 0]
    assert "".join(chooser.choose(lag)[0] for lag in lags) == "aafffaafa"


@given(st.lists(st.integers(0, 3_000)))
def test_auto_changes_only_at_the_two_limits(lags: list[int]) -> None:
    chooser, before = TierChooser("auto", 1_000), "accurate"
    for lag in lags:
        tier = chooser.choose(lag)
        if tier != before:
            assert lag > 1_000 if tier == "fast" else lag <= 1_000 * RETURN_SHARE
        before = tier

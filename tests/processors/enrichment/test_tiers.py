"""Which models read a batch, by lag; and what a mention says of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.enricher import SKIPPED, Enricher
from processors.enrichment.tiers import RETURN_SHARE, TierChooser
from runtime import metrics
from schemas.mention import MentionUpsert
from schemas.types import Tier
from tests.processors.enrichment.fakes import ENRICHED, MATCHER, Loudness, upsert


@pytest.mark.parametrize("choice", ["fast", "accurate"])
@given(lag=st.integers(0, 10**9))
def test_a_fixed_choice_holds_whatever_the_lag(choice: Tier, lag: int) -> None:
    assert TierChooser(choice, 1_000).choose(lag) == choice


def test_auto_falls_back_above_the_limit_and_returns_well_below_it() -> None:
    chooser = TierChooser("auto", 1_000)
    lags = [0, 1_000, 1_001, 1_000, 251, 250, 1_000, 5_000, 0]
    assert [chooser.choose(lag) for lag in lags] == [
        *("accurate", "accurate", "fast", "fast", "fast", "accurate", "accurate", "fast"),
        "accurate",
    ]


@given(st.lists(st.integers(0, 3_000)))
def test_auto_changes_only_at_the_two_limits(lags: list[int]) -> None:
    chooser, before = TierChooser("auto", 1_000), "accurate"
    for lag in lags:
        tier = chooser.choose(lag)
        if tier != before:
            assert lag > 1_000 if tier == "fast" else lag <= 1_000 * RETURN_SHARE
        before = tier


def test_the_accurate_models_read_only_posts_that_name_a_brand() -> None:
    enricher = Enricher(
        [BrandAnnotator(lambda: MATCHER)],
        accurate=[close := Loudness(name="close")],
        keep_unmatched=True,
    )
    events = [upsert(1, "velmora"), upsert(2, "nothing")]
    named, other = (event.mention for event in enricher.enrich(events, ENRICHED).mentions)
    assert named is not None
    assert other is not None
    assert close.seen == [events[0].id]
    assert (named.tier, other.tier) == ("accurate", None)
    assert "close" not in other.provenance


def test_a_batch_that_goes_fast_says_so_in_provenance_and_metric() -> None:
    enricher = Enricher(
        [BrandAnnotator(lambda: MATCHER)], accurate=[close := Loudness(name="close")]
    )
    before = metrics.PROCESS_ENRICHED.labels("fast")._value.get()
    (event,) = enricher.enrich([upsert(1, "velmora")], ENRICHED, "fast").mentions
    assert isinstance(event, MentionUpsert)
    assert close.seen == []
    assert event.mention.tier == "fast"
    assert event.mention.provenance["close"] == SKIPPED
    assert metrics.PROCESS_ENRICHED.labels("fast")._value.get() == before + 1


def test_targets_reach_the_annotators_of_their_own_post() -> None:
    enricher = Enricher([BrandAnnotator(lambda: MATCHER)], keep_unmatched=True)
    events = [upsert(1, "velmora"), upsert(2, "nothing")]
    found = enricher.enrich(events, ENRICHED, targets={events[1].id: ["the food"]}).mentions
    asked = [[t.text for t in event.mention.targets] for event in found if event.mention]
    assert asked == [[], ["the food"]]

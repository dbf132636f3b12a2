"""The annotators that the settings name, and the error for wrong ones."""

from collections.abc import Sequence
from typing import Literal

import pytest

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotator_table import ANNOTATORS, build_enricher
from processors.enrichment.annotators.base import Annotator
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError
from tests.processors.enrichment.fakes import ENRICHED, MATCHER, upsert

NAMES = "brands,entities,spacy_entities"


def test_the_annotators_are_built_in_the_order_of_the_settings() -> None:
    enricher = build_enricher(ProcessSettings(annotators=" brands , language,"), lambda: MATCHER)
    assert [annotator.name for annotator in enricher.annotators] == ["brands", "language"]
    assert all(annotator.version and not annotator.heavy for annotator in enricher.annotators)


def test_the_settings_decide_on_unmatched_posts() -> None:
    for keep in (True, False):
        chosen = ProcessSettings(annotators="brands", keep_unmatched=keep)
        enricher = build_enricher(chosen, lambda: BrandMatcher(()))
        assert len(enricher.enrich([upsert(1, "no")], ENRICHED).mentions) == keep


def test_the_matcher_is_asked_at_every_batch() -> None:
    current = [BrandMatcher(())]
    enricher = build_enricher(ProcessSettings(annotators="brands"), lambda: current[0])
    assert enricher.enrich([upsert(1, "Velmora")], ENRICHED).mentions == []
    current[0] = MATCHER
    assert len(enricher.enrich([upsert(1, "Velmora")], ENRICHED).mentions) == 1


@pytest.mark.parametrize("annotators", ["", " , ", "brand", "brands,brands", "brands,Language"])
def test_wrong_annotators_are_a_sentence(annotators: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build_enricher(ProcessSettings(annotators=annotators), lambda: MATCHER)
    assert str(caught.value).startswith(f"TOCSIN_PROCESS_ANNOTATORS is {annotators!r}; ")
    assert all(name in str(caught.value) for name in ANNOTATORS)


def test_the_settings_name_all_annotators_in_their_order() -> None:
    assert ProcessSettings().annotator_names == list(ANNOTATORS)
    enricher = build_enricher(ProcessSettings(tier="accurate"), lambda: MATCHER)
    annotators = (*enricher.annotators, *enricher.accurate)
    assert [annotator.name for annotator in annotators] == list(ANNOTATORS)


def test_spacy_reads_the_accurate_tier_or_as_the_settings_say_every_post() -> None:
    def built(tier: Literal["fast", "accurate"], entities: Literal["names", "spacy"]) -> list[bool]:
        chosen = ProcessSettings(annotators=NAMES, tier=tier, entities=entities)
        enricher = build_enricher(chosen, lambda: MATCHER)
        return ["spacy_entities" in _names(run) for run in (enricher.annotators, enricher.accurate)]

    assert built("fast", "names") == [False, False]
    assert built("accurate", "names") == [False, True]
    assert built("fast", "spacy") == built("accurate", "spacy") == [True, False]


def _names(annotators: Sequence[Annotator]) -> list[str]:
    return [annotator.name for annotator in annotators]

"""The names of the user's brands are entities, whatever the recogniser makes of them."""

from collections.abc import Sequence

import pytest

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.brand_names import BrandNames
from processors.enrichment.gazetteer import built_in
from schemas.mention import Entity, Mention
from schemas.types import EntityLabel
from tests import make
from tests.processors.enrichment.fakes import mention

MATCHER = BrandMatcher(
    [
        make.brand("velmora", names=["Velmora", "Velmora Box"], handles=["velmora"]),
        make.brand("corvane", query='corvane AND (panne OR "ne marche")'),
    ]
)


def _entity(text: str, within: str, label: EntityLabel) -> Entity:
    start = within.index(text)
    return Entity(text=text, label=label, start=start, end=start + len(text))


def named(text: str, found: Sequence[tuple[str, EntityLabel]] = ()) -> list[tuple[str, str]]:
    """Entities after a recogniser found some."""
    post = mention(text, "fr")
    post.entities = [_entity(one, text, label) for one, label in found]
    BrandAnnotator(lambda: MATCHER).annotate([post])
    BrandNames(lambda: MATCHER, built_in()).apply([post])
    for entity in post.entities:
        assert text[entity.start : entity.end] == entity.text
    return [(entity.text, entity.label) for entity in post.entities]


@pytest.mark.parametrize("glued", ["Bravo Velmora", "Livraison Velmora", "Velmora di"])
def test_a_word_that_is_glued_to_a_brand_goes(glued: str) -> None:
    assert named(f"{glued} Nantes", [(glued, "PERSON")]) == [("Velmora", "ORG")]


def test_a_brand_that_was_missed_or_mistaken_is_an_organisation() -> None:
    assert named("panne velmora à Nantes", [("Nantes", "LOC")]) == [
        ("velmora", "ORG"),
        ("Nantes", "LOC"),
    ]
    assert named("#Velmora ?", [("#Velmora", "LOC")]) == [("#Velmora", "ORG")]


def test_a_longer_name_that_begins_with_the_brand_stays() -> None:
    arena: list[tuple[str, EntityLabel]] = [("Velmora Arena", "LOC")]
    assert named("concert à la Velmora Arena", arena) == [("Velmora Arena", "LOC")]


def test_handles_and_other_words_of_a_query_are_no_names() -> None:
    assert named("@velmora aucune réponse") == []
    assert named("panne chez corvane") == [("corvane", "ORG")]


def test_names_of_brands_follow_the_brands() -> None:
    current = [BrandMatcher([make.brand("velmora")])]
    names = BrandNames(lambda: current[0], built_in())

    def entities(text: str) -> list[str]:
        post: Mention = mention(text, "fr")
        BrandAnnotator(lambda: current[0]).annotate([post])
        names.apply([post])
        return [entity.text for entity in post.entities]

    assert entities("velmora et zephalia") == ["velmora"]
    current[0] = BrandMatcher([make.brand("zephalia")])
    assert entities("velmora et zephalia") == ["zephalia"]
    assert BrandNames(None, built_in()).apply([mention("velmora")]) is None

"""What a post is about, in a few terms."""

from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.activity_records import MAX_TERM, entities_of, terms_of
from schemas.activity import MAX_ENTITIES, MAX_TERMS
from schemas.mention import BrandMatch, Entity, Match
from tests.processors.enrichment.fakes import mention
from tests.strategies import HOSTILE_TEXT

VELMORA = BrandMatch(id="velmora", matches=[Match(text="Velmora", start=0, end=7)])


def test_hashtags_links_names_and_rarer_words() -> None:
    found = mention(
        "Velmora est encore en panne à Nantes #VelmoraDown #velmora",
        links=["https://www.velmora.example/statut/?id=3", "nothing", "http://["],
    )
    found.entities = [Entity(text="Nantes", name="Nantes", label="LOC", start=30, end=36)]
    assert terms_of(found, VELMORA) == [
        "#velmoradown", "www.velmora.example/statut", "panne",
    ]  # fmt: skip
    assert entities_of(found, VELMORA) == ["Nantes"]


def entity(text: str, name: str | None = None) -> Entity:
    return Entity(text=text, name=name, label="ORG", start=0, end=len(text))


def test_names_are_the_usual_ones_once_each_and_not_the_brand() -> None:
    found = mention("La DB, Velmora et la Deutsche Bahn")
    found.entities = [
        entity("DB", "Deutsche Bahn"),
        entity("Velmora"),
        entity("Deutsche\nBahn"),
        entity("velmora", "Velmora"),
        entity("Velmora Park"),
        entity("#VelmoraDown"),
        entity("#DB", "Deutsche Bahn"),
        entity("@velmora_help"),
    ]
    assert entities_of(found, VELMORA) == ["Deutsche Bahn", "Velmora Park"]


def test_the_words_of_a_name_are_no_terms_beside_it() -> None:
    found = mention("Incendie chez Petit Bateau, un bateau brule")
    assert "petit" in terms_of(found, VELMORA) or "bateau" in terms_of(found, VELMORA)
    found.entities = [entity("Petit Bateau")]
    assert not {"petit", "bateau"} & set(terms_of(found, VELMORA))
    assert "incendie" in terms_of(found, VELMORA)


def test_the_words_that_name_the_brand_are_left_out() -> None:
    assert terms_of(mention("Velmora velmora #velmora"), VELMORA) == []


@given(HOSTILE_TEXT)
def test_any_text_has_few_short_terms(text: str) -> None:
    found = terms_of(mention(text, links=[text]), VELMORA)
    assert len(found) == len(set(found)) <= MAX_TERMS
    assert all(0 < len(term) <= MAX_TERM for term in found)


@given(st.lists(HOSTILE_TEXT, max_size=20))
def test_any_names_are_few_and_short(texts: list[str]) -> None:
    found = mention("")
    found.entities = [entity(text) for text in texts]
    names = entities_of(found, VELMORA)
    assert len(names) == len(set(names)) <= MAX_ENTITIES
    assert all(0 < len(name) <= MAX_TERM for name in names)

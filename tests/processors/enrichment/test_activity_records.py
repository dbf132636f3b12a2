"""The time, the terms and the entities of an activity record."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.activity_records import MAX_TERM, activity_of, entities_of, terms_of
from schemas.activity import MAX_ENTITIES, MAX_TERMS
from schemas.mention import BrandMatch, Entity, Match
from tests.make import AT
from tests.processors.enrichment.fakes import mention
from tests.strategies import HOSTILE_TEXT

VELMORA = BrandMatch(id="velmora", matches=[Match(text="Velmora", start=0, end=7)])


def test_a_post_is_counted_no_later_than_it_was_read() -> None:
    for ahead, counted in (
        (timedelta(hours=23), AT),
        (-timedelta(hours=1), AT - timedelta(hours=1)),
    ):
        post = mention("Velmora", created_at=AT + ahead)
        post.brands = [VELMORA]
        (record,) = activity_of(1, AT, post)
        assert (record.at, record.ingested_at) == (counted, AT)


def test_hashtags_links_names_and_rarer_words() -> None:
    post = mention(
        "Velmora est encore en panne à Nantes #VelmoraDown #velmora",
        links=["https://www.velmora.example/statut/?id=3", "nothing", "http://["],
    )
    post.entities = [Entity(text="Nantes", name="Nantes", label="LOC", start=30, end=36)]
    terms = ["#velmoradown", "www.velmora.example/statut", "panne"]
    assert terms_of(post, VELMORA) == terms
    assert entities_of(post, VELMORA) == ["Nantes"]
    assert terms_of(mention("Velmora velmora #velmora"), VELMORA) == []


def entity(text: str, name: str | None = None) -> Entity:
    return Entity(text=text, name=name, label="ORG", start=0, end=len(text))


def test_names_are_the_usual_ones_once_each_and_not_the_brand() -> None:
    post = mention("La DB, Velmora et la Deutsche Bahn")
    own = ["Velmora", "Deutsche\nBahn", "Velmora Park", "#VelmoraDown", "@velmora_help"]
    post.entities = [entity("DB", "Deutsche Bahn"), *map(entity, own)]
    post.entities += [entity("velmora", "Velmora"), entity("#DB", "Deutsche Bahn")]
    assert entities_of(post, VELMORA) == ["Deutsche Bahn", "Velmora Park"]


def test_the_words_of_a_name_are_no_terms_beside_it() -> None:
    post = mention("Incendie chez Petit Bateau, un bateau brule")
    assert "petit" in terms_of(post, VELMORA) or "bateau" in terms_of(post, VELMORA)
    post.entities = [entity("Petit Bateau")]
    assert not {"petit", "bateau"} & set(terms_of(post, VELMORA))
    assert "incendie" in terms_of(post, VELMORA)


@given(HOSTILE_TEXT)
def test_any_text_has_few_short_terms(text: str) -> None:
    terms = terms_of(mention(text, links=[text]), VELMORA)
    assert len(terms) == len(set(terms)) <= MAX_TERMS
    assert all(0 < len(term) <= MAX_TERM for term in terms)


@given(st.lists(HOSTILE_TEXT, max_size=20))
def test_any_names_are_few_and_short(texts: list[str]) -> None:
    post = mention("")
    post.entities = [entity(text) for text in texts]
    names = entities_of(post, VELMORA)
    assert len(names) == len(set(names)) <= MAX_ENTITIES
    assert all(0 < len(name) <= MAX_TERM for name in names)

"""What a post is about, in a few terms."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given

from processors.terms import LONGEST, terms_of
from schemas.activity import MOST_TERMS
from schemas.mention import BrandMatch, Entity, Match, Mention
from schemas.post import Author, Post
from tests.strategies import HOSTILE_TEXT

VELMORA = BrandMatch(id="velmora", matches=[Match(text="Velmora", start=0, end=7)])


def mention(text: str, **fields: Any) -> Mention:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return Mention(
        post=Post(id="x:1", source="x", author=Author(id="1"), created_at=when, text=text, **fields)
    )


def test_hashtags_links_names_and_rarer_words() -> None:
    found = mention(
        "Velmora est encore en panne à Nantes #VelmoraDown #velmora",
        links=["https://www.velmora.example/statut/?id=3", "nothing", "http://["],
    )
    found.entities = [Entity(text="Nantes", name="Nantes", label="LOC", start=30, end=36)]
    assert terms_of(found, VELMORA) == [
        "#velmoradown", "www.velmora.example/statut", "Nantes", "panne", "nantes",
    ]  # fmt: skip


def test_the_words_that_name_the_brand_are_left_out() -> None:
    assert terms_of(mention("Velmora velmora #velmora"), VELMORA) == []


@given(HOSTILE_TEXT)
def test_any_text_has_few_short_terms(text: str) -> None:
    found = terms_of(mention(text, links=[text]), VELMORA)
    assert len(found) == len(set(found)) <= MOST_TERMS
    assert all(0 < len(term) <= LONGEST for term in found)

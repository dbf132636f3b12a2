"""Aspects: golden posts in each language, valid spans without overlaps, nothing raises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.annotators.aspects import MAX_ASPECTS, AspectAnnotator
from schemas.mention import Aspect
from tests.processors.enrichment.fakes import mention
from tests.strategies import ANY_TEXT

ANNOTATOR = AspectAnnotator()
LANGUAGES = ("en", "fr", "es", "de", "it", "pt", "ar", "hi", "und")
PIECES = st.lists(
    st.sampled_from(
        ["prix", "too expensive", "service client", "customer", "service", "room", "#BadService",
         "chèèèèr", "e\u0301", "\ud800", "\x00", "😀", "الأسعار", "कीमत", ".", "?", "@staff", " "]
    ),
    max_size=15,
)  # fmt: skip


def aspects(text: str, code: str | None = "en") -> list[Aspect]:
    post = mention(text, code)
    ANNOTATOR.annotate([post])
    return post.aspects


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("en", "The food was cold and the staff absent", {"quality": "food", "staff": "staff"}),
        ("en", "Waaay too expeeeensive", {"price": "too expeeeensive"}),
        ("en", "#PoorQuality again", {"quality": "PoorQuality"}),
        ("en", "Another data breach at the bank", {"security": "data breach"}),
        ("en", "can't wait for the weekend, good morning", {}),
        ("en", "@price https://price.com/delivery", {}),
        ("fr", "Hors de prix, encore en retard", {"price": "Hors de prix", "delay": "en retard"}),
        ("fr", "Le SERVICE APRÈS-VENTE est nul", {"service": "SERVICE APRÈS-VENTE"}),
        ("fr", "mon colis n'arrive pas", {"delivery": "colis"}),
        ("fr", "l'équipe de France joue ce soir", {}),
        ("fr", "à tout prix", {}),
        ("es", "La atención al cliente es pésima", {"service": "atención al cliente"}),
        ("de", "Das Paket ist viel zu teuer", {"delivery": "Paket", "price": "teuer"}),
        ("it", "i camerieri", {"staff": "camerieri"}),
        ("pt", "A entrega atrasou", {"delivery": "entrega", "delay": "atrasou"}),
        ("ar", "الأسعار والخدمة", {"price": "الأسعار", "service": "والخدمة"}),
        ("hi", "कीमत बहुत है", {"price": "कीमत"}),
        ("hi", "bahut mehnga hai", {"price": "mehnga"}),
        ("und", "rude staff", {"staff": "rude staff"}),
        ("ja", "price", {}),
        (None, "price", {"price": "price"}),
    ],
)
def test_golden(code: str | None, text: str, expected: dict[str, str]) -> None:
    assert {aspect.label: aspect.text for aspect in aspects(text, code)} == expected


@pytest.mark.parametrize(
    "text", ["😀" * 1_000_000, "price" * 200_000, "\ud800" * 9_999, "", "#Aa" * 9_999]
)
def test_hostile_text(text: str) -> None:
    for code in LANGUAGES:
        assert len(aspects(text, code)) <= MAX_ASPECTS
    assert len(aspects("price " * 1_000)) == MAX_ASPECTS


@settings(max_examples=200, deadline=None)
@given(PIECES.map(" ".join) | PIECES.map("".join) | ANY_TEXT, st.sampled_from(LANGUAGES))
def test_spans_are_valid_and_do_not_overlap(text: str, code: str) -> None:
    done = 0
    for aspect in aspects(text, code):
        assert done <= aspect.start < aspect.end <= len(text)
        assert text[aspect.start : aspect.end] == aspect.text
        done = aspect.end

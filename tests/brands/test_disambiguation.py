"""A model learns from a few texts whether a name means the brand."""

from collections.abc import Sequence
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brands.brand_matcher import BrandMatcher
from brands.disambiguation import Disambiguator, is_taught, learn
from schemas.brand import MAX_EXAMPLES, Brand, Example
from tests.make import post
from tests.strategies import ANY_TEXT
from text.tokens import tokenize

BRAND_TEXTS = [
    "my Orange phone contract is too expensive",
    "no network from Orange since this morning",
    "Orange cut my internet line again",
    "the Orange shop sold me a phone without a charger",
    "customer service of Orange never answers the phone",
    "switching to Orange for the mobile network",
]
FRUIT_TEXTS = [
    "an orange a day keeps the doctor away",
    "fresh orange juice for breakfast",
    "she painted the kitchen orange and yellow",
    "peel the orange and squeeze the juice",
    "a lovely orange sunset over the sea",
    "marmalade of bitter orange, with sugar",
]
EXAMPLES = [Example(text=text, about=True) for text in BRAND_TEXTS] + [
    Example(text=text, about=False) for text in FRUIT_TEXTS
]
ORANGE = Brand(
    id="orange",
    name="Orange",
    names=["Orange", "Orange Business Services"],
    handles=["orange"],
    examples=EXAMPLES,
)


def taught(brand: Brand = ORANGE) -> Disambiguator:
    learnt = learn(brand)
    assert learnt is not None
    return learnt


def confidence(text: str, brand: Brand = ORANGE, language: str | None = None) -> float:
    match = BrandMatcher([brand]).match(post(text))[0].matches[-1]
    return taught(brand).confidence(tokenize(text), match, language)


@pytest.mark.parametrize(
    ("text", "lowest", "highest"),
    [
        ("the network of Orange is down, no internet", 0.6, 1.0),
        ("Orange, why does nobody answer the phone?", 0.6, 1.0),
        ("new contract with Orange for my mobile", 0.6, 1.0),
        ("a glass of orange juice with sugar", 0.0, 0.4),
        ("orange and yellow flowers", 0.0, 0.4),
        ("peel an orange", 0.0, 0.4),
        # Handles and long names need little proof.
        ("@orange, peel a fresh juice", 0.8, 1.0),
        ("orange business services, with #orangebusinessservices", 0.8, 1.0),
    ],
)
def test_the_words_around_a_name_decide(text: str, lowest: float, highest: float) -> None:
    assert lowest < confidence(text) < highest


def test_each_match_is_judged_where_it_stands() -> None:
    filler = "word " * 50
    text = f"fresh orange juice for breakfast {filler} no internet network from Orange"
    first, last = BrandMatcher([ORANGE]).match(post(text))[0].matches
    tokens, learnt = tokenize(text), taught()
    assert learnt.confidence(tokens, first) < 0.4 < 0.6 < learnt.confidence(tokens, last)


def test_examples_can_overrule_a_handle() -> None:
    wrong = [Example(text=f"{text} @orange", about=False) for text in FRUIT_TEXTS]
    examples = EXAMPLES[: len(BRAND_TEXTS)] + wrong * 3
    brand = Brand(id="orange", name="Velmora", handles=["orange"], examples=examples)
    assert confidence("fresh juice and sugar @orange", brand) < 0.5


def test_the_language_is_learnt_where_it_decides() -> None:
    names = ["Lidia", "Bertrand", "Corvane", "Atlas"]
    examples = [Example(text=f"Orange {name} {about}", about=about) for about in (True, False)
                for name in names]  # fmt: skip
    brand = Brand(id="orange", name="Orange", examples=examples)

    def identify(texts: Sequence[str]) -> list[str]:
        return ["fr" if text.endswith("True") else "en" for text in texts]

    learnt = learn(brand, identify)
    assert learnt is not None
    ((match,),) = [of_brand.matches for of_brand in BrandMatcher([brand]).match(post("Orange"))]
    tokens = tokenize("Orange")
    french, unknown, english = (
        learnt.confidence(tokens, match, language) for language in ("fr", "und", "en")
    )
    assert french > 0.7 > 0.3 > english
    assert french > unknown > english
    assert learnt.confidence(tokens, match, None) == unknown


@pytest.mark.parametrize("examples", [[], EXAMPLES[:1], EXAMPLES[:6], EXAMPLES[6:]])
def test_one_kind_teaches_nothing(examples: list[Example]) -> None:
    brand = Brand(id="orange", name="Orange", examples=examples)
    assert not is_taught(brand)
    assert learn(brand) is None


def test_an_example_may_leave_the_name_out() -> None:
    examples = [Example(text="no network since noon", about=True), Example(text="!", about=False)]
    assert learn(Brand(id="orange", name="Orange", examples=examples)) is not None


def test_learning_is_deterministic() -> None:
    texts = ["orange network", "orange juice", "Orange is what?"]
    assert [confidence(text) for text in texts] == [confidence(text) for text in texts]


def test_the_most_examples_are_learnt_soon() -> None:
    random = Random(3)
    words = [f"{one}{two}" for one in ("ba", "du", "ki", "lo") for two in map(str, range(500))]
    examples = [
        Example(text=f"orange {' '.join(random.choices(words, k=25))}", about=number % 2 == 0)
        for number in range(MAX_EXAMPLES)
    ]
    began = process_time()
    assert learn(Brand(id="orange", name="Orange", examples=examples)) is not None
    assert process_time() - began < 5


@settings(deadline=None)
@given(
    st.lists(st.tuples(ANY_TEXT.filter(bool), st.booleans()), max_size=8),
    st.lists(ANY_TEXT, max_size=3),
    st.sampled_from(["und", "fr", None]),
)
def test_any_texts_can_be_learnt_and_asked(
    texts: list[tuple[str, bool]], asked: list[str], language: str | None
) -> None:
    examples = [Example(text=f"{text} orange", about=about) for text, about in texts]
    brand = Brand(id="orange", name="Orange", handles=["orange"], examples=examples)
    learnt = learn(brand)
    if learnt is None:
        return
    for text in asked:
        text += " orange"
        for of_brand in BrandMatcher([brand]).match(post(text)):
            for match in of_brand.matches:
                assert 0 <= learnt.confidence(tokenize(text), match, language) <= 1

"""Warnings of brands: each for what it is for, and none for a brand that is well written."""

import pytest

from brands.brand_lint import MIN_EXAMPLES, is_ambiguous, lint_brands, lint_queries
from brands.disambiguation import cross_check
from schemas.brand import Brand, Example
from tests.make import brand


def examples(about: int, other: int) -> list[Example]:
    told = [Example(text=f"ma facture orange de {n} euros", about=True) for n in range(about)]
    return told + [Example(text=f"une orange et {n} citrons", about=False) for n in range(other)]


def codes(*brands: Brand) -> list[str]:
    return [warning.code for warning in lint_brands(brands)]


def test_a_well_written_brand_has_no_warning() -> None:
    assert not codes(
        brand("velmora", names=["Velmora", "ma box Velmora"], exclude=["rue Velmora"]),
        brand("zephalia", query="zephalia OR #zephalia"),
        brand("orange", names=["orange"], examples=examples(MIN_EXAMPLES, MIN_EXAMPLES)),
        brand(
            "duo",
            names=["Guns/Roses", "Tarvel & Sons", "TOYS UND CO", "Rock et Folk", "Tarvel,Inc"],
        ),
        brand("kioku", names=["記憶"], owned=["x:kioku", "intranet:kioku", "reddit:kioku"]),
        brand("ca", names=["C&A"]),
        brand("eon", names=["E.ON"]),
    )


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (brand("a", name="A"), "short-name"),
        (brand("bt", names=["BT"]), "short-name"),
        (brand("tx", names=["T-X"]), "short-name"),
        (brand("orange", names=["Orange"]), "everyday-name"),
        (brand("free", name="Free"), "everyday-name"),
        (brand("o", names=["velmora, corvane"]), "list-in-name"),
        (brand("o", names=["velmora; corvane"]), "list-in-name"),
        (brand("o", names=["velmora | corvane"]), "list-in-name"),
        (brand("o", names=["velmora / corvane"]), "list-in-name"),
        (brand("o", names=["Velmora OU Corvane"]), "list-in-name"),
        (brand("o", names=["Velmora ODER Corvane"]), "list-in-name"),
        (brand("o", names=["title:velmora"]), "list-in-name"),
        (brand("o", names=["from:velmora"]), "list-in-name"),
        (brand("o", names=["velmora"], exclude=["le jus"]), "exclude-without-name"),
        (brand("o", query="orange AND panne", handles=["orange"]), "useless-setting"),
        (brand("o", names=["velmora"], minimum_confidence=0.3), "useless-setting"),
        (brand("o", names=["velmora"], owned=["twitter:velmora"]), "unknown-source"),
        (brand("o", names=["velmora"], owned=["Bluesky:velmora.example"]), "unknown-source"),
        (brand("o", names=["velmora"], owned=["instagrm:velmora"]), "unknown-source"),
    ],
)
def test_each_doubt_has_a_warning(wrong: Brand, code: str) -> None:
    (warning,) = lint_brands([wrong])
    assert (warning.about, warning.code) == (wrong.id, code)
    assert warning.hint


def test_few_examples_are_counted() -> None:
    few, name = lint_brands([brand("orange", names=["orange"], examples=examples(3, 4))])[::-1]
    assert name.code == "everyday-name"
    assert few.message.startswith("3 examples with about: true and 4 with about: false are too few")
    assert "at least 10 of each" in few.hint


def test_examples_need_the_name() -> None:
    texts = [*examples(10, 10), Example(text="ma box ne marche plus", about=True)]
    (warning,) = lint_brands([brand("orange", names=["orange"], examples=texts)])
    assert warning.code == "example-without-name"
    assert "1 of the 21 examples, such as 'ma box ne marche plus'" in warning.message


def test_brands_of_the_same_names_are_told_once() -> None:
    same = [brand("a", names=["Velmora"]), brand("b", names=["velmora"])]
    (warning,) = lint_brands(same)
    assert warning.message == "b and a match the same posts"
    assert not codes(same[0], brand("b", names=["velmora"], languages=["fr"]))


def test_a_saved_query_may_be_an_everyday_word() -> None:
    written = {"outages": "panne OR orange", "a": "orange AND query:outages", "b": "orange"}
    (warning,) = lint_queries(written | {"c": "orange AND"}, ["outages"])
    assert (warning.about, warning.code) == ("b", "everyday-word")
    assert warning.place == "  orange\n  ^^^^^^"


def test_a_word_of_everyday_is_known_in_any_case_and_with_its_accents() -> None:
    assert is_ambiguous("ORANGE") and is_ambiguous("après") and not is_ambiguous("Velmora")
    assert not is_ambiguous("Orange Business")


def test_examples_check_each_other() -> None:
    taught = brand("orange", names=["orange"], examples=examples(12, 12))
    assert cross_check(taught) == 24
    mixed = [Example(text=each.text, about=n % 5 < 2) for n, each in enumerate(taught.examples)]
    assert cross_check(brand("orange", names=["orange"], examples=mixed)) < 20
    assert cross_check(brand("velmora")) == 0

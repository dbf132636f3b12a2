"""The brand annotator: matches, languages and examples of brands."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.brands import BrandAnnotator
from schemas.brand import Brand, Example
from schemas.mention import Mention
from tests.processors.enrichment.fakes import mention

FRENCH = Brand(id="french", name="Velmora", languages=["fr", "br"])
BOTH = BrandMatcher([Brand(id="everywhere", name="Velmora"), FRENCH])


def brands(annotated: Mention) -> list[str]:
    return [match.id for match in annotated.brands]


@pytest.mark.parametrize(
    ("language", "is_french"), [("fr", 1), ("br", 1), ("en", 0), ("und", 1), (None, 1)]
)
def test_a_brand_keeps_its_languages_and_unknown_ones(language: str | None, is_french: int) -> None:
    text = "the train of Velmora is late again, and nobody tells us why"
    batch = [mention(text, language), mention("nothing", language)]
    BrandAnnotator(lambda: BOTH).annotate(batch)
    assert brands(batch[0]) == ["everywhere", "french"][: 1 + is_french]
    assert batch[0].brands[0].matches[0].text == "Velmora"
    assert batch[1].brands == []


@pytest.mark.parametrize("text", ["Velmora kaput", "velmora prout", "@velmora slt ça dit quoi"])
def test_a_guess_on_few_words_silences_no_brand(text: str) -> None:
    """Posts that the language model takes for another language."""
    brand = Brand(id="velmora", name="Velmora", handles=["velmora"], languages=["fr"])
    matcher = BrandMatcher([brand])
    read = mention(text, "ro")
    BrandAnnotator(lambda: matcher).annotate([read])
    assert brands(read) == ["velmora"]


def test_a_brand_that_was_published_with_another_form_of_a_language_is_heard() -> None:
    matcher = BrandMatcher([Brand(id="velmora", name="Velmora", languages=["FR", "pt-BR"])])
    batch = [mention("Velmora est en panne depuis ce matin", "fr"), mention("x Velmora", "pt")]
    BrandAnnotator(lambda: matcher).annotate(batch)
    assert [brands(each) for each in batch] == [["velmora"], ["velmora"]]


def test_a_change_of_brands_applies_to_the_next_batch() -> None:
    current = [BrandMatcher([])]
    annotator = BrandAnnotator(lambda: current[0])
    read = mention("Velmora")
    for matcher, expected in ((current[0], []), (BOTH, ["everywhere", "french"]), (current[0], [])):
        current[0] = matcher
        annotator.annotate([read])
        assert brands(read) == expected


TAUGHT = Brand(
    id="taught",
    name="Mirabelle",
    handles=["mirabelle_fr"],
    examples=[
        Example(text="the Mirabelle shop was closed", about=True),
        Example(text="queue at the Mirabelle supermarket", about=True),
        Example(text="a mirabelle tart with sugar", about=False),
        Example(text="ripe mirabelle plums and cream", about=False),
    ],
)
UNTAUGHT = Brand(id="untaught", name="Mirabelle")


def english(texts: Sequence[str]) -> list[str]:
    return ["en"] * len(texts)


def annotated(text: str, *chosen: Brand, **post: object) -> Mention:
    read = mention(text, "en", **post)
    matcher = BrandMatcher(chosen)
    BrandAnnotator(lambda: matcher, english).annotate([read])
    return read


def test_a_match_that_is_another_thing_is_dropped_and_one_of_the_brand_has_a_confidence() -> None:
    (untaught,) = annotated("a tart of ripe mirabelle plums", TAUGHT, UNTAUGHT).brands
    assert (untaught.id, untaught.confidence) == ("untaught", None)
    taught, untaught = annotated("long queue at the Mirabelle shop", TAUGHT, UNTAUGHT).brands
    assert taught.confidence is not None and 0.5 < taught.confidence <= 1
    assert (taught.id, untaught.id, untaught.confidence) == ("taught", "untaught", None)


def test_matches_are_judged_one_by_one() -> None:
    text = "a tart of ripe mirabelle plums " + "and more " * 30 + "the Mirabelle supermarket shop"
    (brand,) = annotated(text, TAUGHT).brands
    assert [match.text for match in brand.matches] == ["Mirabelle"]


def test_a_title_and_an_addressed_account_are_judged_too() -> None:
    (brand,) = annotated("ripe plums", TAUGHT, title="queue at the Mirabelle shop").brands
    assert [match.field for match in brand.matches] == ["title"]
    (brand,) = annotated("hello", TAUGHT, mentions=["mirabelle_fr"]).brands
    assert brand.confidence is not None and brand.confidence > 0.8


@pytest.mark.parametrize(("minimum", "kept"), [(0, True), (1, False)])
def test_a_brand_has_a_minimum_confidence(minimum: float, kept: bool) -> None:
    brand = replace(TAUGHT, minimum_confidence=minimum)
    assert bool(annotated("a tart of ripe mirabelle plums", brand).brands) is kept


def test_matches_beyond_the_tenth_follow_the_best() -> None:
    (brand,) = annotated("queue at the Mirabelle shop " * 30, TAUGHT).brands
    assert len(brand.matches) == 30
    assert annotated("ripe mirabelle plums and cream " * 30, TAUGHT).brands == []


def test_a_brand_is_learnt_once_until_it_changes() -> None:
    learnt: list[int] = []

    def identify(texts: Sequence[str]) -> list[str]:
        learnt.append(len(texts))  # the languages of a brand's examples, each time it is learnt
        return english(texts)

    other = replace(TAUGHT, id="other", name="Velmora")
    current = [BrandMatcher([TAUGHT, other])]
    annotator = BrandAnnotator(lambda: current[0], identify)
    for _ in range(3):
        annotator.annotate([mention("Mirabelle", "en"), mention("Mirabelle shop", "en")])
    assert learnt == [4]
    annotator.annotate([mention("Velmora", "en")])
    current[0] = BrandMatcher([TAUGHT, replace(other, examples=TAUGHT.examples[1:])])
    annotator.annotate([mention("Mirabelle and Velmora", "en")])
    current[0] = BOTH  # without examples
    annotator.annotate([mention("Velmora")])
    assert learnt == [4, 4, 3]


def test_the_result_does_not_depend_on_the_batch() -> None:
    texts = ["Mirabelle shop", "mirabelle tart", "Mirabelle", "sugar", "queue mirabelle"]
    whole = [mention(text) for text in texts]
    annotator = BrandAnnotator(lambda: BrandMatcher([TAUGHT]), english)
    annotator.annotate(whole)
    for text, expected in zip(texts, whole, strict=True):
        assert annotated(text, TAUGHT).brands == expected.brands

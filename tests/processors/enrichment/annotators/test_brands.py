"""The brand annotator: whom it asks, whose language it respects, and what it was taught."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.brands import BrandAnnotator
from schemas.brand import Brand, Example
from schemas.mention import Mention
from tests.processors.enrichment.fakes import mention

EVERYWHERE = Brand(id="everywhere", name="Velmora")
FRENCH = Brand(id="french", name="Velmora", languages=["fr", "br"])
BOTH = BrandMatcher([EVERYWHERE, FRENCH])


def brands(annotated: Mention) -> list[str]:
    return [match.id for match in annotated.brands]


@pytest.mark.parametrize(
    ("language", "found"),
    [
        ("fr", ["everywhere", "french"]),
        ("br", ["everywhere", "french"]),
        ("en", ["everywhere"]),
        ("und", ["everywhere", "french"]),
        (None, ["everywhere", "french"]),
    ],
)
def test_a_brand_hears_its_languages_and_what_nobody_could_tell(
    language: str | None, found: list[str]
) -> None:
    annotated = mention("Velmora", language)
    BrandAnnotator(lambda: BOTH).annotate([annotated])
    assert brands(annotated) == found


def test_each_mention_gets_its_own() -> None:
    batch = [mention("Velmora"), mention("nothing"), mention("velmora", "en")]
    BrandAnnotator(lambda: BOTH).annotate(batch)
    assert [brands(annotated) for annotated in batch] == [
        ["everywhere", "french"],
        [],
        ["everywhere"],
    ]
    assert batch[0].brands[0].matches[0].text == "Velmora"


def test_a_change_of_brands_takes_with_the_next_batch() -> None:
    current = [BrandMatcher([])]
    annotator = BrandAnnotator(lambda: current[0])
    before, after = mention("Velmora"), mention("Velmora")
    annotator.annotate([before])
    current[0] = BOTH
    annotator.annotate([after])
    assert (brands(before), brands(after)) == ([], ["everywhere", "french"])


def test_what_was_found_before_is_replaced() -> None:
    annotated = mention("Velmora")
    BrandAnnotator(lambda: BOTH).annotate([annotated])
    BrandAnnotator(lambda: BrandMatcher([])).annotate([annotated])
    assert annotated.brands == []


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


def annotated(text: str, *chosen: Brand, title: str | None = None) -> Mention:
    found = mention(text, "en", title=title)
    matcher = BrandMatcher(chosen)
    BrandAnnotator(lambda: matcher, english).annotate([found])
    return found


def test_a_match_that_is_another_thing_is_dropped() -> None:
    found = annotated("a tart of ripe mirabelle plums", TAUGHT, UNTAUGHT)
    assert brands(found) == ["untaught"]
    assert found.brands[0].confidence is None


def test_a_match_that_is_the_brand_says_how_sure_it_is() -> None:
    found = annotated("long queue at the Mirabelle shop", TAUGHT, UNTAUGHT)
    assert brands(found) == ["taught", "untaught"]
    assert found.brands[0].confidence is not None
    assert 0.5 < found.brands[0].confidence <= 1
    assert found.brands[1].confidence is None


def test_matches_are_judged_one_by_one() -> None:
    text = "a tart of ripe mirabelle plums " + "and more " * 30 + "the Mirabelle supermarket shop"
    (found,) = annotated(text, TAUGHT).brands
    assert [match.text for match in found.matches] == ["Mirabelle"]


def test_a_title_and_an_addressed_account_are_judged_too() -> None:
    (found,) = annotated("ripe plums", TAUGHT, title="queue at the Mirabelle shop").brands
    assert [match.field for match in found.matches] == ["title"]
    addressed = mention("hello", "en", mentions=["mirabelle_fr"])
    BrandAnnotator(lambda: BrandMatcher([TAUGHT]), english).annotate([addressed])
    assert addressed.brands[0].confidence is not None
    assert addressed.brands[0].confidence > 0.8


@pytest.mark.parametrize(("minimum", "kept"), [(0, True), (1, False)])
def test_a_brand_says_how_sure_it_wants_to_be(minimum: float, kept: bool) -> None:
    brand = replace(TAUGHT, minimum_confidence=minimum)
    assert bool(annotated("a tart of ripe mirabelle plums", brand).brands) is kept


def test_matches_beyond_the_tenth_follow_the_best() -> None:
    (found,) = annotated("queue at the Mirabelle shop " * 30, TAUGHT).brands
    assert len(found.matches) == 30
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
    assert learnt == [4, 4, 3]


def test_without_examples_no_language_is_asked_for() -> None:
    def never(texts: Sequence[str]) -> list[str]:
        raise AssertionError

    untold = mention("Velmora")
    BrandAnnotator(lambda: BOTH, never).annotate([untold])
    assert brands(untold) == ["everywhere", "french"]


def test_the_result_does_not_depend_on_the_batch() -> None:
    texts = ["Mirabelle shop", "mirabelle tart", "Mirabelle", "sugar", "queue mirabelle"]
    whole = [mention(text) for text in texts]
    annotator = BrandAnnotator(lambda: BrandMatcher([TAUGHT]), english)
    annotator.annotate(whole)
    for text, expected in zip(texts, whole, strict=True):
        assert annotated(text, TAUGHT).brands == expected.brands

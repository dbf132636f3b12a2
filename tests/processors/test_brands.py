"""The brand annotator: whom it asks, and whose language it respects."""

import pytest

from processors.brands import BrandAnnotator
from queries.names import BrandMatcher
from schemas.brand import Brand
from schemas.mention import Language, Mention
from tests.processors.fakes import upsert

EVERYWHERE = Brand(id="everywhere", name="Velmora")
FRENCH = Brand(id="french", name="Velmora", languages=["fr", "br"])
BOTH = BrandMatcher([EVERYWHERE, FRENCH])


def mention(text: str, language: str | None = None) -> Mention:
    post = upsert(1, text).post
    assert post is not None
    found = None if language is None else Language(code=language, confidence=0.9)
    return Mention(post=post, language=found)


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

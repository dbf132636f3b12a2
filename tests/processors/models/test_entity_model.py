"""The entity recogniser: right offsets in the published text, no growth, never raising."""

import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.models.entity_model import LABELS, MAX_TEXT, EntityRecognizer
from schemas.errors import ArtifactMissing
from tests.strategies import ANY_TEXT

RECOGNIZER = EntityRecognizer()

needs_english = pytest.mark.skipif(bool(RECOGNIZER.missing(["en"])), reason="no English pipeline")
needs_french = pytest.mark.skipif(bool(RECOGNIZER.missing(["fr"])), reason="no French pipeline")


@needs_english
@needs_french
def test_english_and_french() -> None:
    english, french = RECOGNIZER.recognise(
        [
            "Angela Merkel met the managers of Microsoft in Paris last Tuesday.",
            "Emmanuel Macron était à Marseille avec les dirigeants de Renault.",
        ],
        ["en", "fr"],
    )
    names = [(name, label) for name, _, _, label in english + french]
    assert names[:3] == [("Angela Merkel", "PERSON"), ("Microsoft", "ORG"), ("Paris", "LOC")]
    assert names[3:] == [("Emmanuel Macron", "PERSON"), ("Marseille", "LOC"), ("Renault", "ORG")]


@needs_english
def test_offsets_count_code_points_of_the_text_of_which_only_the_beginning_is_read() -> None:
    text = "😀👨‍👩‍👧 \ud83d  I moved from Berlin to Chicago with Barack Obama"
    ((*entities,),) = RECOGNIZER.recognise([text], ["en"])
    assert {"Berlin", "Chicago"} <= {name for name, *_ in entities}
    assert all(text[start:end] == name for name, start, end, _ in entities)
    assert RECOGNIZER.recognise(["word " * (MAX_TEXT // 5) + text], ["en"]) == [[]]


@needs_english
def test_words_beyond_the_bound_are_not_read_whatever_the_tokenizer_makes_of_them() -> None:
    name = " I moved to Chicago with Barack Obama. "
    # The tokenizer makes two words of each of these.
    runs = "12km " * 150
    signs = "😡" * 1_000
    far, near, blank = RECOGNIZER.recognise([runs + name, name + runs, signs + name], ["en"] * 3)
    assert far == []
    assert {"Chicago", "Barack Obama"} <= {found for found, *_ in near}
    assert {"Chicago", "Barack Obama"} <= {found for found, *_ in blank}


def test_a_language_without_pipeline_has_no_entities_and_is_missing() -> None:
    assert RECOGNIZER.recognise(["Angela Merkel in Paris", ""], ["xx", "und"]) == [[], []]
    assert RECOGNIZER.missing(["xx", "und", "xx"]) == ["und", "xx"]
    assert RECOGNIZER.recognise([], []) == []
    with pytest.raises(ValueError, match="one language"):
        RECOGNIZER.recognise(["a", "b"], ["en"])


@needs_english
def test_the_first_installed_package_is_used_and_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "tocsin_absent_pipeline"
    bad.mkdir()
    (bad / "__init__.py").write_text("raise RuntimeError('imported')", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    recogniser = EntityRecognizer({"en": ["tocsin_never_installed", "tocsin_absent_pipeline"]})
    with pytest.raises(ArtifactMissing, match="tocsin_absent_pipeline does not hold exactly one"):
        recogniser.warm(["en"])
    assert "tocsin_absent_pipeline" not in sys.modules


@needs_english
@needs_french
@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00", "\ud800", "😀" * 1_000_000, "a" * 1_000_000, "\n" * 9_999, "(" * 9_999,
     "http://" + "a." * 9_999, "\u202e" * 99],
)  # fmt: skip
def test_hostile_text(text: str) -> None:
    for entities in RECOGNIZER.recognise([text, text], ["en", "fr"]):
        assert all(text[start:end] == name for name, start, end, _ in entities)


@needs_english
@needs_french
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, st.sampled_from(["en", "fr", "de", ""])), max_size=5))
def test_the_answer_does_not_depend_on_the_batch(posts: list[tuple[str, str]]) -> None:
    texts, languages = [text for text, _ in posts], [language for _, language in posts]
    batch = RECOGNIZER.recognise(texts, languages)
    assert batch == [RECOGNIZER.recognise([t], [code])[0] for t, code in posts]
    for text, entities in zip(texts, batch, strict=True):
        for name, start, end, label in entities:
            assert text[start:end] == name
            assert label in LABELS.values()


@needs_english
def test_nothing_is_kept_of_the_posts() -> None:
    generator = random.Random(7)
    pipeline = RECOGNIZER._pipeline("en")
    assert pipeline is not None

    def strings_after_a_batch() -> int:
        posts = [f"{generator.getrandbits(64):x} {generator.getrandbits(64):x}" for _ in range(300)]
        RECOGNIZER.recognise(posts, ["en"] * len(posts))
        return len(pipeline.vocab.strings)

    first = strings_after_a_batch()
    assert strings_after_a_batch() == first


@needs_english
def test_a_pipeline_that_has_met_too_many_words_is_loaded_again() -> None:
    recogniser = EntityRecognizer(lexemes=1)
    text = "Angela Merkel met Microsoft in Paris."
    first = recogniser.recognise([text], ["en"])
    assert recogniser._pipelines == {}
    assert recogniser.recognise([text], ["en"]) == first

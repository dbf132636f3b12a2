"""Invented sentences: each text expands, and they are many, spelt in more than one way."""

import re

import pytest

from text.prose import has_letter, prose
from training.invented_sentences import FOLDER, LANGUAGES, sentences

COUNT = 2_000


def test_every_grammar_is_a_language() -> None:
    assert LANGUAGES == ("eu", "gl")
    for language in LANGUAGES:
        begin = (FOLDER / f"{language}.yaml").read_text("utf-8").splitlines()[0]
        assert "no native speaker has read them" in begin


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_expands(language: str) -> None:
    for text in sentences(language, COUNT):
        assert not re.search(r"[<>\[\]{}|]", text), text
        assert text == " ".join(text.split()), text
        assert has_letter(prose(text)), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_seed_gives_the_same_sentences_and_most_differ(language: str) -> None:
    assert sentences(language, 40, 3) == sentences(language, 40, 3) != sentences(language, 40, 4)
    assert len(set(sentences(language, COUNT))) > 0.9 * COUNT


def test_galician_is_spelt_with_and_without_accents_and_in_short() -> None:
    words = {word for text in sentences("gl", COUNT) for word in prose(text).split()}
    assert {"tamén", "tamen", "porque", "pq", "mañá", "maña"} <= words

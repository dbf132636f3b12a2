"""Perturbations change only what they name, and are deterministic."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.accuracy.perturbations import ASIDES, CHANGES, LONG, NOISE
from benchmarks.accuracy.robustness import changed, kept

TEXT = "Déjà vu: le café du château était vraiment mauvais"


def after(name: str, text: str = TEXT, language: str = "fr", seed: int = 0) -> str:
    return CHANGES[name](text, language, random.Random(seed))


def test_accents_go_from_latin_letters_alone() -> None:
    assert after("accents stripped") == "Deja vu: le cafe du chateau etait vraiment mauvais"
    for text in ("कि हिन्दी", "مُحَمَّد", "日本ガ", "😀👨‍👩‍👧", "ß"):
        assert after("accents stripped", text) == text


def test_case() -> None:
    assert after("upper case", "Ça va") == "ÇA VA"
    assert after("lower case", "Ça VA") == "ça va"


def test_emoji_stand_around_the_text() -> None:
    assert f" {TEXT} " in after("emoji added")


def test_a_typo_leaves_most_words_alone() -> None:
    words = TEXT.split()
    typed = after("typos in a tenth of the words").split()
    assert len(typed) == len(words)
    assert sum(a != b for a, b in zip(words, typed, strict=True)) <= 1
    different = {after("typos in a tenth of the words", seed=seed) for seed in range(9)}
    assert len(different) > 3
    assert after("typos in a tenth of the words", "a b 12 😀") == "a b 12 😀"


@pytest.mark.parametrize("language", [*ASIDES, "xx"])
def test_the_sentence_added_is_in_another_language(language: str) -> None:
    for seed in range(9):
        text = after("a sentence in another language added", language=language, seed=seed)
        aside = text.removeprefix(TEXT + " ")
        assert aside in ASIDES.values()
        assert aside != ASIDES.get(language)


def test_a_long_post_is_the_same_again_and_again() -> None:
    text = after("repeated to 10,000 characters")
    assert len(text) == LONG
    assert set(text.split("\n")[:-1]) == {TEXT}


def test_noise_is_all_that_is_added() -> None:
    text = after("hostile Unicode between and in words")
    assert text != TEXT
    assert "".join(character for character in text if character not in NOISE) == TEXT


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_the_same_every_time(name: str) -> None:
    texts, languages = [TEXT, "So bad!", ""], ["fr", "en", "und"]
    assert changed(texts, languages, name) == changed(texts, languages, name)


@pytest.mark.parametrize("name", CHANGES)
@given(text=st.text(st.characters(exclude_categories=[])))
def test_a_change_takes_any_text(name: str, text: str) -> None:
    after(name, text)


def test_a_missing_label_was_not_kept() -> None:
    assert kept(["a", "b", None, "d"], ["a", "c", None, None]) == 25
    assert kept([], []) == 0

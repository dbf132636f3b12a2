"""What the name model sees of a word, for any string."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.models.name_model import WordNumbers, are_shouted, gaps_of, places
from processors.models.name_words import (
    CASE,
    COARSE,
    FLAGS,
    GAP,
    ROWS,
    feature_rows,
    gap_number,
    known_words,
    word_numbers,
    word_shape,
)
from tests.strategies import ANY_TEXT
from text.tokens import tokenize

FEATURES = "6a256268c752c3ab300e772be13c5c734f54d9c4b53db53ee4f3365955ce8a48"


@pytest.mark.parametrize(
    ("word", "shape"), [("iPhone15", "xXxd"), ("SNCF", "X"), ("C++", "X+"), ("Paris", "Xx")]
)
def test_the_shape_of_a_word(word: str, shape: str) -> None:
    assert word_shape(word) == shape


@pytest.mark.parametrize(
    ("between", "number"),
    [
        ("", 0),
        (" ", 1),
        ("   ", 1),
        ("\n", 2),
        (". ", 2),
        (", ", 3),
        ("-", 4),
        (" (", 5),
        (" - ", 6),
    ],
)
def test_the_number_of_a_gap(between: str, number: int) -> None:
    assert gap_number(between) == number


def test_a_known_word_has_the_clusters_of_its_own_case_first() -> None:
    known = known_words(["Orange", "orange", "Paris"], [(1, 2), (3, 4), (5, 6)])
    words = ("Orange", "orange", "ORANGE", "paris", "x")
    assert [word_numbers(word, known)[COARSE:] for word in words] == [
        (1, 2), (3, 4), (3, 4), (5, 6), (0, 0)
    ]  # fmt: skip


def test_a_hashtag_is_its_word_with_another_flag() -> None:
    tag, word = word_numbers("#Paris", {}), word_numbers("Paris", {})
    assert tag[:FLAGS] == word[:FLAGS]
    assert tag[FLAGS] != word[FLAGS]


def test_capitals_tell_nothing_in_a_text_of_capitals() -> None:
    texts = [["WO", "BLEIBT", "DER", "ZUG"], ["Wo", "bleibt", "der", "ICE"], ["SNCF", "😡"], []]
    cases = np.array([word_numbers(word, {})[CASE] for text in texts for word in text], np.uint64)
    lengths = np.array([len(text) for text in texts])
    assert are_shouted(cases, lengths).tolist() == [True, False, False, False]


@given(ANY_TEXT | st.text(alphabet=st.characters(exclude_categories=()), max_size=300))
def test_any_string_has_numbers(text: str) -> None:
    numbers = word_numbers(text, {"a": (1, 2), "B": (3, 4)})
    assert len(numbers) == GAP
    assert all(0 <= number < 1 << 32 for number in numbers)
    assert 0 <= gap_number(text) <= 6


def test_the_features_are_those_that_the_model_was_taught() -> None:
    """Where this fails, train the model anew: its weights are of other features."""
    text = "Merci @SNCF, l'ICE 72 à Paris-Est… #Retard FRANÇOIS"
    tokens = tokenize(text)
    numbers = WordNumbers(["Merci", "Paris"], np.array([[1, 2], [3, 4]], np.uint16))
    lengths = np.array([len(tokens)])
    table = numbers.table(tokens.exact, gaps_of(text, tokens, len(tokens)), lengths)
    rows = feature_rows(table, places(lengths))
    assert rows.max() < ROWS
    assert hashlib.sha256(rows.tobytes()).hexdigest() == FEATURES

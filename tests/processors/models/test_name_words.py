"""What the name model sees of a word, for any string."""

import hashlib
import zlib
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.models.name_clusters import Clusters, known_words
from processors.models.name_model import WordNumbers, are_shouted, gaps_of, places
from processors.models.name_words import (
    CASE,
    COARSE,
    FLAGS,
    GAP,
    PREFIX,
    ROWS,
    SUFFIX,
    VECTORS,
    bare_word,
    feature_rows,
    gap_number,
    word_numbers,
    word_shape,
)
from processors.models.name_words import FEATURES as NAME_FEATURES
from tests.strategies import ANY_TEXT
from text.tokens import tokenize

FEATURES = "649273c7868faf39c969e5ca5d60a022cf662de63537488c4301d689dc3d7a84"
NONE = [0] * (GAP - COARSE)


class OfLetters(Clusters):
    """A word's clusters are its letters."""

    def __init__(self) -> None: ...

    def of(self, words: Sequence[str]) -> npt.NDArray[np.uint64]:
        known = {"Merci": (1, 2), "Paris": (3, 4)}
        rows = []
        for word in words:
            first, last = ord(word[0]), ord(word[-1])
            rows.append([*known.get(word, (0, 0)), *(len(word), first, last, first + last) * 2])
        return np.array(rows, np.uint64)


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
    listed = known_words(["Orange", "orange", "Paris"], [(1, 2), (3, 4), (5, 6)])
    words = ("Orange", "orange", "ORANGE", "paris", "x")
    found = Clusters(listed).of(words)[:, : VECTORS - COARSE].tolist()
    assert found == [[1, 2], [3, 4], [3, 4], [5, 6], [0, 0]]


def test_a_hashtag_is_its_word_with_another_flag() -> None:
    tag, word = word_numbers("#Paris", NONE), word_numbers("Paris", NONE)
    assert tag[:FLAGS] == word[:FLAGS]
    assert tag[FLAGS] != word[FLAGS]


def test_capitals_tell_nothing_in_a_text_of_capitals() -> None:
    texts = [["WO", "BLEIBT", "DER", "ZUG"], ["Wo", "bleibt", "der", "ICE"], ["SNCF", "😡"], []]
    cases = np.array([word_numbers(word, NONE)[CASE] for text in texts for word in text], np.uint64)
    lengths = np.array([len(text) for text in texts])
    assert are_shouted(cases, lengths).tolist() == [True, False, False, False]


@given(ANY_TEXT | st.text(alphabet=st.characters(exclude_categories=()), max_size=300))
def test_any_string_has_numbers(text: str) -> None:
    numbers = word_numbers(text, NONE)
    assert len(numbers) == GAP
    assert all(0 <= number < 1 << 32 for number in numbers)
    assert 0 <= gap_number(text) <= 6


def kind_of(letter: str) -> str:
    if letter.isupper() or letter.isdigit():
        return "X" if letter.isupper() else "d"
    return "x" if letter.isalpha() else letter


@given(ANY_TEXT)
def test_the_short_cuts_for_plain_words_change_no_number(text: str) -> None:
    numbers, word = word_numbers(text, NONE), bare_word(text)
    lower = word.lower()
    for size in (1, 2, 3, 4):
        ends = (lower[:size], lower[-size:]) if size <= len(lower) else (None, None)
        for column, end in zip((PREFIX, SUFFIX), ends, strict=True):
            hashed = 0 if end is None else zlib.crc32(end.encode("utf-8", "surrogatepass"))
            assert numbers[column + size - 1] == hashed
    kinds = map(kind_of, word[:20])
    assert word_shape(word) == "".join(kind for kind, _ in groupby(kinds))


def test_the_sums_of_four_labels_fit_into_one_number() -> None:
    assert len(NAME_FEATURES) * 255 < 1 << 16


def test_the_features_are_those_that_the_model_was_taught() -> None:
    """Where this fails, train the model anew: its weights are of other features."""
    text = "Merci @SNCF, l'ICE 72 à Paris-Est… #Retard FRANÇOIS"
    tokens = tokenize(text)
    numbers = WordNumbers(OfLetters())
    lengths = np.array([len(tokens)])
    table = numbers.table(tokens.exact, gaps_of(text, tokens, len(tokens)), lengths)
    rows = feature_rows(table, places(lengths))
    assert rows.max() < ROWS
    assert hashlib.sha256(rows.tobytes()).hexdigest() == FEATURES

"""Counts of past terms are those of a dictionary, by hash."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.state.baseline import Baseline
from processors.detector.state.term_counts import FADED, TermCounts

WORDS = [f"word {number}" for number in range(12)]
PAIRS = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(1, 3)), max_size=8)
STEPS = st.lists(st.tuples(st.sampled_from([1.0, 0.9, 0.5, 0.1]), PAIRS), max_size=12)


@given(STEPS)
def test_decayed_counts_are_those_of_a_dictionary(
    steps: list[tuple[float, list[tuple[str, int]]]],
) -> None:
    counts, plain = TermCounts(), dict[str, float]()
    for kept, pairs in steps:
        counts.decay(kept)
        counts.add(pairs)
        plain = {word: count * kept for word, count in plain.items() if count * kept >= FADED}
        for word, count in pairs:
            plain[word] = plain.get(word, 0.0) + count
    assert len(counts) == len(plain)
    assert {word: counts.get(word) for word in plain} == plain
    assert counts.get("never said") == 0
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(counts), type=TermCounts) == counts


def test_the_largest_counts_stay() -> None:
    counts = TermCounts()
    counts.add((word, number + 1.0) for number, word in enumerate(WORDS))
    counts.trim(6)
    assert len(counts) == 12
    counts.trim(5)
    assert [counts.get(word) for word in WORDS] == [0.0] * 7 + [8.0, 9.0, 10.0, 11.0, 12.0]


@pytest.mark.parametrize("word", ["", "\ud800", "é" * 400])
def test_any_word_is_counted(word: str) -> None:
    counts = TermCounts()
    counts.add([(word, 2.0)])
    assert counts.get(word) == 2


def test_terms_that_an_older_state_names_are_taken() -> None:
    older = {"terms": {"panne": 3.5, "offre": 0.25}, "entities": {"Nantes": 1.5}}
    baseline = msgspec.convert(older, Baseline)
    assert (baseline.terms.get("panne"), baseline.terms.get("offre")) == (3.5, 0.25)
    assert (baseline.entities.get("Nantes"), len(baseline.terms)) == (1.5, 2)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(baseline), type=Baseline)
    assert again == baseline

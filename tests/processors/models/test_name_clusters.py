"""Clusters of words, by the words themselves and by their hashes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.models.name_clusters import (
    COLUMNS,
    SOURCES,
    Clusters,
    VectorClusters,
    clusters_of,
    word_hash,
)
from tests.strategies import ANY_TEXT

LISTED = ["Lyon", "train", "SNCF"]


def vectors() -> VectorClusters:
    """Each word has the vector of its place in the list."""
    rows = {word_hash(word): row for row, word in enumerate(LISTED)}
    hashes = sorted(rows)
    found = VectorClusters(
        np.zeros(0, np.uint16),
        np.array([rows[own] for own in hashes], np.uint16),
        np.array([[0, 10, 20], [1, 11, 21], [2, 12, 22]], np.uint16),
    )
    found.hashes = np.array(hashes, np.uint32)
    return found


@pytest.mark.parametrize(
    ("word", "numbers"),
    [
        ("Lyon", (1, 11, 21, 1)),
        ("lyon", (1, 11, 21, 1)),
        ("Train", (2, 12, 22, 2)),
        ("sncf", (3, 13, 23, 3)),
        ("Nantes", (0, 0, 0, 0)),
    ],
)
def test_a_word_has_the_clusters_of_its_vector_in_any_case(
    word: str, numbers: tuple[int, ...]
) -> None:
    found = Clusters({}, [vectors(), vectors()]).of([word]).tolist()
    assert found == [[0, 0, *numbers, *numbers]]


@given(st.lists(ANY_TEXT, max_size=4))
def test_any_strings_have_clusters(words: list[str]) -> None:
    assert Clusters({}, [vectors()] * len(SOURCES)).of(words).shape == (len(words), COLUMNS)
    assert all(0 <= word_hash(word) < 1 << 28 for word in words)


def test_the_hashes_of_a_file_are_its_steps() -> None:
    hashes = np.array([10, 700, 60_000])
    arrays = {
        "words": np.frombuffer(b"Lyon", np.uint8),
        "clusters": np.array([[1, 2]], np.uint16),
    }
    for source in SOURCES:
        arrays |= {
            f"steps.{source}": np.diff(hashes, prepend=0).astype(np.uint16),
            f"vectors.{source}": np.zeros(3, np.uint16),
            f"levels.{source}": np.zeros((1, 3), np.uint16),
        }
    known = clusters_of(arrays)
    assert [list(one.hashes) for one in known.vectors] == [hashes.tolist()] * len(SOURCES)

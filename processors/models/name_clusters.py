"""Clusters of meaning of words: from the encoder's word pieces and from word vectors.

A pipeline's vectors hold half a million words that share 20,000 vectors. Only the hashes of the
words are kept, of 28 bits, so one word in some hundred that no vector has gets that of another.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

SOURCES: Final = ("fr", "en")
"""Languages of the word vectors."""
LEVELS: Final = 4
"""Clusters of a word by each: coarse, finer, finest, and its vector itself."""
ENCODER_LEVELS: Final = 2
COLUMNS: Final = ENCODER_LEVELS + LEVELS * len(SOURCES)

_MISSING: Final = (0,) * ENCODER_LEVELS
_U16 = npt.NDArray[np.uint16]
_U32 = npt.NDArray[np.uint32]
_U64 = npt.NDArray[np.uint64]


class VectorClusters:
    """Hashes of words to clusters by one table of vectors, some 3 MB."""

    def __init__(self, steps: _U16, vectors: _U16, clusters: _U16) -> None:
        """``steps``: between the sorted hashes of the words; ``vectors``: of each word;
        ``clusters``: of each vector, ``LEVELS`` - 1 numbers."""
        self.hashes = np.cumsum(steps, dtype=np.uint32)
        self._vectors = vectors
        self._clusters = clusters

    def of(self, hashes: _U32) -> _U64:
        """The numbers of each hash, from 1; zeros for one that is not known."""
        numbers = np.zeros((len(hashes), LEVELS), np.uint64)
        at = np.searchsorted(self.hashes, hashes).clip(max=len(self.hashes) - 1)
        known = self.hashes[at] == hashes
        vectors = self._vectors[at[known]]
        numbers[known, :-1] = self._clusters[vectors]
        numbers[known, -1] = vectors
        numbers[known] += np.uint64(1)
        return numbers


class Clusters:
    """Words to ``COLUMNS`` numbers each."""

    def __init__(
        self, words: Mapping[str, Sequence[int]], vectors: Sequence[VectorClusters] = ()
    ) -> None:
        """``words``: the encoder's, with two numbers each; ``vectors``: by ``SOURCES``."""
        self._words = words
        self.vectors = vectors

    def of(self, words: Sequence[str]) -> _U64:
        """Another case of a word counts if its own is unknown."""
        if not words:
            return np.zeros((0, COLUMNS), np.uint64)
        numbers = np.zeros((len(words), COLUMNS), np.uint64)
        known = self._words
        numbers[:, :ENCODER_LEVELS] = [
            known.get(word) or known.get(word.lower()) or _MISSING for word in words
        ]
        # Few words are left for the later forms.
        missing = [np.arange(len(words))] * len(self.vectors)
        for form in (str, str.lower, str.capitalize, str.upper):
            asked = np.unique(np.concatenate([*missing, np.zeros(0, np.int64)]))
            hashes = np.zeros(len(words), np.uint32)
            hashes[asked] = [word_hash(form(words[at])) for at in asked]
            for source, vectors in enumerate(self.vectors):
                first, own = ENCODER_LEVELS + LEVELS * source, missing[source]
                numbers[own, first : first + LEVELS] = found = vectors.of(hashes[own])
                missing[source] = own[found[:, 0] == 0]
        return numbers


def known_words(
    words: Sequence[str], clusters: Sequence[Sequence[int]]
) -> dict[str, Sequence[int]]:
    """The clusters of each word; its lower case has the same, unless it is a listed word too."""
    known = dict(zip(words, clusters, strict=True))
    for word, cluster in list(known.items()):
        known.setdefault(word.lower(), cluster)
    return known


def word_hash(word: str) -> int:
    """28 bits."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) >> 4


def clusters_of(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Clusters:
    """The clusters that a model's file holds."""
    words = arrays["words"].tobytes().decode().split("\n")
    pairs = [(int(coarse), int(fine)) for coarse, fine in arrays["clusters"].tolist()]
    parts = ("steps", "vectors", "levels")
    vectors = [
        VectorClusters(*(arrays[f"{part}.{source}"].astype(np.uint16) for part in parts))
        for source in SOURCES
    ]
    return Clusters(known_words(words, pairs), vectors)

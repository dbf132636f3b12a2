"""The fast tier's names: a linear model over the words of a post, in eight languages.

A word's label is the one with the highest sum of weights over some eighty features of the word and
the two on either side: their letters, shapes, and clusters of meaning. The numbers of a word are
computed once and kept. No text makes it raise, and an answer does not depend on the batch.
Training: `training/train_names.py`. Data, scores and limits: `docs/models/names.md`.
"""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from processors.kernels.compiler import COMPILES
from processors.models.artifact_files import ARTIFACTS, read_arrays, read_description
from processors.models.name_clusters import Clusters, clusters_of
from processors.models.name_words import (
    BORDER,
    CASE,
    FIRST_GAP,
    FLAGS,
    GAP,
    HANDLE,
    LETTER,
    NO_WORD,
    ROWS,
    SEEDS,
    SHOUTED,
    UPPER,
    WIDTH,
    Hashes,
    bare_word,
    feature_rows,
    gap_number,
    terms,
    word_numbers,
)
from text.tokens import Tokens

DESCRIPTION: Final = "names.json"
WEIGHTS: Final = "names.npz"

MAX_WORDS: Final = 300
"""Words read of a text."""
MAX_NAME: Final = 100
"""Code points of a name."""
_BATCH: Final = 4_000
"""Words in one run: a megabyte of numbers."""
_MAX_KEPT: Final = 50_000
"""Words whose numbers are kept, some 15 MB; they begin anew when they are full."""
_LANES: Final = 16
"""Labels in a row of weights; those behind the model's own are nothing."""
_ZERO: Final = 128
"""Weights are stored with this added, so none is negative. It adds the same to every label."""

Name = tuple[int, int, str]
"""Start, end (code points), label."""
_I64 = npt.NDArray[np.int64]


class _Description(msgspec.Struct):
    version: str
    languages: frozenset[str]
    labels: list[str]
    bias: int
    sha256: dict[str, str]


class NameModel:
    """Holds the weights, some 45 MB. Not thread-safe."""

    def __init__(self, folder: Path = ARTIFACTS) -> None:
        """Raises ArtifactMissing if a file is absent or its checksum differs."""
        description = read_description(folder / DESCRIPTION, _Description)
        arrays = read_arrays(folder / WEIGHTS, description.sha256.get(WEIGHTS, ""))
        self.version = description.version
        self.languages = description.languages
        """Languages that it was taught; in others it guesses."""
        self._kinds = [label.partition("-")[2] for label in description.labels]
        self._bias = description.bias
        weights = arrays["weights"].view(np.uint8).T
        self._weights = np.full((ROWS, _LANES), _ZERO, np.uint8)
        self._weights[:, : weights.shape[1]] += weights
        self._words = WordNumbers(clusters_of(arrays))
        self._terms = terms()

    def find(self, texts: Sequence[str], tokens: Sequence[Tokens]) -> list[list[Name]]:
        """The names of each text, in order, without overlaps; ``tokens`` are those of the text."""
        found: list[list[Name]] = [[] for _ in texts]
        for part in _parts(tokens):
            numbers = self.table([texts[at] for at in part], [tokens[at] for at in part])
            spans = self.spans(*numbers) if COMPILES else self.reference_spans(*numbers)
            for own, first, last, label in spans.tolist():
                at = part[own]
                start, end = tokens[at].starts[first], tokens[at].ends[last]
                if end - start <= MAX_NAME:
                    found[at].append((start, end, self._kinds[label]))
        return found

    def table(self, texts: Sequence[str], tokens: Sequence[Tokens]) -> tuple[Hashes, _I64]:
        """The numbers of the first words of each text, and how many words these are."""
        words: list[str] = []
        gaps: list[int] = []
        for text, own in zip(texts, tokens, strict=True):
            words += own.exact[:MAX_WORDS]
            gaps += gaps_of(text, own, MAX_WORDS)
        lengths = np.array([len(own) for own in tokens], np.int64).clip(max=MAX_WORDS)
        return self._words.table(words, gaps, lengths), lengths

    def spans(self, table: Hashes, lengths: _I64) -> _I64:
        """The names of texts whose words have these numbers: text, first word, last word, label of
        the first word. A name goes on only with the label that it began with. A handle is never
        part of a name."""
        from processors.kernels.name_spans import spans_of

        nameable = (table[places(lengths), FLAGS] & np.uint64(HANDLE)) == 0
        spans: _I64 = spans_of(
            table,
            lengths,
            nameable,
            self._terms,
            SEEDS,
            self._weights.view(np.uint64),
            self._bias,
            len(self._kinds),
        )
        return spans

    def reference_spans(self, table: Hashes, lengths: _I64) -> _I64:
        """The same by NumPy and Python."""
        at = places(lengths)
        scores = np.zeros((len(at), len(self._kinds)), np.int64)
        for column in feature_rows(table, at).T:
            scores += self._weights.take(column, axis=0)[:, : len(self._kinds)]
        scores[:, 0] -= self._bias
        spans: list[list[int]] = []
        before = last = 0
        owners = np.repeat(np.arange(len(lengths)), lengths).tolist()
        firsts = np.repeat(np.cumsum(lengths) - lengths, lengths).tolist()
        flags = table[at, FLAGS].tolist()
        for word in np.flatnonzero(scores.argmax(1)).tolist():
            follows = spans and word == last + 1 and owners[word] == owners[last]
            label = 0 if flags[word] & HANDLE else _best(scores[word], before if follows else 0)
            if label % 2:
                place = word - firsts[word]
                spans.append([owners[word], place, place, label])
            elif label:
                spans[-1][2] = word - firsts[word]
            before, last = label, word
        return np.array(spans, np.int64).reshape(-1, 4)


def _best(scores: npt.NDArray[np.int64], before: int) -> int:
    """The best label that may follow ``before``: 0 for no name, odd for a beginning, even for an
    inside."""
    allowed = [0, *range(1, len(scores), 2)]
    if before:
        allowed.append(before + before % 2)
    best: int = max(allowed, key=scores.tolist().__getitem__)
    return best


def places(lengths: _I64) -> _I64:
    """The places of words in a table, with ``BORDER`` empty words around each text."""
    return np.arange(lengths.sum()) + BORDER * (1 + np.repeat(np.arange(len(lengths)), lengths))


class WordNumbers:
    """The numbers of words, each computed once."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        self._places: dict[str, int] = {}
        self._numbers = array("Q", [0] * WIDTH)
        # The first place is no word's.
        self._numbers[FLAGS], self._numbers[GAP] = NO_WORD, FIRST_GAP

    def table(self, words: Sequence[str], gaps: Sequence[int], lengths: _I64) -> Hashes:
        """The numbers of all words of texts and the gaps before them, with ``BORDER`` empty words
        around each text; ``lengths``: words of each."""
        self._add(words)
        at = places(lengths)
        known = np.zeros(len(words) + BORDER * (len(lengths) + 1), np.int64)
        known[at] = list(map(self._places.__getitem__, words))
        table: Hashes = np.frombuffer(self._numbers, np.uint64).reshape(-1, WIDTH).take(known, 0)
        table[at, GAP] = gaps
        shouted = np.repeat(are_shouted(table[at, CASE], lengths), lengths)
        table[at[shouted], FLAGS] |= np.uint64(SHOUTED)
        return table

    def _add(self, words: Sequence[str]) -> None:
        if len(self._places) + len(words) > _MAX_KEPT:
            self._places.clear()
            del self._numbers[WIDTH:]
        if new := [word for word in dict.fromkeys(words) if word not in self._places]:
            clusters = self._clusters.of([bare_word(word) for word in new]).tolist()
            for word, own in zip(new, clusters, strict=True):
                self._places[word] = 1 + len(self._places)
                self._numbers.extend((*word_numbers(word, own), 0))


def are_shouted(cases: Hashes, lengths: _I64) -> npt.NDArray[np.bool_]:
    """Which texts are mostly in capitals, where these tell nothing; ``cases``: of all words."""
    owners = np.repeat(np.arange(len(lengths)), lengths)
    letters = cases & np.uint64(LETTER) > 0
    words = np.bincount(owners[letters], minlength=len(lengths))
    capitals = np.bincount(owners[cases == LETTER | UPPER], minlength=len(lengths))
    return (words > 2) & (10 * capitals > 7 * words)


def _parts(tokens: Sequence[Tokens]) -> Iterator[list[int]]:
    """The places of texts with words, in parts of at most ``_BATCH`` words."""
    part: list[int] = []
    words = 0
    for at, own in enumerate(tokens):
        size = min(len(own), MAX_WORDS)
        if part and words + size > _BATCH:
            yield part
            part, words = [], 0
        if size:
            part.append(at)
            words += size
    if part:
        yield part


def gaps_of(text: str, tokens: Tokens, count: int) -> list[int]:
    """What stands before each word, of ``count`` words at most."""
    # The last word's end has no start behind it.
    places = zip(tokens.ends, tokens.starts[1:count], strict=False)
    between = [text[end:start] for end, start in places]
    return [FIRST_GAP, *map(_GAPS.__getitem__, between)]


class _GapNumbers(dict[str, int]):
    """The numbers of short gaps, each computed once."""

    def __missing__(self, between: str) -> int:
        number = gap_number(between)
        if len(between) < 4 and len(self) < 10_000:
            self[between] = number
        return number


_GAPS: Final = _GapNumbers()

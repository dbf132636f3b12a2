"""The fast tier's names: a linear model over the words of a post, in eight languages, in NumPy.

A word's label is the one with the highest sum of weights over some forty features of the word and
the two on either side: their letters, shapes, and clusters of meaning. The numbers of a word are
computed once and kept. No text makes it raise, and an answer does not depend on the batch.
Training: `training/train_names.py`. Data, scores and limits: `docs/models/names.md`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from processors.models.artifact_files import ARTIFACTS, read_arrays, read_description
from processors.models.name_words import (
    BORDER,
    COLUMNS,
    FIRST_GAP,
    FLAGS,
    NO_WORD,
    SHOUTED,
    Hashes,
    feature_rows,
    gap_number,
    is_shouted,
    known_words,
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
"""Words in one run: some megabytes of features."""
_MAX_KEPT: Final = 50_000
"""Words whose numbers are kept, some 10 MB; they begin anew when they are full."""

Name = tuple[int, int, str]
"""Start, end (code points), label."""


class _Description(msgspec.Struct):
    version: str
    languages: frozenset[str]
    labels: list[str]
    bias: int
    sha256: dict[str, str]


class NameModel:
    """Holds the weights, some 20 MB. Not thread-safe."""

    def __init__(self, folder: Path = ARTIFACTS) -> None:
        """Raises ArtifactMissing if a file is absent or its checksum differs."""
        description = read_description(folder / DESCRIPTION, _Description)
        arrays = read_arrays(folder / WEIGHTS, description.sha256.get(WEIGHTS, ""))
        self.version = description.version
        self.languages = description.languages
        """Languages that it was taught; in others it guesses."""
        self._labels = description.labels
        self._bias = description.bias
        self._weights: npt.NDArray[np.int8] = arrays["weights"]
        self._words = WordNumbers(bytes(arrays["words"]).decode().split("\n"), arrays["clusters"])

    def find(self, texts: Sequence[str], tokens: Sequence[Tokens]) -> list[list[Name]]:
        """The names of each text, in order, without overlaps; ``tokens`` are those of the text."""
        found: list[list[Name]] = [[] for _ in texts]
        for part in _parts(tokens):
            scores, ends = self._scores([texts[at] for at in part], [tokens[at] for at in part])
            may_name = scores.argmax(1) > 0
            first = 0
            for at, end in zip(part, ends, strict=True):
                if places := np.flatnonzero(may_name[first:end]).tolist():
                    found[at] = list(self._names(texts[at], tokens[at], places, scores[first:end]))
                first = end
        return found

    def _scores(
        self, texts: Sequence[str], tokens: Sequence[Tokens]
    ) -> tuple[npt.NDArray[np.int32], list[int]]:
        """The scores of all words, and the number behind each text's last word."""
        exact = [own.exact[:MAX_WORDS] for own in tokens]
        gaps = [gaps_of(*one) for one in zip(texts, tokens, map(len, exact), strict=True)]
        numbers, before, at = self._words.table(exact, gaps)
        scores = np.zeros((len(at), len(self._labels)), np.int32)
        for column in feature_rows(numbers, before, at).T:
            scores += self._weights.take(column, axis=0)
        scores[:, 0] -= self._bias
        return scores, np.cumsum([len(own) for own in exact]).tolist()

    def _names(
        self, text: str, tokens: Tokens, places: Sequence[int], scores: npt.NDArray[np.int32]
    ) -> Iterator[Name]:
        """The names among the words at ``places``, where some label beats "no name".

        A name goes on only with the label that it began with. A handle is never part of a name.
        """
        start = end = last = 0
        before = 0
        for place in places:
            if place != last + 1:
                if before:
                    yield from self._name(start, end, before)
                before = 0
            label = 0 if text[tokens.starts[place]] in "@＠" else _best(scores[place], before)
            if before and (label == 0 or label % 2):
                yield from self._name(start, end, before)
            if label % 2:
                start = tokens.starts[place]
            before, end, last = label, tokens.ends[place], place
        if before:
            yield from self._name(start, end, before)

    def _name(self, start: int, end: int, label: int) -> Iterator[Name]:
        if end - start <= MAX_NAME:
            yield start, end, self._labels[label].partition("-")[2]


def _best(scores: npt.NDArray[np.int32], before: int) -> int:
    """The best label that may follow ``before``: 0 for no name, odd for a beginning, even for an
    inside."""
    allowed = [0, *range(1, len(scores), 2)]
    if before:
        allowed.append(before + before % 2)
    best: int = max(allowed, key=scores.tolist().__getitem__)
    return best


class WordNumbers:
    """The numbers of words, each computed once."""

    def __init__(self, words: Sequence[str], clusters: npt.NDArray[np.uint16]) -> None:
        """``clusters``: coarse and fine cluster of each word."""
        self._known = known_words(words, [(int(a), int(b)) for a, b in clusters])
        self._rows: dict[str, int] = {}
        self._numbers = np.zeros((1024, COLUMNS), np.uint64)

    def table(
        self, texts: Sequence[Sequence[str]], gaps: Sequence[Sequence[int]]
    ) -> tuple[Hashes, Hashes, npt.NDArray[np.int64]]:
        """The numbers of all words with empty ones around each text, the gaps before them, and the
        places of the words."""
        words = [word for own in texts for word in own]
        lengths = [len(own) for own in texts]
        at = np.arange(len(words)) + BORDER * (1 + np.repeat(np.arange(len(texts)), lengths))
        numbers = np.zeros((len(words) + BORDER * (len(texts) + 1), COLUMNS), np.uint64)
        numbers[:, FLAGS] = NO_WORD
        numbers[at] = self._of(words)
        shouted = np.repeat([is_shouted(own) for own in texts], lengths)
        numbers[at, FLAGS] |= np.where(shouted, np.uint64(SHOUTED), np.uint64(0))
        before = np.full(len(numbers), FIRST_GAP, np.uint64)
        before[at] = [gap for own in gaps for gap in own]
        return numbers, before, at

    def _of(self, words: Sequence[str]) -> Hashes:
        if len(self._rows) + len(words) > _MAX_KEPT:
            self._rows.clear()
        rows = self._rows
        if new := [word for word in dict.fromkeys(words) if word not in rows]:
            first = len(rows)
            while first + len(new) > len(self._numbers):
                self._numbers = np.concatenate([self._numbers, np.zeros_like(self._numbers)])
            numbers = [word_numbers(word, self._known) for word in new]
            self._numbers[first : first + len(new)] = numbers
            rows.update(zip(new, range(first, first + len(new)), strict=True))
        return self._numbers[[rows[word] for word in words]]


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
    """What stands before each of the first ``count`` words."""
    ends, starts = tokens.ends[: count - 1], tokens.starts[1:count]
    between = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    return [FIRST_GAP, *map(_GAPS.__getitem__, between)]


class _GapNumbers(dict[str, int]):
    """The numbers of short gaps, each computed once."""

    def __missing__(self, between: str) -> int:
        number = gap_number(between)
        if len(between) < 4 and len(self) < 10_000:
            self[between] = number
        return number


_GAPS: Final = _GapNumbers()

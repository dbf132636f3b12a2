"""Sentiment of a post: probabilities that it is negative, neutral or positive.

A multinomial logistic regression over hashed words, word pairs and character n-grams, one for all
languages, in NumPy. It must never raise because of a text, and an answer never depends on the
batch. Training: `training/train_sentiment.py`. Scores and limits: `docs/models/sentiment.md`.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from processors.kernels.compiler import COMPILES
from processors.models.artifact_files import ARTIFACTS, Description, read_arrays, read_description

LABELS: Final = ("negative", "neutral", "positive")
"""Order of the classes in every array and tuple of this module."""
ARTIFACT: Final = ARTIFACTS / "sentiment.npz"
MAX_TEXT: Final = 1_000
"""Code points read of a text."""
_CHUNK: Final = 1 << 18
"""Code points evaluated at once: bounds memory to some tens of megabytes."""

_U64 = npt.NDArray[np.uint64]
_I64 = npt.NDArray[np.int64]

# One common beginning, so the regex engine searches for a letter.
_LINK = re.compile(r"\bhttp(?:s?://\S+|\b)|\bwww\.\S+")
_HANDLE = re.compile(r"@\w+")
_ELONGATION = re.compile(r"(\S)\1{2,}")
_DROPPED = re.compile("[\u0640\u064b-\u0652\u200b-\u200f\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]+")
_APART = re.compile(r"([!-&(-/:-?\[-^`{-~]+|[^\w\s\x00-\x7f])")
_FOLDED = (("أ", "ا"), ("إ", "ا"), ("آ", "ا"), ("ى", "ي"), ("\u2019", "'"))


def normalise(text: str) -> str:
    return normalise_all([text])[0]


def normalise_all(texts: Sequence[str]) -> list[str]:
    """Normalises texts, for training and inference.

    Keeps `MAX_TEXT` code points; decodes entities; replaces links and handles by one word each;
    folds compatibility forms, case, Arabic vowel signs and alefs; reduces repeats to two; sets
    emoji and punctuation apart. All texts are one string, a line each, which is faster; no step
    looks across the end of a line.
    """
    if not texts:
        return []
    joined = "\n".join([_line(text) for text in texts])
    if not joined.isascii():
        joined = unicodedata.normalize("NFKC", joined)
        for letter, plain in _FOLDED:
            joined = joined.replace(letter, plain)
        joined = _DROPPED.sub("", joined)
    joined = _HANDLE.sub(" usertoken ", _LINK.sub(" urltoken ", joined)).lower()
    joined = _ELONGATION.sub(r"\1\1", joined)
    joined = _APART.sub(r" \1 ", joined)
    return [" ".join(line.split())[:MAX_TEXT] for line in joined.split("\n")]


def _line(text: str) -> str:
    text = text[:MAX_TEXT]
    return " ".join((html.unescape(text) if "&" in text else text).split())


# The hash of code points c is the sum of c[k] * _BASE**k modulo 2**64. The base is odd, hence
# invertible, so the hash of any word is a difference of two prefix sums.
_BASE: Final = 0x9E3779B97F4A7C15
_MIX: Final = 0xC2B2AE3D27D4EB4F
_PAIR: Final = 0x165667B19E3779F9
_MASK: Final = (1 << 64) - 1
_SPACE: Final = 32


def _powers(base: int, count: int) -> _U64:
    """base**0 .. base**(count-1) modulo 2**64."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


_PAD: Final = MAX_TEXT + 2
_POWERS: Final = _powers(_BASE, _CHUNK + 2 * _PAD)
_INVERSES: Final = _powers(pow(_BASE, -1, 1 << 64), _CHUNK + 2 * _PAD)


def _bucket(hashes: _U64, kind: int, bits: int) -> _I64:
    """Row of the weight table for each hash; the kind is hashed too."""
    mixed = (hashes ^ (hashes >> np.uint64(29))) + np.uint64((kind * _PAIR) & _MASK)
    mixed *= np.uint64(_MIX)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(_BASE)
    return (mixed >> np.uint64(64 - bits)).astype(np.int64)


def features(
    normalised: Sequence[str], bits: int, shortest: int, longest: int
) -> tuple[_I64, _I64]:
    """Hashed features of normalised texts.

    The table has 2**`bits` rows, the upper half for words and word pairs. Character n-grams have
    `shortest` to `longest` code points, within a word and the spaces around it. Returns the row of
    each occurrence and its block: twice the index of its text, plus 1 for words and pairs.
    The texts must be one of `chunks`.
    """
    code_points, lengths = spaced(normalised)
    owner = np.repeat(2 * np.arange(len(normalised)), lengths)
    points = code_points.astype(np.uint64)
    space = points == _SPACE
    spaces = np.cumsum(space)
    bits -= 1
    half = 1 << bits
    rows: list[_I64] = []
    owners: list[_I64] = []

    hashes = points.copy()
    for size in range(2, longest + 1):
        if len(points) < size:
            break
        count = len(points) - size + 1
        hashes = hashes[:count] + points[size - 1 :] * _POWERS[size - 1]
        if size < shortest:
            continue
        within = spaces[size - 2 : size - 2 + count] == spaces[:count]
        if size == 2:
            within = ~(space[:-1] & space[1:])
        rows.append(_bucket(hashes[within], size, bits))
        owners.append(owner[:count][within])

    begins = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    ends = np.flatnonzero(~space[:-1] & space[1:]) + 1
    if len(begins):
        prefix = np.concatenate(
            (np.zeros(1, np.uint64), np.cumsum(points * _POWERS[: len(points)], dtype=np.uint64))
        )
        words = (prefix[ends] - prefix[begins]) * _INVERSES[begins]
        word_owner = owner[begins] + 1
        rows.append(_bucket(words, 0, bits) + half)
        owners.append(word_owner)
        pairs = words[:-1] * np.uint64(_PAIR) + words[1:]
        same = word_owner[:-1] == word_owner[1:]
        rows.append(_bucket(pairs[same], 1, bits) + half)
        owners.append(word_owner[:-1][same])
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(rows), np.concatenate(owners)


def spaced(normalised: Sequence[str]) -> tuple[npt.NDArray[np.uint32], _I64]:
    """The code points of all texts, each between two spaces, and how many each has."""
    joined = "".join([f" {text} " for text in normalised])
    lengths = np.fromiter((len(text) + 2 for text in normalised), np.int64, len(normalised))
    # A copy: kernels take no array that is read-only.
    return np.frombuffer(bytearray(joined.encode("utf-32-le", "surrogatepass")), "<u4"), lengths


def chunks(normalised: Sequence[str]) -> Iterator[Sequence[str]]:
    """Consecutive parts small enough for `features`: `_CHUNK` code points and one text more."""
    begin = size = 0
    for index, text in enumerate(normalised):
        if size >= _CHUNK:
            yield normalised[begin:index]
            begin, size = index, 0
        size += len(text) + 2
    if begin < len(normalised):
        yield normalised[begin:]


@dataclass(frozen=True, slots=True)
class Weights:
    """The result of training.

    `classes` (rows, 3) int8 times `scale` (3,) float64: weights by class, including the inverse
    document frequency. `rarity` (rows,) uint8: sixteenths of that frequency, 0 for features too
    rare to count. `bias` (3,) float64. `temperature`: divisor of the logits.
    """

    classes: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float64]
    rarity: npt.NDArray[np.uint8]
    bias: npt.NDArray[np.float64]
    temperature: float
    shortest: int
    longest: int

    @property
    def bits(self) -> int:
        return len(self.rarity).bit_length() - 1


class SentimentModel:
    """Scores posts. Has no state: safe to share."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._bits = weights.bits
        self._classes = np.ascontiguousarray(weights.classes)

    @classmethod
    def load(cls, path: Path = ARTIFACT) -> Self:
        """Raises ArtifactMissing if the file or its JSON is absent, or the checksum differs."""
        description = read_description(path.with_suffix(".json"), Description)
        arrays = read_arrays(path, description.sha256)
        shortest, longest = arrays.pop("ngrams").tolist()
        temperature = float(arrays.pop("temperature"))
        return cls(Weights(**arrays, temperature=temperature, shortest=shortest, longest=longest))

    def score(self, texts: Sequence[str]) -> list[tuple[float, float, float]]:
        """Probabilities (negative, neutral, positive) of each text; empty text gets the prior."""
        scores: list[tuple[float, float, float]] = []
        for chunk in chunks(normalise_all(texts)):
            logits = self.logits(chunk) / self._weights.temperature
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            odds /= odds.sum(axis=1, keepdims=True)
            scores.extend((p[0], p[1], p[2]) for p in odds.tolist())
        return scores

    def logits(self, normalised: Sequence[str]) -> npt.NDArray[np.float64]:
        """Uncalibrated logits (texts, 3) of one chunk of normalised texts.

        The sums are over whole numbers, hence exact in any batch.
        """
        weights = self._weights
        sums = self.sums(normalised) if COMPILES else self.reference_sums(normalised)
        norm = np.sqrt(sums[:, 3:]) / 16
        norm[norm == 0] = 1
        shares = sums[:, :3] / norm
        logits: npt.NDArray[np.float64] = shares[0::2] + shares[1::2]
        return logits * weights.scale + weights.bias

    def reference_sums(self, normalised: Sequence[str]) -> _I64:
        """The sums by block that :func:`features` describes: classes, and squares of rarity."""
        weights = self._weights
        rows, blocks = features(normalised, self._bits, weights.shortest, weights.longest)
        sums = np.zeros((2 * len(normalised), 4), np.int64)
        squares = np.square(weights.rarity[rows].astype(np.int64))
        for column, values in enumerate((*weights.classes[rows].T, squares)):
            sums[:, column] = np.bincount(blocks, values, minlength=len(sums))
        return sums

    def sums(self, normalised: Sequence[str]) -> _I64:
        from processors.kernels.sentiment_sums import sums_of

        weights = self._weights
        sums: _I64 = sums_of(
            *spaced(normalised), self._classes, weights.rarity, weights.shortest, weights.longest
        )
        return sums

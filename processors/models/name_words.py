"""What the name model sees: numbers of each word, of what stands before it, and of its neighbours.

Pure and total: any string has numbers. Training and the stream share them, so a change needs a
model trained anew.
"""

import re
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.models.name_clusters import COLUMNS as CLUSTERS
from processors.models.name_clusters import LEVELS

ROWS: Final = 1 << 21
"""Rows of the table of weights; two features seldom share one."""
BORDER: Final = 2
"""Empty words between two texts: as far as a word's features reach."""
FIRST_GAP: Final = 7
"""The gap before the first word of a text."""
_MAX_WORD: Final = 64
"""Code points read of a word."""
_MAX_SHAPE: Final = 20
_LONG: Final = 30
_SENTENCE_END: Final = re.compile(r"[.!?…:;।]")

EXACT, LOWER, SHAPE, PREFIX, SUFFIX, FLAGS, CAPITAL, CASE, COARSE, FINE, VECTORS = (
    *(0, 1, 2, 3, 7),
    *range(11, 17),
)
GAP: Final = COARSE + CLUSTERS
"""Columns of the numbers of a word and, last, of what stands before it. Four prefixes and four
suffixes, of one letter to four. From ``VECTORS`` on, ``LEVELS`` of each source."""
WIDTH: Final = GAP + 1
INITIAL, ALL_CAPITALS, DIGIT, TAG, HANDLE, LONG, NO_WORD, SHOUTED = (1 << bit for bit in range(8))
"""Flags."""
LETTER, UPPER = 1, 2
"""Of CASE: it begins with a letter; all its letters are capitals."""

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.uint32]


def bare_word(token: str) -> str:
    """The letters that are read of a token: a hashtag is its word."""
    return (token[1:] if _is_tag(token) else token)[:_MAX_WORD]


def _is_tag(token: str) -> bool:
    return token[:1] in "#＃" and len(token) > 1


def word_numbers(token: str, clusters: Sequence[int]) -> tuple[int, ...]:
    """The numbers of a token but the gap; ``clusters``: those of its word."""
    sign, word = token[:1], bare_word(token)
    lower = word.lower()
    capital = (INITIAL if word[:1].isupper() else 0) | (ALL_CAPITALS if word.isupper() else 0)
    case = (LETTER if sign.isalpha() else 0) | (UPPER if token.isupper() else 0)
    flags = capital | (0 if word.isalpha() or not any(map(str.isdigit, word)) else DIGIT)
    flags |= TAG if _is_tag(token) else 0
    flags |= (HANDLE if sign in "@＠" else 0) | (LONG if len(token) > _LONG else 0)
    return (
        _hash(word),
        _hash(lower),
        _hash(word_shape(word) + str(min(len(lower), 4))),
        *_ends(lower),
        flags,
        capital,
        case,
        *clusters,
    )


def _ends(lower: str) -> list[int]:
    """The hashes of four prefixes and four suffixes, of one letter to four; 0 beyond the word."""
    missing = [0] * (4 - len(lower))
    if not lower.isascii():
        prefixes = [_hash(lower[:letters]) for letters in range(1, min(len(lower), 4) + 1)]
        suffixes = [_hash(lower[-letters:]) for letters in range(1, min(len(lower), 4) + 1)]
        return [*prefixes, *missing, *suffixes, *missing]
    letters = lower.encode()
    if missing:
        sizes = range(1, len(letters) + 1)
        prefixes = [zlib.crc32(letters[:size]) for size in sizes]
        return [*prefixes, *missing, *[zlib.crc32(letters[-size:]) for size in sizes], *missing]
    crc = zlib.crc32
    return [
        *(crc(letters[:1]), crc(letters[:2]), crc(letters[:3]), crc(letters[:4])),
        *(crc(letters[-1:]), crc(letters[-2:]), crc(letters[-3:]), crc(letters[-4:])),
    ]


def word_shape(word: str) -> str:
    """Letters by kind, each run of one kind once: "iPhone15" is "xXxd"."""
    if word.isalpha() and word.islower():
        return "x"
    if word.isalpha() and word[0].isupper() and word[1:].islower():
        return "Xx"
    shape: list[str] = []
    for letter in word[:_MAX_SHAPE]:
        kind = "X" if letter.isupper() else "d" if letter.isdigit() else "x"
        if kind == "x" and not letter.isalpha():
            kind = letter
        if shape[-1:] != [kind]:
            shape.append(kind)
    return "".join(shape)


def gap_number(between: str) -> int:
    """The number of what stands between two words, 0 to 6."""
    if not between:
        return 0
    signs = between.strip(" ")
    if not signs:
        return 1
    if "\n" in between or _SENTENCE_END.search(between):
        return 2
    if signs in ",،、":
        return 3
    if signs in "-‐–'’":
        return 4 if signs == between else 6
    return 5 if signs[0] in '()"«»“”/' else 6


Term = tuple[int, int]
"""Place relative to a word, from -2 to 2, and column."""
_OWN, _BEFORE, _AFTER = 0, -1, 1


def _of_vectors(coarse: int, finer: int, finest: int, vector: int) -> tuple[tuple[Term, ...], ...]:
    """The features of the columns of one source of vectors."""
    capital = (_OWN, CAPITAL)
    return (
        *(((_OWN, column), capital) for column in (finer, finest, vector)),
        *(((place, column), capital) for place in (_BEFORE, _AFTER) for column in (finer, finest)),
        ((_BEFORE, finer), (_OWN, finer), capital),
        ((_OWN, finer), (_AFTER, finer), capital),
        ((_BEFORE, finer), (_AFTER, finer), capital),
        *(((_OWN, SHAPE), (place, finer)) for place in (_BEFORE, _AFTER)),
        *(((_OWN, finer), (place, LOWER)) for place in (_BEFORE, _AFTER)),
        ((_BEFORE, coarse), (_OWN, coarse), (_AFTER, coarse), capital),
        ((-2, coarse), (_BEFORE, coarse), (_OWN, coarse)),
        ((_OWN, coarse), (_AFTER, coarse), (2, coarse)),
    )


FEATURES: Final[tuple[tuple[Term, ...], ...]] = (
    *(((_OWN, column),) for column in range(FLAGS)),
    *(((place, LOWER),) for place in (_BEFORE, _AFTER)),
    *(((place, SHAPE),) for place in (_BEFORE, _AFTER)),
    *(((place, LOWER),) for place in (-2, 2)),
    ((_BEFORE, LOWER), (_OWN, LOWER)),
    ((_OWN, LOWER), (_AFTER, LOWER)),
    ((_BEFORE, SHAPE), (_OWN, SHAPE), (_AFTER, SHAPE)),
    ((_OWN, FLAGS), (_OWN, GAP)),
    ((_BEFORE, LOWER), (_AFTER, LOWER)),
    ((_OWN, FLAGS), (_BEFORE, FLAGS), (_AFTER, FLAGS), (_OWN, GAP), (_AFTER, GAP)),
    ((_BEFORE, SUFFIX + 2),),
    ((_AFTER, SUFFIX + 2),),
    ((-2, LOWER), (_BEFORE, LOWER)),
    ((_AFTER, LOWER), (2, LOWER)),
    ((_OWN, SHAPE), (_BEFORE, LOWER)),
    ((_OWN, SHAPE), (_AFTER, LOWER)),
    ((_OWN, LOWER), (_AFTER, GAP)),
    ((_BEFORE, LOWER), (_OWN, GAP), (_OWN, CAPITAL)),
    ((_OWN, SUFFIX + 2), (_BEFORE, SUFFIX + 2)),
    *(
        ((place, column), (_OWN, CAPITAL))
        for place in (_OWN, _BEFORE, _AFTER)
        for column in (COARSE, FINE)
    ),
    ((_BEFORE, COARSE), (_OWN, COARSE), (_OWN, CAPITAL)),
    ((_OWN, COARSE), (_AFTER, COARSE), (_OWN, CAPITAL)),
    ((_BEFORE, COARSE), (_AFTER, COARSE), (_OWN, CAPITAL)),
    ((_BEFORE, COARSE), (_OWN, GAP), (_OWN, CAPITAL)),
    ((_AFTER, COARSE), (_AFTER, GAP), (_OWN, CAPITAL)),
    ((-2, COARSE), (_BEFORE, COARSE)),
    ((_AFTER, COARSE), (2, COARSE)),
    ((_OWN, SHAPE), (_BEFORE, COARSE)),
    ((_OWN, SHAPE), (_AFTER, COARSE)),
    *(
        feature
        for first in range(VECTORS, GAP, LEVELS)
        for feature in _of_vectors(*range(first, first + LEVELS))
    ),
)
"""What each feature joins."""


def feature_rows(table: Hashes, at: npt.NDArray[np.int64]) -> Rows:
    """The rows of weights of the words at ``at``: (words, features).

    ``table``: ``WIDTH`` numbers of each word, with ``BORDER`` empty ones around each text.
    """
    around = {place: table[at + place].T for place in range(-BORDER, BORDER + 1)}
    rows = np.empty((len(at), len(FEATURES)), np.uint32)
    for feature, ((place, column), *others) in enumerate(FEATURES):
        value = around[place][column]
        for place, column in others:
            value = value * JOIN + around[place][column] + np.uint64(1)
        rows[:, feature] = _mixed(value + SEEDS[feature])
    return rows


def terms() -> npt.NDArray[np.int64]:
    """``FEATURES`` as numbers: how many terms, and where each stands from the first word on.

    The places are those in a flat table whose first word is ``BORDER`` before the one in question.
    """
    found = np.zeros((len(FEATURES), 1 + max(map(len, FEATURES))), np.int64)
    for row, feature in zip(found, FEATURES, strict=True):
        row[0] = len(feature)
        row[1 : 1 + len(feature)] = [(BORDER + place) * WIDTH + column for place, column in feature]
    return found


def _mixed(value: Hashes) -> Hashes:
    """A row for a number; the finish of SplitMix64 (Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = (value ^ (value >> np.uint64(31))) & np.uint64(ROWS - 1)
    return mixed


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


JOIN: Final = np.uint64(0x9E3779B97F4A7C15)
"""Factor between the terms of a feature."""
SEEDS: Final = np.array(
    [_hash(f"feature {feature}") << 32 for feature in range(len(FEATURES))], np.uint64
)
"""Added to each feature's number, so that no two features share their rows."""

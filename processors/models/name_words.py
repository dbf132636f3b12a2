"""What the name model sees: numbers of each word, of what stands before it, and of its neighbours.

Pure and total: any string has numbers. Training and the stream share them, so a change needs a
model trained anew.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

ROWS: Final = 1 << 20
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

EXACT, LOWER, SHAPE, PREFIX, SUFFIX, FLAGS, COARSE, FINE = 0, 1, 2, 3, 7, 11, 12, 13
"""Columns of a word's numbers; four prefixes and four suffixes, of one letter to four."""
COLUMNS: Final = 14
CAPITAL, ALL_CAPITALS, DIGIT, TAG, HANDLE, LONG, NO_WORD, SHOUTED = (1 << bit for bit in range(8))

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.uint32]
Cluster = tuple[int, int]
"""Numbers of a word's coarse and fine cluster of meaning, from 1."""
_NONE: Final[Cluster] = (0, 0)


def known_words(words: Sequence[str], clusters: Sequence[Cluster]) -> dict[str, Cluster]:
    """The clusters of each word; its lower case has the same, unless it is a listed word too."""
    known = dict(zip(words, clusters, strict=True))
    for word, cluster in list(known.items()):
        known.setdefault(word.lower(), cluster)
    return known


def word_numbers(token: str, known: Mapping[str, Cluster]) -> tuple[int, ...]:
    """The ``COLUMNS`` numbers of a token. A hashtag is its word, with another flag."""
    sign, word = token[:1], token
    is_tag = sign in "#＃" and len(token) > 1
    word = (token[1:] if is_tag else token)[:_MAX_WORD]
    lower = word.lower()
    flags = (CAPITAL if word[:1].isupper() else 0) | (ALL_CAPITALS if word.isupper() else 0)
    flags |= (DIGIT if any(map(str.isdigit, word)) else 0) | (TAG if is_tag else 0)
    flags |= (HANDLE if sign in "@＠" else 0) | (LONG if len(token) > _LONG else 0)
    size = len(lower)
    return (
        _hash(word),
        _hash(lower),
        _hash(word_shape(word) + str(min(size, 4))),
        *(_hash(lower[:letters]) if letters <= size else 0 for letters in (1, 2, 3, 4)),
        *(_hash(lower[-letters:]) if letters <= size else 0 for letters in (1, 2, 3, 4)),
        flags,
        *(known.get(word) or known.get(lower) or _NONE),
    )


def word_shape(word: str) -> str:
    """Letters by kind, each run of one kind once: "iPhone15" is "xXxd"."""
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


def is_shouted(tokens: Sequence[str]) -> bool:
    """Whether a text is mostly in capitals, where these tell nothing."""
    words = [token for token in tokens if token[:1].isalpha()]
    return len(words) > 2 and 10 * sum(map(str.isupper, words)) > 7 * len(words)


def feature_rows(words: Hashes, gaps: Hashes, at: npt.NDArray[np.int64]) -> Rows:
    """The rows of weights of the words at ``at``: (words, features).

    ``words``: ``COLUMNS`` numbers of each, with ``BORDER`` empty ones around each text; ``gaps``:
    what stands before each.
    """
    own, before, after = words[at].T, words[at - 1].T, words[at + 1].T
    second_before, second_after = words[at - 2].T, words[at + 2].T
    gap, gap_after = gaps[at], gaps[at + 1]
    capital = own[FLAGS] & np.uint64(CAPITAL | ALL_CAPITALS)
    features = [
        own[EXACT],
        own[LOWER],
        own[SHAPE],
        *own[PREFIX : PREFIX + 4],
        *own[SUFFIX : SUFFIX + 4],
        before[LOWER],
        after[LOWER],
        before[SHAPE],
        after[SHAPE],
        second_before[LOWER],
        second_after[LOWER],
        _both(before[LOWER], own[LOWER]),
        _both(own[LOWER], after[LOWER]),
        _both(before[SHAPE], own[SHAPE], after[SHAPE]),
        _both(own[FLAGS], gap),
        _both(before[LOWER], after[LOWER]),
        _both(own[FLAGS], before[FLAGS], after[FLAGS], gap, gap_after),
        before[SUFFIX + 2],
        after[SUFFIX + 2],
        _both(second_before[LOWER], before[LOWER]),
        _both(after[LOWER], second_after[LOWER]),
        _both(own[SHAPE], before[LOWER]),
        _both(own[SHAPE], after[LOWER]),
        _both(own[LOWER], gap_after),
        _both(before[LOWER], gap, capital),
        _both(own[SUFFIX + 2], before[SUFFIX + 2]),
        _both(own[COARSE], capital),
        _both(own[FINE], capital),
        _both(before[COARSE], capital),
        _both(before[FINE], capital),
        _both(after[COARSE], capital),
        _both(after[FINE], capital),
        _both(before[COARSE], own[COARSE], capital),
        _both(own[COARSE], after[COARSE], capital),
        _both(before[COARSE], after[COARSE], capital),
        _both(before[COARSE], gap, capital),
        _both(after[COARSE], gap_after, capital),
        _both(second_before[COARSE], before[COARSE]),
        _both(after[COARSE], second_after[COARSE]),
        _both(own[SHAPE], before[COARSE]),
        _both(own[SHAPE], after[COARSE]),
    ]
    rows = np.empty((len(at), len(features)), np.uint32)
    for column, value in enumerate(features):
        rows[:, column] = _mixed(value + np.uint64(_hash(f"feature {column}") << 32))
    return rows


def _both(*values: Hashes) -> Hashes:
    together = values[0]
    for value in values[1:]:
        together = together * np.uint64(0x9E3779B97F4A7C15) + value + np.uint64(1)
    return together


def _mixed(value: Hashes) -> Hashes:
    """A row for a number; the finish of SplitMix64 (Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = (value ^ (value >> np.uint64(31))) & np.uint64(ROWS - 1)
    return mixed


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))

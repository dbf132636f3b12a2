"""The probabilities of a fastText classifier for many lines at once, compiled."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.kernels.compiler import inlined, kernel

_SPACE: Final = np.uint8(32)
_FNV32, _FNV64 = np.uint32(2_166_136_261), np.uint64(0xCBF29CE484222325)
_PRIME32, _PRIME64 = np.uint32(16_777_619), np.uint64(0x100000001B3)
_HIGH: Final = np.uint32(0xFFFFFF00)


@inlined
def _next32(value: Any, byte: Any) -> Any:
    # fastText takes bytes for signed numbers.
    signed = np.uint32(byte) | _HIGH if byte > 127 else np.uint32(byte)
    return np.uint32((value ^ signed) * _PRIME32)


@inlined
def _add(total: Any, rows: Any, row: Any) -> None:
    for column in range(len(total)):
        total[column] += rows[row, column]


@inlined
def _continues(byte: Any) -> Any:
    return (byte & 0xC0) == 0x80


@inlined
def _add_n_grams(total: Any, rows: Any, kept: Any, word: Any, shortest: Any, longest: Any) -> Any:
    """Add the rows of the n-grams of a word, in UTF-8 between < and >; returns how many."""
    added, buckets = 0, np.uint32(len(kept))
    for begin in range(len(word)):
        if _continues(word[begin]):
            continue
        value, at = _FNV32, begin
        for size in range(1, longest + 1):
            if at >= len(word):
                break
            value = _next32(value, word[at])
            at += 1
            while at < len(word) and _continues(word[at]):
                value = _next32(value, word[at])
                at += 1
            alone = size == 1 and (begin == 0 or at == len(word))
            if size >= shortest and not alone:
                row = kept[np.int64(value % buckets)]
                if row >= 0:
                    _add(total, rows, row)
                    added += 1
    return added


@inlined
def _add_word(
    total: Any,
    rows: Any,
    words: Any,
    places: Any,
    kept: Any,
    word: Any,
    shortest: Any,
    longest: Any,
) -> Any:
    """Add the rows of a word between < and >, and of its n-grams; returns how many."""
    value = _FNV64
    for at in range(1, len(word) - 1):
        value = np.uint64((value ^ np.uint64(word[at])) * _PRIME64)
    added = 0
    place = np.searchsorted(words, value)
    if place < len(words) and words[place] == value:
        _add(total, rows, places[place])
        added = 1
    return added + _add_n_grams(total, rows, kept, word, shortest, longest)


@inlined
def _softmax(found: Any, outputs: Any, total: Any) -> None:
    highest = np.float32(-math.inf)
    for label in range(len(outputs)):
        value = np.float32(0)
        for column in range(len(total)):
            value += outputs[label, column] * total[column]
        found[label] = value
        highest = max(highest, value)
    every = np.float32(0)
    for label in range(len(outputs)):
        found[label] = math.exp(found[label] - highest)
        every += found[label]
    for label in range(len(outputs)):
        found[label] /= every


@kernel("f4[:,::1](u1[::1], i8[::1], f4[:,::1], u8[::1], i4[::1], i4[::1], f4[:,::1], i8, i8, i8)")
def probabilities_of(
    text: npt.NDArray[np.uint8],
    lengths: npt.NDArray[np.int64],
    rows: npt.NDArray[np.float32],
    words: npt.NDArray[np.uint64],
    places: npt.NDArray[np.int32],
    kept: npt.NDArray[np.int32],
    outputs: npt.NDArray[np.float32],
    shortest: int,
    longest: int,
    end_row: int,
) -> npt.NDArray[np.float32]:
    """(lines, labels): the probability of each label; a line without a row has zeros.

    ``text``: all lines in UTF-8, words between single spaces; ``lengths``: bytes of each. The
    others are those of ``processors.models.fasttext_file.Classifier``.
    """
    found = np.zeros((len(lengths), len(outputs)), np.float32)
    total = np.zeros(rows.shape[1], np.float32)
    longest_line = 0
    for line in range(len(lengths)):
        longest_line = max(longest_line, lengths[line])
    word = np.empty(longest_line + 2, np.uint8)
    word[0] = 60  # <
    begin = 0
    for line in range(len(lengths)):
        end = begin + lengths[line]
        total[:] = 0
        added, size = 0, 0
        for at in range(begin, end + 1):
            if at < end and text[at] != _SPACE:
                size += 1
                word[size] = text[at]
            elif size:
                word[size + 1] = 62  # >
                own = word[: size + 2]
                added += _add_word(total, rows, words, places, kept, own, shortest, longest)
                size = 0
        if end_row >= 0:
            _add(total, rows, end_row)
            added += 1
        begin = end
        if added:
            total *= np.float32(1.0 / added)
            _softmax(found[line], outputs, total)
    return found


@kernel("i8[:,::1](f4[:,::1], i8)")
def highest_of(probabilities: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """(lines, count): the labels with the highest probabilities of each line, in order."""
    best = np.zeros((len(probabilities), count), np.int64)
    for line in range(len(probabilities)):
        own = probabilities[line]
        for rank in range(count):
            chosen = -1
            for label in range(len(own)):
                taken = False
                for earlier in range(rank):
                    taken = taken or best[line, earlier] == label
                if not taken and (chosen < 0 or own[label] > own[chosen]):
                    chosen = label
            best[line, rank] = chosen
    return best

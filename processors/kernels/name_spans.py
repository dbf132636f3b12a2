"""The sums of weights and the labels of ``processors.models.name_model``, compiled."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.kernels.compiler import inlined, kernel
from processors.kernels.prefetch import prefetch

_JOIN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_ONE, _8, _16, _27, _30, _31 = (np.uint64(number) for number in (1, 8, 16, 27, 30, 31))
_EVERY_OTHER: Final = np.uint64(0x00FF00FF00FF00FF)
_LANE: Final = np.uint64(0xFFFF)


@inlined
def _mixed(value: Any) -> Any:
    value = (value ^ (value >> _30)) * _FIRST
    value = (value ^ (value >> _27)) * _SECOND
    return value ^ (value >> _31)


@inlined
def _unpack(lanes: Any, scores: Any, label: Any) -> None:
    """Four sums packed in one number: ``label`` and the next three labels, in steps of two."""
    for lane in range(4):
        scores[label + 2 * lane] = np.int64(lanes & _LANE)
        lanes >>= _16


@inlined
def _find_rows(flat: Any, begin: Any, terms: Any, seeds: Any, weights: Any, rows: Any) -> None:
    """The rows of one word. All are asked for before the first is read."""
    mask = np.uint64(len(weights) - 1)
    for feature in range(len(seeds)):
        value = flat[begin + terms[feature, 1]]
        for term in range(2, terms[feature, 0] + 1):
            value = value * _JOIN + flat[begin + terms[feature, term]] + _ONE
        row = _mixed(value + seeds[feature]) & mask
        prefetch(weights, row)
        rows[feature] = row


@inlined
def _score(rows: Any, weights: Any, scores: Any) -> None:
    """The sums of one word. A weight has 8 bits; a number of 64 sums four of them at a time."""
    even, odd, even_behind, odd_behind = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    for row in rows:
        first, behind = weights[row, 0], weights[row, 1]
        even += first & _EVERY_OTHER
        odd += (first >> _8) & _EVERY_OTHER
        even_behind += behind & _EVERY_OTHER
        odd_behind += (behind >> _8) & _EVERY_OTHER
    _unpack(even, scores, 0)
    _unpack(odd, scores, 1)
    _unpack(even_behind, scores, 8)
    _unpack(odd_behind, scores, 9)


@kernel("i8[:,::1](u8[:,::1], i8[::1], b1[::1], i8[:,::1], u8[::1], u8[:,::1], i8, i8)")
def spans_of(
    table: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.int64],
    nameable: npt.NDArray[np.bool_],
    terms: npt.NDArray[np.int64],
    seeds: npt.NDArray[np.uint64],
    weights: npt.NDArray[np.uint64],
    bias: int,
    labels: int,
) -> npt.NDArray[np.int64]:
    """The names of all texts: text, first word, last word, label of the first word: (names, 4).

    ``table``: the numbers of the words, with two empty ones around each text; ``lengths``: words of
    each; ``nameable``: whether a word may be in a name; ``terms``, ``seeds``: of each feature;
    ``weights``: of a row, 16 labels of 8 bits; ``bias``: taken off the first label's score.
    """
    flat, width = table.ravel(), table.shape[1]
    spans = np.empty((len(nameable), 4), np.int64)
    rows = np.empty((2, len(seeds)), np.uint64)
    scores = np.empty(16, np.int64)
    count = word = 0
    for text in range(len(lengths)):
        before = 0
        # The word's own row is word + 2 * (text + 1); the features begin two before it.
        begin = (word + 2 * text) * width
        for place in range(lengths[text]):
            if place == 0:
                _find_rows(flat, begin, terms, seeds, weights, rows[0])
            begin += width
            if place + 1 < lengths[text]:
                _find_rows(flat, begin, terms, seeds, weights, rows[(place + 1) % 2])
            label = 0
            if nameable[word]:
                _score(rows[place % 2], weights, scores)
                scores[0] -= bias
                for other in range(1, labels, 2):
                    if scores[other] > scores[label]:
                        label = other
                inside = before + before % 2
                if before and scores[inside] > scores[label]:
                    label = inside
            if label % 2:
                spans[count] = text, place, place, label
                count += 1
            elif label:
                spans[count - 1, 2] = place
            before = label
            word += 1
    return spans[:count].copy()

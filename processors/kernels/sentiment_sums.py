"""The sums of weights of ``processors.models.sentiment_model``, compiled."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.kernels.compiler import inlined, kernel

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_PAIR: Final = np.uint64(0x165667B19E3779F9)
_SPACE: Final = np.uint32(32)
_ONE, _29, _32, _64 = np.uint64(1), np.uint64(29), np.uint64(32), np.uint64(64)


@inlined
def _row(hashed: Any, kind: Any, bits: Any) -> Any:
    mixed = ((hashed ^ (hashed >> _29)) + kind * _PAIR) * _MIX
    return ((mixed ^ (mixed >> _32)) * _BASE) >> (_64 - bits)


@inlined
def _add(sums: Any, block: Any, weights: Any, rarity: Any, row: Any) -> None:
    for label in range(3):
        sums[block, label] += weights[row, label]
    rare = np.int64(rarity[row])
    sums[block, 3] += rare * rare


@kernel("i8[:,::1](u4[::1], i8[::1], i1[:,::1], u1[::1], i8, i8)")
def sums_of(
    points: npt.NDArray[np.uint32],
    lengths: npt.NDArray[np.int64],
    weights: npt.NDArray[np.int8],
    rarity: npt.NDArray[np.uint8],
    shortest: int,
    longest: int,
) -> npt.NDArray[np.int64]:
    """Sums by block: of the weights of each class, and of the squares of rarity, (2 * texts, 4).

    ``points``: the code points of all texts, each between two spaces; ``lengths``: code points of
    each, with its spaces. Blocks: twice a text's index for n-grams, plus 1 for words and pairs.
    """
    sums = np.zeros((2 * len(lengths), 4), np.int64)
    rows = len(rarity)
    bits = np.uint64(0)
    while (1 << np.int64(bits + _ONE)) < rows:
        bits += _ONE
    half = np.uint64(rows // 2)
    begin = 0
    for text in range(len(lengths)):
        end = begin + lengths[text]
        before, word, inside = np.uint64(0), np.uint64(0), False
        power, words = _ONE, 0
        for at in range(begin, end):
            # The n-grams that begin here: no space inside, and not two spaces.
            hashed, factor = np.uint64(points[at]), _ONE
            for size in range(2, min(longest, end - at) + 1):
                last = points[at + size - 1]
                if points[at + size - 2] == _SPACE and (size > 2 or last == _SPACE):
                    break
                factor *= _BASE
                hashed += np.uint64(last) * factor
                if size >= shortest:
                    _add(sums, 2 * text, weights, rarity, _row(hashed, np.uint64(size), bits))
            # The words, each where it ends.
            if points[at] != _SPACE:
                if not inside:
                    inside, word, power = True, np.uint64(0), _ONE
                word += np.uint64(points[at]) * power
                power *= _BASE
            elif inside:
                inside = False
                _add(sums, 2 * text + 1, weights, rarity, half + _row(word, np.uint64(0), bits))
                if words:
                    pair = before * _PAIR + word
                    _add(sums, 2 * text + 1, weights, rarity, half + _row(pair, _ONE, bits))
                before = word
                words += 1
        begin = end
    return sums

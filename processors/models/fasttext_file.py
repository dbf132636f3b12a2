"""Reads the file of a quantised fastText classifier into arrays, for the compiled reader.

The format is that of fastText 0.9.2, version 12 (https://github.com/facebookresearch/fastText,
``src/fasttext.cc``, ``dictionary.cc``, ``quantmatrix.cc``, ``productquantizer.cc``).
"""

import struct
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

_MAGIC: Final = (793_712_314, 12)
_SUPERVISED, _SOFTMAX = 3, 3
_END: Final = b"</s>"


class Classifier(NamedTuple):
    """A classifier that averages the rows of a line's words and n-grams, then a softmax.

    ``rows`` (rows, size) float32; those of known words come first. ``words``, ``places``: the
    64-bit FNV-1a hash of each known word, sorted, and its row. ``kept`` (buckets,): the row of each
    bucket of n-grams, or -1. ``outputs`` (labels, size) float32. ``end``: the row of a line's end.
    """

    rows: npt.NDArray[np.float32]
    words: npt.NDArray[np.uint64]
    places: npt.NDArray[np.int32]
    kept: npt.NDArray[np.int32]
    outputs: npt.NDArray[np.float32]
    labels: list[str]
    shortest: int
    longest: int
    end: int


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def values(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self._content, self._at)
        self._at += struct.calcsize("<" + form)
        return values

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        array = np.frombuffer(self._content, kind, count, self._at)
        self._at += array.nbytes
        return array.copy()

    def entries(self, count: int) -> list[tuple[bytes, int]]:
        """Entries of a dictionary: a text, and its kind; how often it was seen is passed over."""
        content, at, entries = self._content, self._at, []
        for _ in range(count):
            end = content.index(b"\0", at)
            entries.append((content[at:end], content[end + 9]))
            at = end + 10
        self._at = at
        return entries


def read_classifier(path: Path) -> Classifier:
    """Raises ValueError for a file of another kind, or a part of one."""
    try:
        return _read(path)
    except (struct.error, IndexError) as error:
        raise ValueError(f"{path.name} is cut: {error}") from error


def _read(path: Path) -> Classifier:
    content = _Bytes(path.read_bytes())
    magic = content.values("2i")
    size, _, _, _, _, pairs, loss, model, buckets, shortest, longest, _ = content.values("12i")
    content.values("d")
    if magic != _MAGIC or (pairs, loss, model) != (1, _SOFTMAX, _SUPERVISED):
        raise ValueError(f"{path.name} is no fastText classifier by softmax over words")
    words, labels, kept = _dictionary(content, buckets)
    if not content.values("?")[0]:
        raise ValueError(f"{path.name} is not quantised")
    rows = _quantised(content)
    if content.values("?")[0]:
        raise ValueError(f"the outputs of {path.name} are quantised")
    count, width = content.values("2q")
    outputs = content.array("<f4", count * width).reshape(count, width)
    if (len(labels), size) != outputs.shape or size != rows.shape[1]:
        raise ValueError(f"the sizes in {path.name} do not fit")
    hashes = _hashes(words)
    order = np.argsort(hashes)
    end = words.index(_END) if _END in words else -1
    return Classifier(
        rows, hashes[order], order.astype(np.int32), kept, outputs, labels, shortest, longest, end
    )


def _dictionary(
    content: _Bytes, buckets: int
) -> tuple[list[bytes], list[str], npt.NDArray[np.int32]]:
    size, word_count, label_count, _, pruned = content.values("iiiqq")
    entries = content.entries(size)
    words = [text for text, kind in entries if kind == 0]
    labels = [text.decode() for text, kind in entries if kind == 1]
    if (len(words), len(labels)) != (word_count, label_count):
        raise ValueError("the numbers of words and labels do not fit")
    kept = np.full(buckets, -1, np.int32)
    pairs = content.array("<i4", 2 * max(pruned, 0)).reshape(-1, 2)
    kept[pairs[:, 0]] = len(words) + pairs[:, 1]
    if pruned < 0:
        kept[:] = len(words) + np.arange(buckets)
    return words, labels, kept


def _quantised(content: _Bytes) -> npt.NDArray[np.float32]:
    """A matrix of codes: each row is its parts' centroids, times its norm."""
    has_norms, count, _, codes_size = content.values("?qqi")
    codes = content.array("u1", codes_size).reshape(count, -1)
    size, centroids = _centroids(content)
    parts = [centroids[part][codes[:, part]] for part in range(codes.shape[1])]
    rows: npt.NDArray[np.float32] = np.concatenate(parts, axis=1)[:, :size]
    if has_norms:
        norm_codes = content.array("u1", count)
        _, norms = _centroids(content)
        rows = rows * norms[0][norm_codes]
    return np.ascontiguousarray(rows, np.float32)


def _centroids(content: _Bytes) -> tuple[int, list[npt.NDArray[np.float32]]]:
    """The size of a row, and (256, width) of each of its parts."""
    size, parts, width, last = content.values("4i")
    table = content.array("<f4", size * 256)
    widths = [width] * (parts - 1) + [last]
    starts = np.cumsum([0, *widths]) * 256
    return size, [
        table[start : start + 256 * own].reshape(256, own)
        for start, own in zip(starts, widths, strict=False)
    ]


def _hashes(words: list[bytes]) -> npt.NDArray[np.uint64]:
    """FNV-1a, 64 bits, of all words at once, byte by byte."""
    lengths = np.array(list(map(len, words)), np.int64)
    letters = np.zeros((len(words), int(lengths.max(initial=0))), np.uint8)
    letters[np.arange(letters.shape[1]) < lengths[:, None]] = np.frombuffer(b"".join(words), "u1")
    values = np.full(len(words), 0xCBF29CE484222325, np.uint64)
    for place in range(letters.shape[1]):
        more = lengths > place
        values[more] = (values[more] ^ letters[more, place]) * np.uint64(0x100000001B3)
    return values

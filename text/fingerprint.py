"""Fingerprints of text: one that copies share, and keys that light edits share.

Links, handles, case, accents, punctuation and a leading "RT @name:" do not count. There are two
kinds of keys, since one word is a large share of a short text and a small share of a long one:

- up to ``_MAX_SHORT_WORDS`` words: the whole text, and the text without each of its words. Texts
  that differ in one word always share a key, others never;
- from ``_MAX_SHORT_WORDS`` words: MinHash over the set of words, ``_BANDS`` bands of ``_ROWS``.
  Texts that share most of their words very likely share two bands or more.

The keys are stored and compared across processes and days. They must not depend on a library's
random numbers, on the platform or on the batch. A changed constant needs a new ``VERSION``.
"""

import base64
import hashlib
import zlib
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from text.tokens import Tokens, folded_tokens, is_link, tokenize

VERSION = "words-1"

_MIN_WORDS = 3
"""Shorter texts have no fingerprint: copies of "thank you" mean nothing."""
_MAX_SHORT_WORDS = 11
"""Words of the longest text with keys that leave out a word; a text this long has both kinds."""
_BANDS, _ROWS = 12, 5
"""With one changed word of 12, 99 % of texts share two bands; unrelated texts almost never do."""
_MAX_UNIT_WORDS = 3
"""Tokens that one change may cover: "don't" and "rock-n-roll" are words to their writer."""

_WHOLE = "w"
"""First letter of the keys of a short text; those of bands begin with the letter of their band."""
_MIN_WEIGHT = 2

_Words = list[str]
_Numbers = NDArray[np.uint64]

_ALPHABET = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8
)
_BAND_LETTERS = np.frombuffer(b"abcdefghijkl", dtype=np.uint8)
_BAND_CHARACTERS = 5
_STEP = 0x9E3779B97F4A7C15


def duplicate_group(text: str) -> str | None:
    """64 bits over the folded words, hexadecimal; None if the text is too short."""
    return _group(_words(folded_tokens(text)))


def duplicate_keys(texts: Sequence[str]) -> list[list[str]]:
    """For each text the keys that its light edits share; empty if the text is too short."""
    return _keys(texts, [_words(folded_tokens(text)) for text in texts])


def fingerprints(texts: Sequence[str]) -> list[tuple[str | None, list[str]]]:
    """For each text its ``duplicate_group`` and its ``duplicate_keys``, with one fold for both."""
    words = [_words(folded_tokens(text)) for text in texts]
    return list(zip(map(_group, words), _keys(texts, words), strict=True))


def same_text(keys: Collection[str], other: Collection[str]) -> bool:
    """Whether two texts, given by their keys, are copies or light edits of each other."""
    return weight(set(keys).intersection(other)) >= _MIN_WEIGHT


def weight(shared: Collection[str]) -> int:
    """The weight of shared keys; 2 is enough. One band is chance, two are not."""
    return sum(_MIN_WEIGHT if key[:1] == _WHOLE else 1 for key in shared)


def _words(tokens: Sequence[str]) -> _Words:
    return [tokens[index] for index in _indices(tokens)]


def _indices(tokens: Sequence[str]) -> list[int]:
    """Of the words that copies share: all but handles, links and the RT of a copy."""
    last = len(tokens) - 1
    # Each of the distinct ones is looked at once: a text may repeat an emoji ten thousand times.
    left_out = {word for word in set(tokens) if word[0] == "@" or is_link(word)}
    return [
        index
        for index, word in enumerate(tokens)
        if word not in left_out
        and not (word == "rt" and (index == 0 or (index < last and tokens[index + 1][0] == "@")))
    ]


def _group(words: _Words) -> str | None:
    if len(words) < _MIN_WORDS:
        return None
    return hashlib.blake2b(_bytes(words), digest_size=8).hexdigest()


def _bytes(words: Sequence[str]) -> bytes:
    return " ".join(words).encode("utf-8", "replace")


def _keys(texts: Sequence[str], words: Sequence[_Words]) -> list[list[str]]:
    keys = [
        _whole_keys(text) if _MIN_WORDS <= len(own) <= _MAX_SHORT_WORDS else []
        for text, own in zip(texts, words, strict=True)
    ]
    long = [index for index, own in enumerate(words) if len(own) >= _MAX_SHORT_WORDS]
    if long:
        for index, bands in zip(long, _band_keys([words[index] for index in long]), strict=True):
            keys[index] += bands
    return keys


def _whole_keys(text: str) -> list[str]:
    """The key of the text, and one without each of its words if enough words remain."""
    tokens = tokenize(text)
    indices = _indices(tokens.folded)
    words = [tokens.folded[index] for index in indices]
    keys = {_whole_key(words): None}
    for start, end in _units(text, tokens, indices):
        rest = words[:start] + words[end:]
        if len(rest) >= _MIN_WORDS:
            keys[_whole_key(rest)] = None
    return list(keys)


def _whole_key(words: _Words) -> str:
    digest = hashlib.blake2b(_bytes(words), digest_size=6).digest()
    return _WHOLE + base64.urlsafe_b64encode(digest).decode("ascii")[:7]


def _units(text: str, tokens: Tokens, indices: Sequence[int]) -> list[tuple[int, int]]:
    """The writer's words, as ranges of ``indices``: "don't" is one word of two tokens."""
    units: list[tuple[int, int]] = []
    for number, index in enumerate(indices):
        if units and index and indices[number - 1] == index - 1:
            start = units[-1][0]
            gap = text[tokens.ends[index - 1] : tokens.starts[index]]
            # Chinese characters have no gap between them.
            if gap and not any(map(str.isspace, gap)) and number - start < _MAX_UNIT_WORDS:
                units[-1] = (start, number + 1)
                continue
        units.append((number, number + 1))
    return units


def _scatter(numbers: _Numbers) -> _Numbers:
    """SplitMix64's finisher: each result bit depends on every input bit."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


_STEPS = [(step * _STEP) % 2**64 for step in range(1, _BANDS * _ROWS + 1)]
_MULTIPLIERS = _scatter(np.array(_STEPS, dtype=np.uint64)) | np.uint64(1)


def _band_keys(texts: Sequence[_Words]) -> list[list[str]]:
    """One key for each band: the minimum words of the text in ``_ROWS`` orders."""
    # The minimum is over the set of words: each counts once.
    sets = [set(words) for words in texts]
    hashes = [zlib.crc32(word.encode("utf-8", "replace")) for words in sets for word in words]
    numbers = _scatter(np.array(hashes, dtype=np.uint64) + np.uint64(_STEP))
    starts = np.cumsum([0] + [len(words) for words in sets[:-1]])
    bands = np.zeros((len(texts), _BANDS), dtype=np.uint64)
    for index, multiplier in enumerate(_MULTIPLIERS):
        minima = np.minimum.reduceat(numbers * multiplier, starts)
        band = bands[:, index // _ROWS]
        band[:] = _scatter(band * np.uint64(3) + minima)
    letters = np.empty((len(texts), _BANDS, 1 + _BAND_CHARACTERS), dtype=np.uint8)
    letters[:, :, 0] = _BAND_LETTERS
    for digit in range(_BAND_CHARACTERS):
        letters[:, :, 1 + digit] = _ALPHABET[(bands >> np.uint64(58 - 6 * digit)) & np.uint64(63)]
    keys: list[list[str]] = letters.view(f"S{1 + _BAND_CHARACTERS}")[:, :, 0].astype(str).tolist()
    return keys

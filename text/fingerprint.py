"""Fingerprints of a text: one that its copies share, and keys that its light edits share.

Links, handles, case, accents, punctuation and a leading "RT @somebody:" do not count. The keys are
of two kinds, because one word is much of a short text and little of a long one:

- up to ``_MAX_SHORT_WORDS`` words: the whole text, and the text without each of its words. Two
  texts that differ in one word share a key for certain, and others share none;
- from ``_MAX_SHORT_WORDS`` words: MinHash over the set of words, ``_BANDS`` bands of ``_ROWS``. Two
  texts that share most of their words share most likely two bands or more.

``same_text`` says how many are enough. The keys are stored, and compared with those of other
processes and days: nothing here may depend on a library's random numbers, on the platform, or on
the other texts of the batch. A change of any constant is a new ``VERSION``.
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
"""Words below which equal texts say nothing ("thank you")."""
_MAX_SHORT_WORDS = 11
"""Words up to which one changed word is looked for by leaving out each; has keys of both kinds."""
_BANDS, _ROWS = 12, 5
"""At 12 words, one of them changed, 99 % share two bands; unrelated texts next to never do."""
_MAX_UNIT_WORDS = 3
"""Words that one change may take along: "don't" and "rock-n-roll" are words to their writer."""

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
    """64 bits over the folded words, hexadecimal; None for a text too short to tell."""
    return _group(_words(folded_tokens(text)))


def duplicate_keys(texts: Sequence[str]) -> list[list[str]]:
    """For each text the keys that its light edits share, see ``same_text``; none if too short."""
    return _keys(texts, [_words(folded_tokens(text)) for text in texts])


def fingerprints(texts: Sequence[str]) -> list[tuple[str | None, list[str]]]:
    """For each text its ``duplicate_group`` and its ``duplicate_keys``, folded once for both."""
    words = [_words(folded_tokens(text)) for text in texts]
    return list(zip(map(_group, words), _keys(texts, words), strict=True))


def same_text(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two texts, told by their keys, are copies or light edits of each other."""
    return weight(set(one).intersection(other)) >= _MIN_WEIGHT


def weight(shared: Collection[str]) -> int:
    """How much shared keys say: 2 is enough. A band alone is chance, two are not."""
    return sum(_MIN_WEIGHT if key[:1] == _WHOLE else 1 for key in shared)


def _words(tokens: Sequence[str]) -> _Words:
    """Without what differs between copies: handles, links, and the RT of a copy."""
    return [tokens[place] for place in _places(tokens)]


def _places(tokens: Sequence[str]) -> list[int]:
    last = len(tokens) - 1
    return [
        place
        for place, word in enumerate(tokens)
        if word[0] != "@"
        and not is_link(word)
        and not (word == "rt" and (place == 0 or (place < last and tokens[place + 1][0] == "@")))
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
    """The text's, and those of the text without each of its words, where enough is left."""
    tokens = tokenize(text)
    places = _places(tokens.folded)
    words = [tokens.folded[place] for place in places]
    keys = {_whole_key(words): None}
    for start, end in _units(text, tokens, places):
        rest = words[:start] + words[end:]
        if len(rest) >= _MIN_WORDS:
            keys[_whole_key(rest)] = None
    return list(keys)


def _whole_key(words: _Words) -> str:
    digest = hashlib.blake2b(_bytes(words), digest_size=6).digest()
    return _WHOLE + base64.urlsafe_b64encode(digest).decode("ascii")[:7]


def _units(text: str, tokens: Tokens, places: Sequence[int]) -> list[tuple[int, int]]:
    """What a writer would call words, as ranges of ``places``: "don't" is one, of two tokens."""
    units: list[tuple[int, int]] = []
    for index, place in enumerate(places):
        if units and place and places[index - 1] == place - 1:
            start = units[-1][0]
            gap = text[tokens.ends[place - 1] : tokens.starts[place]]
            # No gap at all is between two Chinese characters.
            if gap and not any(map(str.isspace, gap)) and index - start < _MAX_UNIT_WORDS:
                units[-1] = (start, index + 1)
                continue
        units.append((index, index + 1))
    return units


def _scatter(numbers: _Numbers) -> _Numbers:
    """SplitMix64's finisher: every bit of the result depends on every bit of the number."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _constants(count: int) -> _Numbers:
    steps = [(step * _STEP) % 2**64 for step in range(1, count + 1)]
    return _scatter(np.array(steps, dtype=np.uint64)) | np.uint64(1)


_MULTIPLIERS = _constants(_BANDS * _ROWS)


def _band_keys(texts: Sequence[_Words]) -> list[list[str]]:
    """One key for each band: the least words of the text, by ``_ROWS`` orders of all words."""
    hashes = [zlib.crc32(word.encode("utf-8", "replace")) for words in texts for word in words]
    numbers = _scatter(np.array(hashes, dtype=np.uint64) + np.uint64(_STEP))
    starts = np.cumsum([0] + [len(words) for words in texts[:-1]])
    bands = np.zeros((len(texts), _BANDS), dtype=np.uint64)
    for index, multiplier in enumerate(_MULTIPLIERS):
        least = np.minimum.reduceat(numbers * multiplier, starts)
        band = bands[:, index // _ROWS]
        band[:] = _scatter(band * np.uint64(3) + least)
    letters = np.empty((len(texts), _BANDS, 1 + _BAND_CHARACTERS), dtype=np.uint8)
    letters[:, :, 0] = _BAND_LETTERS
    for digit in range(_BAND_CHARACTERS):
        letters[:, :, 1 + digit] = _ALPHABET[(bands >> np.uint64(58 - 6 * digit)) & np.uint64(63)]
    keys: list[list[str]] = letters.view(f"S{1 + _BAND_CHARACTERS}")[:, :, 0].astype(str).tolist()
    return keys

"""Fingerprints of text: one that copies share, and keys that light edits share.

Links, handles, emoji, codes, case, accents, punctuation, invisible characters, look-alike letters,
spellings of Arabic and a leading "RT @name:" do not count. What a light edit is depends on the
length, since many people say the same short thing:

- fewer than ``_MIN_EDITED`` words: one key of the whole text. "Down in Lyon" is no copy of "down in
  Lille", and love is none of hate;
- up to ``_MAX_LISTED`` words: a key of the whole text, and one of each word. Texts that differ in
  two words are copies, and so is a text that was cut;
- from ``_MIN_BANDED`` words: MinHash over the set of words, ``_BANDS`` bands of ``_ROWS``. Texts
  that share most of their words very likely share two bands or more.

A word of Chinese or Japanese is about two of its characters; their pairs count.
Texts that differ in a percentage, a negation or a word of praise and blame are never light edits.
The keys are stored and compared across processes and days. They must not depend on a library's
random numbers, on the platform or on the batch. A changed constant needs a new ``VERSION``.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from text.tokens import folded_tokens, is_link

VERSION = "words-2"

_MIN_WORDS = 3
"""Shorter texts have no fingerprint: copies of "thank you" mean nothing."""
_MIN_EDITED = 8
"""Words of the shortest text that has light edits."""
_MAX_LISTED = 16
"""Words of the longest text with a key for each of them."""
_MIN_BANDED = 13
_BANDS, _ROWS = 12, 4
"""With two changed words of 15, 94 % of texts share two bands; unrelated texts almost never do."""
_CHANGED = 2
"""Words that a light edit may change, add or drop."""
_CUT = 0.7
"""Share of the words that a text keeps that was cut."""
_MIN_SHARED = 5
_MAX_KNOWN = 20_000
"""Words whose keys are kept: some 10 MB at most."""

_WHOLE, _SHORT, _WORD, _ANCHOR = "wsmn"
"""First letters of keys: of whole texts, short ones, words, and of what must be the same. Those of
bands begin with the letter of their band."""
MIN_WEIGHT = 2

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\ufeff"
_LOOK_ALIKES = (
    ("авекмнорстухіјѕԁԛԝһӏ", "abekmhopctyxijsdqwhl"),
    ("АВЕКМНОРСТУХІЈЅԌԚԜҺӀ", "ABEKMHOPCTYXIJSGQWHL"),
    ("αβεηικνορτυχωγ", "abenikvoptuxwy"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    ("أإآٱىةؤئیکھہۀ", "اااايهوييكههه"),
)
_PLAIN = {ord(one): None for one in _INVISIBLE} | {
    ord(one): other for pair in _LOOK_ALIKES for one, other in zip(*pair, strict=True)
}
"""Of letters of other scripts that look like Latin ones, and of one Arabic word's spellings."""
_PERCENTAGE = re.compile(r"(?<![\d.,])(\d{1,9}(?:[.,]\d{1,9})?) ?[%٪％]")
_POLAR_WORDS = (
    "not no never t cannot pas jamais nicht kein keine nie nunca nao non mai jamas لا ليس لم لن "
    "love hate good bad best worst like dislike up down rise fall true false aime adore deteste "
    "hais bon mauvais meilleur pire amo odio odeio bueno malo mejor peor bom ruim melhor pior "
    "liebe hasse gut schlecht beste schlimmste buono cattivo migliore peggiore"
)
_POLAR = frozenset(_POLAR_WORDS.split())
"""Words that turn what a text says, as folded."""
_CODE = re.compile(r"(?=[a-z0-9]{6,40}$)(?:[a-z]+[0-9]+[a-z]+|[0-9]+[a-z]+[0-9]+)[a-z0-9]*")
"""A code to win or to pay with: each copy has its own."""

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
    return _group(_words(text))


def duplicate_keys(texts: Sequence[str]) -> list[list[str]]:
    """For each text the keys that its light edits share; empty if the text is too short."""
    return _keys(texts, [_words(text) for text in texts])


def fingerprints(texts: Sequence[str]) -> list[tuple[str | None, list[str]]]:
    """For each text its ``duplicate_group`` and its ``duplicate_keys``, with one fold for both."""
    words = [_words(text) for text in texts]
    return list(zip(map(_group, words), _keys(texts, words), strict=True))


def same_text(keys: Collection[str], other: Collection[str]) -> bool:
    """Whether two texts, given by their keys, are copies or light edits of each other."""
    one, two = set(keys), set(other)
    shared = one & two
    if any(key[:1] in (_WHOLE, _SHORT) for key in shared):
        return True
    if _begin_with(_ANCHOR, one) != _begin_with(_ANCHOR, two):
        return False
    words = len(_begin_with(_WORD, shared))
    bands = len(shared) - words - len(_begin_with(_ANCHOR, shared))
    if bands >= MIN_WEIGHT:
        return True
    counts = len(_begin_with(_WORD, one)), len(_begin_with(_WORD, two))
    if words < _MIN_SHARED:
        return False
    was_cut = words == min(counts) and words >= _CUT * max(counts)
    return was_cut or words >= max(counts) - _CHANGED


def _begin_with(letter: str, keys: Collection[str]) -> set[str]:
    return {key for key in keys if key[:1] == letter}


def weight(shared: Collection[str]) -> int:
    """The weight of shared keys; below 2 no texts are the same: one band is chance."""
    return sum(MIN_WEIGHT if key[:1] in (_WHOLE, _SHORT) else 1 for key in shared)


def is_short(keys: Collection[str]) -> bool:
    """Whether the keys are of a text that many people may write alike without a copy."""
    return any(key[:1] == _SHORT for key in keys)


def _words(text: str) -> _Words:
    """The words that copies share: all but handles, links, emoji and the RT of a copy."""
    tokens = folded_tokens(text if text.isascii() else text.translate(_PLAIN))
    words = list(filter(_counts, tokens))
    return _without_reposts(tokens) if "rt" in words else words


@lru_cache(maxsize=_MAX_KNOWN)
def _counts(word: str) -> bool:
    """Whether copies share a word; posts repeat most words."""
    return not (
        word[0] == "@" or is_link(word) or not any(map(str.isalnum, word)) or _CODE.fullmatch(word)
    )


def _without_reposts(tokens: Sequence[str]) -> _Words:
    """The words without the RT at the beginning and before handles."""
    last = len(tokens) - 1
    return [
        word
        for index, word in enumerate(tokens)
        if _counts(word)
        and not (word == "rt" and (index == 0 or (index < last and tokens[index + 1][0] == "@")))
    ]


def _group(words: _Words) -> str | None:
    if len(words) < _MIN_WORDS:
        return None
    return hashlib.blake2b(_bytes(words), digest_size=8).hexdigest()


def _bytes(words: Sequence[str]) -> bytes:
    return " ".join(words).encode("utf-8", "replace")


def _keys(texts: Sequence[str], words: Sequence[_Words]) -> list[list[str]]:
    keys = [_listed(text, own) for text, own in zip(texts, words, strict=True)]
    long = [
        index for index, own in enumerate(words) if len(own) >= _MIN_BANDED and not _is_short(own)
    ]
    if long:
        units = [_paired(words[index]) for index in long]
        for index, bands in zip(long, _band_keys(units), strict=True):
            keys[index] += bands
    return keys


def _characters(words: _Words) -> int:
    """How many tokens are a character of a script that writes no spaces."""
    return sum(len(word) == 1 and word >= "\u2e80" for word in words)


def _is_short(words: _Words) -> bool:
    return len(words) < _MIN_EDITED or len(words) - _characters(words) // 2 < _MIN_EDITED


def _paired(words: _Words) -> _Words:
    """The words, or the pairs of characters where most words are characters."""
    if 2 * _characters(words) < len(words):
        return words
    return [one + two for one, two in pairwise(words)]


def _listed(text: str, words: _Words) -> list[str]:
    """The keys of a text but for its bands."""
    if len(words) < _MIN_WORDS:
        return []
    if _is_short(words):
        return [_key(_SHORT, words)]
    keys = [_key(_WHOLE, words)]
    if len(words) <= _MAX_LISTED:
        keys += map(_word_key, dict.fromkeys(words))
    turns = sorted(_POLAR.intersection(words))
    if "%" in text or not text.isascii():
        turns += sorted(set(_PERCENTAGE.findall(text)))
    return [*keys, _key(_ANCHOR, turns)] if turns else keys


def _key(letter: str, words: Sequence[str]) -> str:
    digest = hashlib.blake2b(_bytes(words), digest_size=6).digest()
    return letter + base64.urlsafe_b64encode(digest).decode("ascii")[:7]


@lru_cache(maxsize=_MAX_KNOWN)
def _word_key(word: str) -> str:
    return _key(_WORD, [word])


@lru_cache(maxsize=_MAX_KNOWN)
def _word_number(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "replace"))


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
    hashes = [_word_number(word) for words in sets for word in words]
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

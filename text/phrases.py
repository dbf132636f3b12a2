"""Finds the phrases of a word list in text, with offsets. The list format: ``docs/lexicons.md``.

Unlike in ``text.tokens``, the fold maps each code point to one code point. It keeps offsets for
free, and a tweet costs microseconds. The letters fold as there (``text.words.letter_folds``); the
third and later repeats of a letter go too ("cheeeer"). Apostrophes, hyphens and
underscores split words. A URL or a handle is one word outside every list. A CamelCase hashtag is
split into its words.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Final, Generic, TypeVar

from schemas.errors import ConfigurationError
from text.normalise import tripled
from text.recent import Recent
from text.tokens import LONG
from text.words.letter_folds import PLAIN, SPELT_OUT

MAX_TEXT: Final = 4_000
"""Code points that are read; bounds the time for one post."""

GAP: Final = "..."
"""In a phrase: up to ``MAX_GAP_WORDS`` words of one sentence."""
MAX_GAP_WORDS: Final = 12

STOPS: Final = frozenset("?.")
"""The words that end a sentence, in the result of :func:`split`."""

_MAX_EXPANSIONS = 2_000
_MARK = "\u0300"
"""Replaces each code point that is dropped, until its word is known."""
_EMOJI = re.compile("([\u203c\u2049\u2600-\u27bf\u2b50\U0001f1e6-\U0001faff])")
_SKIPPED = re.compile(r"(?:https?://|www\.)\S+|[@＠]\w[\w.\-]*")
_FILLER = "\x01\x02"
"""Replaces URLs and handles: a word outside every list."""
_LONG_RUN = re.compile(r"([a-z])\1\1+")
_CAMEL = re.compile(r"#\w*[^\W\d_A-Z][A-Z]\w*")
_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][^\W\d_A-Z])|(?<=[^\W\d_])(?=\d)")
_BRACKETS = re.compile(r"([()|])")

_ODD_LETTERS = {
    "…": ".", "।": ".", "؟": "?", "؛": ".", "_": " ", "\u0640": _MARK, "\u093c": _MARK,
}  # fmt: skip
"""Ends of sentences, and what has no letter of its own. Letters fold as those of tokens."""
_ARABIC_PREFIXES = ("", "ال", "و", "وال", "ب", "بال", "ل", "لل", "ف", "فال")


def _fold_one(letter: str) -> str:
    """The folded code point: a letter, a space, a stop or ``_MARK``."""
    if letter in _ODD_LETTERS:
        return _ODD_LETTERS[letter]
    if letter in "!;\n\r\u2028\u2029":
        return "."
    category = unicodedata.category(letter)
    if category in ("Cf", "Cs", "Co"):
        return _MARK
    if category in ("Mn", "Me", "Mc"):
        # The marks of Indic scripts are vowels and distinguish words.
        return letter if "\u0900" <= letter < "\u0e00" else _MARK
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", letter) if unicodedata.category(part) != "Mn"
    )
    plain = plain.casefold().translate(PLAIN)
    if len(plain) != 1:
        plain = letter
    if plain in ".?" or plain.isalnum() or _EMOJI.match(plain):
        return plain
    return "." if plain in "!;" else " "


class _Folding(dict[int, str]):
    """A table for ``str.translate`` that fills itself up to a limit."""

    def __missing__(self, code: int) -> str:
        # The skin tones of emoji are treated as marks.
        folded = _MARK if 0x1F3FB <= code <= 0x1F3FF else _fold_one(chr(code))
        if len(self) < 20_000:
            self[code] = folded
        return folded


_FOLDING: Final = _Folding()
_FOLDING.update((ord(letter), letter) for letter in _FILLER)
_ASCII_FOLDING: Final = bytes(ord(_FOLDING[code]) if code < 128 else code for code in range(256))


class FoldedWords:
    """The folded words of a text, with sentence ends and emoji, and their offsets.

    ``raw``: the words as they stand in the ``folded`` text.
    """

    def __init__(self, words: list[str], raw: list[str], folded: str) -> None:
        self.words = words
        self._raw = raw
        self._folded = folded
        self.elongated = tripled(" ".join(raw))

    @cached_property
    def _starts(self) -> list[int]:
        starts, offset = [], 0
        for word in self._raw:
            # Only spaces lie between two words: the first hit is the right one.
            offset = self._folded.index(word, offset)
            starts.append(offset)
            offset += len(word)
        return starts

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Start and end of the words ``first`` to ``last`` (inclusive) in the text."""
        return self._starts[first], self._starts[last] + len(self._raw[last])


def split(text: str) -> FoldedWords:
    """The words of the first ``MAX_TEXT`` code points. Total: any string gives a result.

    Several lists read the same batch: each of its texts is split once.
    """
    return _last_long(text[:MAX_TEXT]) if len(text) > LONG else _RECENT[text]


def _folded(text: str) -> FoldedWords:
    return FoldedWords(*_split(text))


_RECENT: Final = Recent(_folded)
_last_long = lru_cache(maxsize=1)(_folded)


def words_of(text: str) -> list[str]:
    """The words alone, in half the time: a list of phrases has tens of thousands."""
    return _split(text)[0]


def _split(text: str) -> tuple[list[str], list[str], str]:
    """The words, as they stand in the folded text, and that text."""
    seen = text = text[:MAX_TEXT]
    if "@" in text or "http" in text or "www." in text or "＠" in text:
        seen = _SKIPPED.sub(_fill, text)
    ascii_only = seen.isascii()
    if ascii_only:
        folded = seen.encode("ascii").translate(_ASCII_FOLDING).decode("ascii")
    else:
        folded = seen.translate(_FOLDING)
    spaced = folded
    if "#" in seen and _CAMEL.search(seen):
        spaced = _part_hashtags(seen, folded)
    spaced = spaced.replace(".", " . ").replace("?", " ? ")
    if not ascii_only:
        spaced = " ".join(_EMOJI.split(spaced))
    raw = words = spaced.split()
    if not ascii_only and _MARK in folded:
        words = [word.replace(_MARK, "") for word in raw]
    return words, raw, folded


def _fill(match: re.Match[str]) -> str:
    # Two alternating characters: a filler must not look like an elongation.
    length = match.end() - match.start()
    return (_FILLER * length)[:length]


def _part_hashtags(text: str, folded: str) -> str:
    """The folded text with a space between the words of each CamelCase hashtag."""
    parts: list[str] = []
    done = 0
    for hashtag in _CAMEL.finditer(text):
        for hump in _HUMP.finditer(text, hashtag.start() + 1, hashtag.end()):
            parts.append(folded[done : hump.start()])
            done = hump.start()
    parts.append(folded[done:])
    return " ".join(parts)


def expand(pattern: str) -> list[str]:
    """The phrases that ``a (b|c d|) e`` stands for: "a b e", "a c d e", "a e"; brackets nest."""
    # One frame an open bracket: its complete choices, and the variants of the current one.
    frames: list[tuple[list[str], list[str]]] = [([], [""])]
    for piece in _BRACKETS.split(pattern):
        done, current = frames[-1]
        if piece == "(":
            frames.append(([], [""]))
        elif piece == "|" and len(frames) > 1:
            frames[-1] = (done + current, [""])
        elif piece == ")" and len(frames) > 1:
            frames.pop()
            outer, before = frames[-1]
            frames[-1] = (outer, [start + end for start in before for end in done + current])
        elif piece in ("|", ")"):
            raise ConfigurationError(f"{piece!r} must be inside brackets: {pattern!r:.60}")
        else:
            frames[-1] = (done, [start + piece for start in current])
        if len(frames[-1][1]) > _MAX_EXPANSIONS:
            raise ConfigurationError(f"over {_MAX_EXPANSIONS} phrases, split it: {pattern!r:.60}")
    if len(frames) > 1:
        raise ConfigurationError(f"close the open bracket: {pattern!r:.60}")
    return list(dict.fromkeys(" ".join(text.split()) for text in frames[0][1]))


def phrases_of(block: str | list[str]) -> list[str]:
    """The expanded phrases of one entry of a file: lines or a list, split at commas."""
    return [
        phrase
        for line in (block.splitlines() if isinstance(block, str) else block)
        if not line.lstrip().startswith("#")
        for pattern in line.split(",")
        if pattern.strip()
        for phrase in expand(pattern)
    ]


def spellings(phrase: str, language: str) -> list[tuple[tuple[str, ...], ...]]:
    """Every spelling of a phrase, as the words of the parts between its gaps."""
    texts = [phrase]
    # A fold of one letter to one spells nothing out: both spellings are listed.
    for letter, letters in SPELT_OUT:
        if letter in phrase:
            texts += [text.replace(letter, letters) for text in texts]
    ways = []
    for text in texts:
        parts = tuple(tuple(words_of(part)) for part in text.split(GAP))
        if not all(parts):
            raise ConfigurationError(f"{phrase!r:.60} has no word beside a gap; add one")
        ways.append(parts)
        if language == "ar" and not parts[0][0].startswith("ال"):
            first, rest = parts[0], parts[1:]
            ways += [((prefix + first[0], *first[1:]), *rest) for prefix in _ARABIC_PREFIXES[1:]]
    return list(dict.fromkeys(ways))


T = TypeVar("T")
_Parts = tuple[tuple[str, ...], ...]
_Entry = tuple[int, _Parts, T]


class Phrases(Generic[T]):
    """Phrases, each with a value. The first of two equal phrases counts."""

    def __init__(self, lists: Iterable[tuple[str, T]], language: str) -> None:
        values: dict[_Parts, T] = {}
        for phrase, value in lists:
            for parts in spellings(phrase, language):
                values.setdefault(parts, value)
        # By the first word, then by the second: many phrases start with "in" or "not".
        self._first: dict[str, dict[str, list[_Entry[T]]]] = {}
        for parts, value in sorted(values.items(), key=lambda item: -sum(map(len, item[0]))):
            seconds = self._first.setdefault(parts[0][0], {})
            second = parts[0][1] if len(parts[0]) > 1 else ""
            seconds.setdefault(second, []).append((sum(map(len, parts)), parts, value))
        self._words = {word for parts in values for part in parts for word in part}

    def longest(self, text: FoldedWords) -> list[tuple[int, int, T]]:
        """Hits without overlap, leftmost and longest first: (first word, last word, value)."""
        words = self._shortened(text)
        hits: list[tuple[int, int, T]] = []
        free = 0
        for start, entries in self._candidates(words):
            if start < free:
                continue
            for length, parts, value in entries:
                last = start if length == 1 else _end(words, start, parts)
                if last >= 0:
                    hits.append((start, last, value))
                    free = last + 1
                    break
        return hits

    def every(self, text: FoldedWords) -> list[tuple[int, int, T]]:
        """All hits, overlapping ones too: (first word, last word, value)."""
        words = self._shortened(text)
        present = frozenset(words)
        return [
            (start, last, value)
            for start, entries in self._candidates(words)
            for _, parts, value in entries
            if parts[-1][-1] in present and (last := _end(words, start, parts)) >= 0
        ]

    def _candidates(self, words: list[str]) -> list[tuple[int, list[_Entry[T]]]]:
        """Words that may start a phrase; of one start, the longer phrases come first."""
        first, candidates = self._first, []
        for start in [start for start, word in enumerate(words) if word in first]:
            seconds = first[words[start]]
            if start + 1 < len(words) and words[start + 1] in seconds:
                candidates.append((start, seconds[words[start + 1]]))
            if "" in seconds:
                candidates.append((start, seconds[""]))
        return candidates

    def _shortened(self, text: FoldedWords) -> list[str]:
        """ "looove" as "love", but "gooood" as "good", the listed word."""
        if not text.elongated:
            return text.words
        shortened = []
        for word in text.words:
            if word not in self._words and tripled(word):
                once, twice = _LONG_RUN.sub(r"\1", word), _LONG_RUN.sub(r"\1\1", word)
                word = twice if twice in self._words else once
            shortened.append(word)
        return shortened


def _end(words: list[str], start: int, parts: _Parts) -> int:
    """The index of the last word of a phrase that starts at ``start``, or -1."""
    end = start + len(parts[0])
    if end > start + 1 and tuple(words[start:end]) != parts[0]:
        return -1
    for part in parts[1:]:
        for begin in range(end, min(end + MAX_GAP_WORDS + 1, len(words))):
            if words[begin] == part[0] and tuple(words[begin : begin + len(part)]) == part:
                end = begin + len(part)
                break
            if words[begin] in STOPS:
                return -1
        else:
            return -1
    return end - 1

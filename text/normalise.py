"""Input of the encoders, with the offsets of each code point in the published text.

Entities are decoded, compatibility forms made plain (NFKC), invisible characters dropped, links
and handles reduced to one word each, three or more of one letter or sign to two, white space to
single spaces, and CamelCase hashtags split ("#JeSuisFan": "# Je Suis Fan"). Emoji lose skin tones
and variation selectors. Text in capitals is lowered, since encoders split it into letters.

Every step is a list of edits from one pass. Few offsets are needed: they are computed on demand.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Final

import regex

MAX_TEXT: Final = 2_000
"""Code points that are read, and maximum length of the result."""

LOUD: Final = 8
"""Minimum capitals of a text in capitals; fewer may be one name."""
LOUD_SHARE: Final = 0.8
"""Minimum share of capitals in its cased letters."""

_Edit = tuple[int, int, str]
"""Start and end in the text before, and the replacement."""

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_JOINED = r"\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_INVISIBLE = (
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e"
    r"\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U0001f3fb-\U0001f3ff"
    r"\U000e0000-\U000e0fff]"
    # The joiner is dropped too, except within an emoji of several parts.
    rf"|(?<![{_JOINED}\ufe0f])\u200d|\u200d(?![{_JOINED}])"
)
_DROPPED = re.compile(rf"(?:{_INVISIBLE})+")
_CLUSTER = regex.compile(r"\X")
# Each pattern has its own pass, after a cheap test: most posts need few of them.
_LINK = re.compile(r"(?:[hH][tT]{2}[pP][sS]?://|[wW]{3}\.)\S+")
_HANDLE = re.compile(r"@\w+(?:[.\-]\w+)*")
_APART = re.compile(rf"{_LINK.pattern}|{_HANDLE.pattern}|\bhttp\b")
_HASHTAG = re.compile(r"#\w+")
_LONG = re.compile(r"([^\W\d_]|[^\w\s])\1{2,}", re.IGNORECASE)
_SPACE = re.compile(r"\s{2,}|[^\S ]")
_HUMP = regex.compile(
    r"(?<=[\p{Ll}\p{N}])(?=\p{Lu}) | (?<=\p{Lu})(?=\p{Lu}\p{Ll}) | (?<=\p{Ll})(?=\p{N})",
    regex.VERBOSE,
)


class Normalised:
    """Normalised text. ``text[i]`` stands for ``published[starts[i]:ends[i]]``.

    This range is empty for an added space. ``starts`` and ``ends`` never decrease. ``published``:
    the length that was read; ``steps``: the edits of each pass, in order.
    """

    def __init__(self, text: str, published: int, steps: Sequence[Sequence[_Edit]]) -> None:
        self.text = text
        self._published = published
        self._steps = steps

    @cached_property
    def _offsets(self) -> tuple[Sequence[int], Sequence[int]]:
        starts: Sequence[int] = range(self._published)
        ends: Sequence[int] = range(1, self._published + 1)
        for edits in self._steps:
            starts, ends = _moved(edits, starts, ends)
        return starts[: len(self.text)], ends[: len(self.text)]

    @property
    def starts(self) -> Sequence[int]:
        return self._offsets[0]

    @property
    def ends(self) -> Sequence[int]:
        return self._offsets[1]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The published span of ``text[start:end]``, which must not be empty."""
        return self.starts[start], self.ends[end - 1]


def normalise(text: str, *, limit: int = MAX_TEXT) -> Normalised:
    """The normalised text. Total: any string gives a result, of at most ``limit`` code points."""
    text = text[:limit]
    published = len(text)
    steps: list[list[_Edit]] = []
    if "&" in text:
        edits = [(*match.span(), html.unescape(match[0])) for match in _ENTITY.finditer(text)]
        text = _apply(text, edits, steps)
    if not text.isprintable() or not text.isascii():
        text = _apply(text, _invisible(text), steps)
        if not unicodedata.is_normalized("NFKC", text):
            text = _apply(text, _composed(text), steps)
            # A few compatibility forms hold invisible characters.
            text = _apply(text, _invisible(text), steps)
    # Before links and handles become lower-case words.
    if _loud(text):
        text = _apply(text, [(0, len(text), _quiet(text))], steps)
    text = _apply(text, _rewritten(text), steps)
    if text and (text[0] == " " or text[-1] == " "):
        begin, end = len(text) - len(text.lstrip(" ")), len(text.rstrip(" "))
        end = max(begin, end)
        text = _apply(text, [(0, begin, ""), (end, len(text), "")], steps)
    return Normalised(text[:limit], published, steps)


def tripled(text: str) -> bool:
    """Whether an ASCII character may stand three times in a row; true if unsure.

    Integer arithmetic on the bytes takes a fifth of the time of a regular expression.
    """
    number = int.from_bytes(text.encode("utf-8", "surrogatepass"), "big")
    differences = number ^ number << 8
    differences |= differences << 8
    return b"\0" in differences.to_bytes((differences.bit_length() + 7) // 8, "big")


def _loud(text: str) -> bool:
    """Whether the words, without links and handles, are nearly all in capitals."""
    if text.islower():
        return False
    words = _APART.sub(" ", text)
    capitals = sum(map(str.isupper, words))
    if capitals < LOUD or not any(map(str.isspace, words.strip())):
        return False
    return capitals >= LOUD_SHARE * (capitals + sum(map(str.islower, words)))


def _quiet(text: str) -> str:
    """Lower case of the same length: "İ", which would become two letters, stays."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join([low if len(low := letter.lower()) == 1 else letter for letter in text])


def _rewritten(text: str) -> list[_Edit]:
    """The edits of links, handles, hashtags, elongations and white space, without overlap."""
    edits: list[_Edit] = []
    if "://" in text or "ww." in text or "WW." in text:
        edits += [(*match.span(), "http") for match in _LINK.finditer(text)]
    if "@" in text:
        edits += [
            (*match.span(), "@user")
            for match in _HANDLE.finditer(text)
            if not match.start() or not _wordlike(text[match.start() - 1])
        ]
    if "#" in text:
        for match in _HASHTAG.finditer(text):
            if not match.start() or not _wordlike(text[match.start() - 1]):
                edits += _humps(match[0], match.start())
    lowered = text.lower()
    if not text.isascii() or tripled(lowered):
        edits += [(*match.span(), 2 * match[1]) for match in _LONG.finditer(text)]
    if "  " in text or not text.isprintable():
        edits += [(*match.span(), " ") for match in _SPACE.finditer(text)]
    if len(edits) < 2:
        return edits
    edits.sort(key=lambda edit: edit[:2])
    apart: list[_Edit] = []
    done = 0
    for edit in edits:
        if edit[0] >= done:
            apart.append(edit)
            done = edit[1]
    return apart


def _wordlike(letter: str) -> bool:
    return letter.isalnum() or letter in "_@"


def _humps(hashtag: str, start: int) -> list[_Edit]:
    """Spaces between the words of a CamelCase hashtag; none for "#iPhone", "#SNCF" or "#été"."""
    humps = [match.start() for match in _HUMP.finditer(hashtag)]
    if not humps or humps[0] < 3 or not any(map(str.islower, hashtag)):
        return []
    if not any(hashtag[hump].isupper() for hump in humps):
        return []
    return [(start + hump, start + hump, " ") for hump in (1, *humps)]


def _invisible(text: str) -> list[_Edit]:
    return [(*match.span(), "") for match in _DROPPED.finditer(text)]


def _composed(text: str) -> list[_Edit]:
    """Edits that bring each character, with its marks, to its compatibility form."""
    return [
        (*match.span(), plain)
        for match in _CLUSTER.finditer(text)
        if not match[0].isascii() and (plain := unicodedata.normalize("NFKC", match[0])) != match[0]
    ]


def _apply(text: str, edits: list[_Edit], steps: list[list[_Edit]]) -> str:
    """The text after the edits; adds them to ``steps``."""
    if not edits:
        return text
    steps.append(edits)
    parts = []
    done = 0
    for start, end, new in edits:
        parts.append(text[done:start])
        parts.append(new)
        done = end
    parts.append(text[done:])
    return "".join(parts)


def _moved(
    edits: Sequence[_Edit], starts: Sequence[int], ends: Sequence[int]
) -> tuple[list[int], list[int]]:
    """The offsets after one step, from those before it."""
    new_starts: list[int] = []
    new_ends: list[int] = []
    done = 0
    for start, end, new in edits:
        new_starts.extend(starts[done:start])
        new_ends.extend(ends[done:start])
        if start < end:
            begin, finish = starts[start], ends[end - 1]
        else:
            begin = finish = starts[start] if start < len(starts) else (ends[-1] if ends else 0)
        if len(new) == end - start:
            new_starts.extend(starts[start:end])
            new_ends.extend(ends[start:end])
        else:
            new_starts.extend([begin] * len(new))
            new_ends.extend([finish] * len(new))
        done = end
    new_starts.extend(starts[done:])
    new_ends.extend(ends[done:])
    return new_starts, new_ends

"""Handles, hashtags and links in a post's text, for feeds without fields for them.

A link is read whole: the ``#`` and ``@`` inside it are neither hashtag nor handle. The results are
hints, as platforms give them; the matcher decides what a post is about.
"""

import re
import unicodedata
from typing import NamedTuple

from schemas.bounds import MAX_ITEMS, MAX_SHORT


class Markup(NamedTuple):
    """Distinct values in text order, without ``@`` and ``#``."""

    mentions: list[str]
    hashtags: list[str]
    links: list[str]


def _mark_ranges() -> str:
    """Combining marks as a regex class: ``\\w`` lacks them, and Hindi needs them."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x10000):
        if unicodedata.category(chr(code)).startswith("M"):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in ranges)


_TAG = rf"([\w{_mark_ranges()}\u200c\u200d]+)"
_HANDLE = r"([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)"
# Each alternative starts with a plain character, without a look-behind: the engine skips to these
# few characters, which is five times faster. The character before a sign is tested later.
_PATTERN = re.compile(
    r"((?:http|Http|HTTP)[sS]?://[^\s<>\"«»]+)"
    rf"|#{_TAG}|\uff03{_TAG}|@{_HANDLE}|\uff20{_HANDLE}"
)
_LINK, _TAGS = 1, (2, 3)
_AFTER_LINK = ".,;:!?'\u2019\"*_…)]}"
_PAIRS = {")": "(", "]": "[", "}": "{"}


def _trim(link: str) -> str:
    """The link without the punctuation of the sentence around it."""
    while link and link[-1] in _AFTER_LINK:
        opening = _PAIRS.get(link[-1])
        if opening is not None and link.count(opening) >= link.count(link[-1]):
            break
        link = link[:-1]
    return link


def markup_of(text: str) -> Markup:
    markup = Markup([], [], [])
    for match in _PATTERN.finditer(text):
        kind, start = match.lastindex or 0, match.start()
        value = match[kind]
        before = text[start - 1] if start else " "
        if kind == _LINK:
            # Cut first: trimming takes the square of the length.
            link = _trim(value[:MAX_SHORT])
            if not link.endswith("/") or link.count("/") > 2:
                _add(markup.links, link)
        elif before.isalnum() or before in "_/":
            continue  # an e-mail address, a number sign inside a word, a path
        elif kind not in _TAGS:
            if before != "@":
                _add(markup.mentions, value)
        elif before != "&" and not value.isdigit():
            _add(markup.hashtags, value)
    return markup


def _add(values: list[str], value: str) -> None:
    if value not in values and len(values) < MAX_ITEMS:
        values.append(value)

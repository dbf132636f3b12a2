"""Values that the language accepts and that no post, or hardly one, can have.

A field such as ``source:`` takes any value, since a replayed file may hold any. Here is told what
is most likely meant by one that nobody gives.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from queries.language.ast import Field, Node, Span, Value
from queries.language.errors import shorten
from queries.language.fields import FIELDS, meant_value, normal
from queries.language.tree import walk
from schemas.source_names import FILES, INGESTED, OTHERWISE
from text.spelling import nearest
from text.tokens import tokenize

KNOWN_SOURCES: Final = (*INGESTED, *FILES)
"""Sources that are known without any post."""
_SIGNS: Final = {"hashtags": "#", "mentions": "@"}
_THING: Final = {"hashtags": "hashtag", "mentions": "handle"}
_ADDRESS: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_DIGITS: Final = re.compile(r"\d+")


class Doubt(NamedTuple):
    """A value that probably matches nothing."""

    message: str
    hint: str
    span: Span


def doubtful_values(node: Node, sources: Collection[str] | None = None) -> Iterator[Doubt]:
    """The doubts about the values of a query; ``sources``: as of :func:`source_doubt`."""
    for part in walk(node):
        if isinstance(part, Field) and part.name in _CHECKS:
            for value in walk(part.child):
                if isinstance(value, Value):
                    yield from _CHECKS[part.name](part.name, value, sources)


def source_doubt(source: str, sources: Collection[str] | None = None) -> str | None:
    """What is meant by a source that nobody gives; None for one that may be right.

    ``sources``: all that posts have, beside our own; None if nobody knows, so that only what looks
    like something else is told.
    """
    known = {normal(name): name for name in (*KNOWN_SOURCES, *(sources or ()))}
    written = normal(source)
    if written in known:
        return None
    if called := OTHERWISE.get(written):
        return f"posts of {source} have the source {called}: write source:{called}"
    if other := meant_value("source", source):
        return f"did you mean {other}?"
    if _ADDRESS.fullmatch(source):
        return f"for a host, write site:{source}"
    if near := nearest(written, known, 0.75):
        return f"did you mean source:{known[near]}?"
    return None if sources is None else "correct it, unless your own files will have it"


def _source(_: str, value: Value, sources: Collection[str] | None) -> Iterator[Doubt]:
    if value.wildcard:
        return
    hint = source_doubt(value.text, sources)
    if hint is not None:
        message = f"no ingestor gives a post the source '{shorten(value.text)}'"
        yield Doubt(message, hint, value.span)


def _word(name: str, value: Value, _: Collection[str] | None) -> Iterator[Doubt]:
    """A hashtag or handle must be one token, as platforms cut it out of a text."""
    plain, sign = re.sub(r"[*?]", "a", value.text), _SIGNS[name]
    thing, shown = _THING[name], shorten(value.text)
    if part := _last_part(value.text):
        hint = f"write {name}:{shorten(part)}"
        yield Doubt(f"'{shown}' is an address, not a {thing}", hint, value.span)
        return
    other = next((field for field, mark in _SIGNS.items() if plain.startswith(mark)), None)
    if other is not None:
        hint = f"write {other}:{shorten(value.text[1:])}"
        yield Doubt(f"'{shown}' is no {thing}", hint, value.span)
        return
    user = plain.partition("@")[0] if name == "mentions" else plain
    if name == "hashtags" and _DIGITS.fullmatch(plain):
        message = f"platforms list no hashtag of digits alone, such as '{shown}'"
        yield Doubt(message, f'search for it in the text: "#{shown}"', value.span)
    elif not user.startswith("did:") and list(tokenize(sign + user).exact) != [sign + user]:
        words = re.findall(r"[\w*?]+", value.text)
        hint = f"write {name}:{''.join(words)}" if words else "write letters or digits"
        if len(words) > 1:
            hint += f', or the words in the text: "{" ".join(words)}"'
        yield Doubt(f"'{shown}' cannot be one {thing}", hint, value.span)


def _last_part(written: str) -> str | None:
    """The account or hashtag at the end of an address; None for what is none."""
    if "://" not in written:
        return None
    return written.partition("?")[0].rstrip("/").rpartition("/")[2].lstrip("@#") or None


def _thread(_: str, value: Value, __: Collection[str] | None) -> Iterator[Doubt]:
    if ":" not in value.text:
        message = f"'{shorten(value.text)}' is no id of a post: these begin with their source"
        yield Doubt(message, f'write thread:"x:{shorten(value.text)}"', value.span)


def _author(_: str, value: Value, __: Collection[str] | None) -> Iterator[Doubt]:
    if part := _last_part(value.text):
        message = f"'{shorten(value.text)}' is an address, not a handle"
        yield Doubt(message, f"write author:{shorten(part)}", value.span)
    elif " " in value.text:
        message = f"a handle has no space, and '{shorten(value.text)}' has"
        hint = f'for the words of a name, write authorName:"{shorten(value.text)}"'
        yield Doubt(message, hint, value.span)


def _site(_: str, value: Value, __: Collection[str] | None) -> Iterator[Doubt]:
    # A short part is a country's or a common domain: site:fr, site:com, site:info.
    if value.text.startswith("@"):
        message = f"'{shorten(value.text)}' is a handle, not a host"
        yield Doubt(message, f"write author:{shorten(value.text[1:])}", value.span)
    elif value.text in INGESTED:
        message = f"'{value.text}' is a source, not a host"
        yield Doubt(message, f"write source:{value.text}", value.span)
    elif "." not in value.text and len(value.text) > 4:
        message = f"'{shorten(value.text)}' has no dot: it matches only hosts that end in it"
        yield Doubt(message, f"write the host, such as site:{value.text}.com", value.span)


_CHECKS: Final = {
    "source": _source,
    "hashtags": _word,
    "mentions": _word,
    "author": _author,
    "thread": _thread,
    "site": _site,
}
assert _CHECKS.keys() <= FIELDS.keys()

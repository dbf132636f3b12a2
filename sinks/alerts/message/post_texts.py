"""The posts of an alert as they were published, with marks on what the alert is about. Pure.

An alert carries no text, so that an erasure needs to reach the index alone. Whoever shows an alert
looks the texts up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from schemas.alert import Evidence
from schemas.mention import Mention
from text.tokens import folded_tokens, tokenize

MAX_ABOUT = 5
"""Words of the line that says what an alert is about."""
MAX_EXCERPT = 400
"""Characters of a text that are shown to people."""
_BEFORE = 60
"""Characters before the first mark of a cut text."""
Basis = Literal["about", "said"]
"""``about``: what is said more than before; ``said``: what negative posts say most."""


class PublishedPost(NamedTuple):
    """``marks``: begin and end within ``text``, apart and in order."""

    author: str
    source: str
    followers: int | None
    text: str
    marks: Sequence[tuple[int, int]]


class Published(NamedTuple):
    """``posts`` by id, ``handles`` by the hash of an author (``schemas.ids.author_hash``)."""

    posts: Mapping[str, PublishedPost]
    handles: Mapping[str, str]
    about: Sequence[str]
    basis: Basis = "about"


def author_of(mention: Mention) -> str:
    """``@handle``, or the platform's id of an author without one."""
    author = mention.post.author
    return f"@{author.handle}" if author.handle else author.id


def published_post(mention: Mention, brand: str, terms: Iterable[str]) -> PublishedPost:
    """The post with the matches of the brand and the terms marked."""
    text = mention.post.text
    return PublishedPost(
        author=author_of(mention),
        source=mention.post.source,
        followers=mention.post.author.followers,
        text=text,
        marks=_joined([*_matches(mention, brand), *_places(text, terms)]),
    )


def excerpt(post: PublishedPost) -> PublishedPost:
    """The post with a text of at most ``MAX_EXCERPT`` characters around its first mark."""
    text, marks = post.text, post.marks
    if len(text) <= MAX_EXCERPT:
        return post
    first = max(0, min((marks[0][0] if marks else 0) - _BEFORE, len(text) - MAX_EXCERPT))
    last = first + MAX_EXCERPT
    before, after = "…" if first else "", "…" if last < len(text) else ""
    offset = len(before) - first
    return post._replace(
        text=f"{before}{text[first:last]}{after}",
        marks=[(s + offset, min(e, last) + offset) for s, e in marks if first <= s < last],
    )


def lifted_of(evidence: Evidence) -> list[str]:
    """The terms and names that are said more than before, most significant first."""
    lifts = sorted(
        (*evidence.lifted, *evidence.lifted_entities), key=lambda lift: -lift.significance
    )
    return [lift.term for lift in lifts]


def _matches(mention: Mention, brand: str) -> Iterator[tuple[int, int]]:
    size = len(mention.post.text)
    for found in mention.brands:
        for match in found.matches if found.id == brand else ():
            if match.field == "text" and match.start is not None and match.end is not None:
                yield min(match.start, size), min(match.end, size)


def _places(text: str, terms: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where the tokens of a term follow each other."""
    wanted: dict[str, list[list[str]]] = {}
    for term in terms:
        tokens = folded_tokens(term)
        if tokens:
            wanted.setdefault(tokens[0], []).append(tokens)
    found = tokenize(text)
    for number, token in enumerate(found.folded):
        for tokens in wanted.get(token, ()):
            last = number + len(tokens)
            if found.folded[number:last] == tokens:
                yield found.starts[number], found.ends[last - 1]


def _joined(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, overlaps as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        elif start < end:
            joined.append((start, end))
    return joined

"""What a query can ask of a post: its tokens, values, numbers and times, by field.

One view for every back end that reads posts: a field means here what ``docs/queries.md`` says, and
nowhere else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from queries.language.fields import normal
from schemas.mention import Mention
from schemas.post import Post
from text.tokens import Tokens, folded_tokens, tokenize, url_words

ANYWHERE = ("text", "title")
"""The fields that a term without a field is looked for in, each on its own."""


@dataclass(frozen=True, order=True, slots=True)
class MatchedSpan:
    """Code points of a field that a query's words stand at."""

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """A post with what was found in it. Each field is read when it is first asked for."""

    mention: Mention
    _read: dict[str, Any] = dataclass_field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def texts_of(self, field: str) -> tuple[Tokens, ...]:
        """The texts of a field of text: none, one, or each address. A phrase never leaves one."""
        texts: tuple[Tokens, ...] | None = self._read.get(field)
        if texts is None:
            texts = self._read[field] = tuple(map(tokenize, _TEXTS[field](self.mention.post)))
        return texts

    def folded_of(self, field: str) -> list[list[str]]:
        """The folded tokens of each text of a field, in half the time of ``texts_of``."""
        texts = self._read.get(field)
        if texts is not None:
            return [tokens.folded for tokens in texts]
        return [folded_tokens(text) for text in _TEXTS[field](self.mention.post)]

    def values_of(self, field: str) -> frozenset[str]:
        """The values of a field, in their compared form (``queries.language.fields.normal``)."""
        values: frozenset[str] | None = self._read.get(field)
        if values is None:
            values = self._read[field] = _VALUES[field](self.mention)
        return values

    @cached_property
    def numbers(self) -> dict[str, int | datetime | None]:
        """Fields of ranges; None where the platform says nothing."""
        post = self.mention.post
        metrics = post.metrics
        return {
            "followers": post.author.followers,
            "likes": metrics.likes,
            "reposts": metrics.reposts,
            "replies": metrics.replies,
            "quotes": metrics.quotes,
            "views": metrics.views,
            "date": _milliseconds(post.created_at),
        }


def _values(*values: str | None) -> frozenset[str]:
    return frozenset(normal(value) for value in values if value)


def _domains(url: str | None) -> frozenset[str]:
    """The host of an address and every domain that it is in: a.b.example, b.example, example."""
    try:
        host = urlsplit(url or "").hostname or ""
    except ValueError:
        return frozenset()
    labels = [label for label in host.split(".") if label][:127]
    return frozenset(normal(".".join(labels[first:])) for first in range(len(labels)))


def _milliseconds(when: datetime) -> datetime:
    """The index keeps no less of a time."""
    try:
        when = when.astimezone(UTC)
    except OverflowError:
        when = when.replace(tzinfo=UTC)
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


def _words(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


_TEXTS: dict[str, Callable[[Post], Iterable[str]]] = {
    "text": lambda post: (post.text,),
    "title": lambda post: _words(post.title),
    "authorName": lambda post: _words(post.author.name),
    "url": lambda post: (" ".join(url_words(url)) for url in (post.url, *post.links) if url),
}
_VALUES: dict[str, Callable[[Mention], frozenset[str]]] = {
    "author": lambda it: _values(it.post.author.handle, it.post.author.id),
    "lang": lambda it: _values(it.language.code if it.language else None),
    "source": lambda it: _values(it.post.source),
    "site": lambda it: _domains(it.post.url),
    "country": lambda it: _values(it.post.country),
    "hashtags": lambda it: _values(*it.post.hashtags),
    "mentions": lambda it: _values(*it.post.mentions),
    "entity": lambda it: _values(*(v for e in it.entities for v in (e.text, e.name, e.id))),
    "brand": lambda it: _values(*(brand.id for brand in it.brands)),
    "sentiment": lambda it: _values(it.sentiment.label if it.sentiment else None),
    "engagementType": lambda it: _values(it.post.kind),
    "verified": lambda it: _values(_flag(it.post.author.verified)),
}


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()

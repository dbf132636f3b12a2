"""What a query can ask of a post: its tokens, values, numbers and times, by field.

One view for every back end that reads posts: a field means here what ``docs/queries.md`` says, and
nowhere else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import urlsplit

from queries.fields import normal
from queries.tokens import Tokens, tokenize, url_words
from schemas.mention import Mention

ANYWHERE = ("text", "title")
"""The fields that a term without a field is looked for in, each on its own."""


@dataclass(frozen=True)
class Document:
    """A post with what was found in it."""

    mention: Mention

    @cached_property
    def texts(self) -> dict[str, tuple[Tokens, ...]]:
        """Fields of text; a field that is not there is no text. A phrase never leaves a text."""
        post = self.mention.post
        return {
            "text": (tokenize(post.text),),
            "title": (tokenize(post.title),) if post.title else (),
            "authorName": (tokenize(post.author.name),) if post.author.name else (),
            "url": tuple(
                tokenize(" ".join(url_words(url))) for url in (post.url, *post.links) if url
            ),
        }

    @cached_property
    def values(self) -> dict[str, frozenset[str]]:
        """Fields of values, in their compared form (``queries.fields.normal``)."""
        mention, post = self.mention, self.mention.post
        author = post.author
        return {
            "author": _values(author.handle, author.id),
            "lang": _values(mention.language.code if mention.language else None),
            "source": _values(post.source),
            "site": _domains(post.url),
            "country": _values(post.country),
            "hashtags": _values(*post.hashtags),
            "mentions": _values(*post.mentions),
            "entity": _values(*(v for e in mention.entities for v in (e.text, e.name, e.id))),
            "brand": _values(*(brand.id for brand in mention.brands)),
            "sentiment": _values(mention.sentiment.label if mention.sentiment else None),
            "engagementType": _values(post.kind),
            "verified": _values(None if author.verified is None else str(author.verified).lower()),
        }

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

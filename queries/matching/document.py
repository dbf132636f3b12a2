"""A post as queries see it: tokens, values, numbers and times by field.

The only place that maps the fields of ``docs/queries.md`` to a post.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from queries.language.ast import Bound
from queries.language.fields import TAG, normal
from schemas.bounds import MAX_READ
from schemas.mention import Mention, Sentiment
from schemas.post import Community, Post, Publisher, Rating
from text.tokens import Tokens, exact_tokens, tokenize, url_words
from text.words.hashtag_words import hashtag_words

ANYWHERE = ("text", "title")
"""The fields of a term without a field; a phrase or NEAR stays within one of them."""


class MatchedSpan(NamedTuple):
    """A matched word or phrase, in code points of ``field``."""

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """A post with its annotations. Each field is computed at first use."""

    mention: Mention
    _read: dict[Any, Any] = dataclass_field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def texts_of(self, field: str) -> tuple[Tokens, ...]:
        """The texts of a text field: none, one, or each URL. A phrase stays within one text."""
        texts: tuple[Tokens, ...] | None = self._read.get(field)
        if texts is None:
            texts = self._read[field] = tuple(map(tokenize, _TEXTS[field](self.mention.post)))
        return texts

    def exact_of(self, field: str) -> list[list[str]]:
        """The tokens of each text of a field as they are written, without offsets."""
        found: list[list[str]] | None = self._read.get((field, "exact"))
        if found is None:
            texts = self._read.get(field)
            if texts is not None:
                found = [tokens.exact for tokens in texts]
            else:
                split = _words_of_url if field == "url" else exact_tokens
                found = [split(text) for text in _TEXTS[field](self.mention.post)]
            self._read[field, "exact"] = found
        return found

    def values_of(self, field: str) -> frozenset[str]:
        """The values of a field in their ``queries.language.fields.normal`` form."""
        values: frozenset[str] | None = self._read.get(field)
        if values is None:
            values = self._tagged() if field == TAG else _VALUES[field](self.mention)
            self._read[field] = values
        return values

    def hashtags_of(self, field: str) -> list[tuple[int, int, frozenset[str]]]:
        """Start, end and words of each hashtag in a text field."""
        hashtags: list[tuple[int, int, frozenset[str]]] | None = self._read.get((field, "tags"))
        if hashtags is None:
            hashtags = self._read[field, "tags"] = [
                (start, end, hashtag_words(token))
                for tokens in self.texts_of(field)
                for token, start, end in zip(tokens.exact, tokens.starts, tokens.ends, strict=True)
                if _is_hashtag(token)
            ]
        return hashtags

    def _tagged(self) -> frozenset[str]:
        post = self.mention.post
        if not any("#" in text or "＃" in text for text in (post.text, post.title or "")):
            return _NONE
        texts = chain.from_iterable(map(self.exact_of, ANYWHERE))
        tags = (token for token in chain.from_iterable(texts) if _is_hashtag(token))
        return frozenset(chain.from_iterable(map(hashtag_words, tags)))

    @cached_property
    def numbers(self) -> dict[str, Bound | None]:
        """Number, mark and time fields; None: the platform gives no value."""
        post = self.mention.post
        counts = {name: getattr(post.metrics, name) for name in post.metrics.__struct_fields__}
        date = _milliseconds(post.created_at)
        rating = None if post.rating is None else mark_of(post.rating)
        return {"followers": post.author.followers, **counts, "rating": rating, "date": date}


def _is_hashtag(token: str) -> bool:
    return token[0] in "#＃" and len(token) > 1


def _words_of_url(text: str) -> list[str]:
    """The tokens of words of a URL. No sign is left between them, so one of ASCII is one token."""
    return text.split(" ") if text.isascii() and text else exact_tokens(text)


def mark_of(rating: Rating) -> Decimal:
    """The mark on the scale of 1 to 5, to the hundredth."""
    return 1 + Decimal(round(400 * rating.share)) / 100


def searched(text: str) -> str:
    """The part of a text that queries search, in every back end."""
    return text[:MAX_READ]


_NONE: frozenset[str] = frozenset()


def _values(*values: str | None) -> frozenset[str]:
    found = [normal(value) for value in values if value]
    return frozenset(found) if found else _NONE


_PLAIN_URL = re.compile(r"https?://([A-Za-z0-9.-]{1,253})(?![^/?#])")
"""Begins with a host of ASCII, without a port or an account."""


def _domains(url: str | None) -> frozenset[str]:
    """The host of a URL and its parent domains: a.b.example, b.example, example."""
    if plain := _PLAIN_URL.match(url or ""):
        return _known_parents(plain[1])
    try:
        return _parents(urlsplit(url or "").hostname or "")
    except ValueError:
        return frozenset()


def _parents(host: str) -> frozenset[str]:
    labels = [label for label in host.split(".") if label][:127]
    return frozenset(normal(".".join(labels[first:])) for first in range(len(labels)))


_known_parents = lru_cache(maxsize=1_024)(_parents)


def _milliseconds(when: datetime) -> datetime:
    """In UTC, cut to milliseconds as in the index."""
    try:
        when = when.astimezone(UTC)
    except OverflowError:
        when = when.replace(tzinfo=UTC)
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


_TEXTS: dict[str, Callable[[Post], Iterable[str]]] = {
    "text": lambda post: (searched(post.text),),
    "title": lambda post: filter(None, (post.title,)),
    "authorName": lambda post: filter(None, (post.author.name,)),
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
    "towards": lambda it: _sentiments((brand.id, brand.sentiment) for brand in it.brands),
    "aspect": lambda it: (
        _values(*(aspect.label for aspect in it.aspects))
        | _pairs((aspect.label, aspect.sentiment) for aspect in it.aspects)
    ),
    "intent": lambda it: _values(*it.intents),
    "emotion": lambda it: _values(it.emotion.label if it.emotion else None),
    "engagementType": lambda it: _values(it.post.kind),
    "verified": lambda it: _values(_flag(it.post.author.verified)),
    "bot": lambda it: _values(_flag(it.post.author.bot)),
    "community": lambda it: _community(it.post.community),
    "thread": lambda it: _values(it.post.thread),
    "about": lambda it: _values(it.post.about, it.post.about_name),
    "publisher": lambda it: _publisher(it.post.publisher),
    "format": lambda it: _values(it.post.format),
}


def _pairs(sentiments: Iterable[tuple[str, Sentiment | None]]) -> frozenset[str]:
    """``price=negative``, as in the index."""
    return _values(*(f"{name}={read.label}" for name, read in sentiments if read))


def _sentiments(sentiments: Iterable[tuple[str, Sentiment | None]]) -> frozenset[str]:
    """Those towards anything, and towards each thing."""
    known = [(name, read) for name, read in sentiments if read]
    return _values(*(read.label for _, read in known if read)) | _pairs(known)


def _community(community: Community | None) -> frozenset[str]:
    return _values(community.id, community.name) if community else frozenset()


def _publisher(publisher: Publisher | None) -> frozenset[str]:
    return _values(publisher.name, publisher.domain) if publisher else frozenset()


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()

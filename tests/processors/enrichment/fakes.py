"""Cheap annotators and posts for the tests of what strings annotators together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import Annotator
from schemas.brand import Brand
from schemas.mention import Entity, Language, Mention
from schemas.post import Author, Post, PostDelete, PostErasure, PostEvent, PostUpsert

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENRICHED = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
MATCHER = BrandMatcher([Brand(id="velmora", name="Velmora"), Brand(id="zephalia", name="Zephalia")])


class Poison(Exception):
    """What an annotator with a bug raises."""


@dataclass
class Initials(Annotator):
    """A light annotator: the language is the text's first letter. Remembers what it was given."""

    name: str = "initials"
    version: str = "1"
    heavy: bool = False
    seen: list[str] = field(default_factory=list)

    def annotate(self, batch: Sequence[Mention]) -> None:
        self.seen += [mention.post.id for mention in batch]
        for mention in batch:
            mention.language = Language(code=mention.post.text[:1] or "und", confidence=1)


@dataclass
class Loudness(Annotator):
    """A heavy annotator: the whole text is an organisation. Remembers what it was given."""

    name: str = "loudness"
    version: str = "2"
    heavy: bool = True
    seen: list[str] = field(default_factory=list)

    def annotate(self, batch: Sequence[Mention]) -> None:
        self.seen += [mention.post.id for mention in batch]
        for mention in batch:
            text = mention.post.text
            mention.entities = [Entity(text=text, label="ORG", start=0, end=len(text))]


@dataclass
class Fragile(Annotator):
    """Cannot take a text that holds the word; does half of its batch before it notices."""

    word: str = "poison"
    name: str = "fragile"
    version: str = "3"
    heavy: bool = False

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            if self.word in mention.post.text:
                raise Poison(f"cannot take {mention.post.id}")
            mention.language = Language(code="xx", confidence=0.5)


def mention(text: str, code: str | None = None, confidence: float = 1, **post: Any) -> Mention:
    """A post of that text and these fields, in a language of that code."""
    return Mention(
        post=Post(id="x:1", source="x", author=Author(id="1"), text=text, created_at=AT, **post),
        language=Language(code=code, confidence=confidence) if code else None,
    )


def upsert(number: int, text: str, edited: bool = False, version: int | None = None) -> PostEvent:
    """Post ``number`` of an author of its own."""
    post = Post(
        id=f"x:{number}",
        source="x",
        author=Author(id=str(number), followers=number),
        text=text,
        created_at=AT,
        edited_at=AT if edited else None,
    )
    return PostUpsert(
        id=post.id,
        source="x",
        version=number if version is None else version,
        ingested_at=AT,
        post=post,
    )


def delete(number: int) -> PostEvent:
    return PostDelete(id=f"x:{number}", source="x", version=9, ingested_at=AT, created_at=AT)


def erase(author: str) -> PostEvent:
    return PostErasure(
        id=f"x:{author}",
        source="x",
        version=9,
        ingested_at=AT,
        author_id=author,
    )

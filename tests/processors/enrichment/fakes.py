"""Cheap annotators and posts for the tests of enrichment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import Annotator
from schemas.mention import Entity, Language, Mention
from schemas.post import Author, PostDelete, PostUpsert
from tests import make
from tests.make import AT

ENRICHED = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
MATCHER = BrandMatcher([make.brand("velmora"), make.brand("zephalia")])


class Poison(Exception): ...


@dataclass
class Initials(Annotator):
    """A light annotator: the language is the text's first letter. Records the posts it read."""

    name: str = "initials"
    version: str = "1"
    heavy: bool = False
    seen: list[str] = field(default_factory=list)

    def annotate(self, batch: Sequence[Mention]) -> None:
        self.seen += [mention.post.id for mention in batch]
        for mention in batch:
            mention.language = Language(code=mention.post.text[:1] or "und", confidence=1)


@dataclass
class Loudness(Initials):
    """A heavy annotator: the whole text is an organisation. Records the posts it read."""

    name: str = "loudness"
    version: str = "2"
    heavy: bool = True
    times: int = 1

    def annotate(self, batch: Sequence[Mention]) -> None:
        self.seen += [mention.post.id for mention in batch]
        for mention in batch:
            text = mention.post.text
            entity = Entity(text=text, label="ORG", start=0, end=len(text))
            mention.entities = [entity] * self.times


@dataclass
class Fragile(Initials):
    """Fails at a text with the word "poison", after half of its batch."""

    name: str = "fragile"
    version: str = "3"

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            if "poison" in mention.post.text:
                raise Poison(f"cannot take {mention.post.id}")
            mention.language = Language(code="xx", confidence=0.5)


def mention(text: str, code: str | None = None, confidence: float = 1, **post: Any) -> Mention:
    """A mention of the post x:1 with these fields, in a language of that code."""
    language = Language(code=code, confidence=confidence) if code else None
    return Mention(post=make.post(text, author="1", **{"id": "x:1", **post}), language=language)


def upsert(number: int, text: str, edited: bool = False, version: int | None = None) -> PostUpsert:
    """Post ``number``, by an author of its own."""
    author = Author(id=str(number), followers=number)
    edited_at = AT if edited else None
    post = make.post(text, id=f"x:{number}", author=author, edited_at=edited_at)
    return make.upsert(post, number if version is None else version)


def delete(number: int) -> PostDelete:
    return make.delete(f"x:{number}", version=9, created_at=AT)

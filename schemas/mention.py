"""A post with what the processors found in it, and the event on the ``mentions`` topic."""

from typing import Annotated

from msgspec import Meta, Struct, field

from schemas.post import Post
from schemas.types import EntityLabel, Offset, Op, Probability, Score, SentimentLabel, Time, Version


class Language(Struct, frozen=True, kw_only=True):
    """The language that the text is written in."""

    code: Annotated[str, Meta(description="ISO 639-1, or `und` when unsure.")]
    confidence: Probability


class Match(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place where a brand was named."""

    text: Annotated[str, Meta(description="The words, as published.")]
    field: Annotated[str, Meta(description="text, title or mentions.")] = "text"
    start: Offset | None = None
    end: Offset | None = None


class BrandMatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A brand that the post is about, and why we think so."""

    id: Annotated[str, Meta(description="Brand id.")]
    matches: list[Match] = field(default_factory=list)


class Entity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person, organisation, place, product or event named in the text."""

    text: str
    label: EntityLabel
    start: Offset
    end: Offset


class Sentiment(Struct, frozen=True, kw_only=True):
    """What the author feels, as three probabilities that sum to one."""

    label: SentimentLabel
    score: Annotated[Score, Meta(description="positive minus negative probability.")]
    negative: Probability
    neutral: Probability
    positive: Probability


class Mention(Struct, kw_only=True, omit_defaults=True):
    """A post and its annotations. Annotators fill it in place, each its own field."""

    post: Post
    language: Language | None = None
    brands: list[BrandMatch] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)
    sentiment: Sentiment | None = None
    provenance: Annotated[
        dict[str, str], Meta(description="Annotator to the version of it that ran.")
    ] = field(default_factory=dict)


class MentionEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one mention (topic ``mentions``, key: ``id``); mirrors ``PostEvent``."""

    op: Op
    id: Annotated[str, Meta(min_length=3, max_length=512)]
    source: Annotated[str, Meta(min_length=1, max_length=64)]
    version: Version
    ingested_at: Time
    enriched_at: Annotated[Time, Meta(description="When a processor was done with it.")]
    created_at: Time | None = None
    author_id: str | None = None
    mention: Annotated[Mention | None, Meta(description="On upserts only, and always.")] = None

    def __post_init__(self) -> None:
        if (self.op == "upsert") != (self.mention is not None):
            raise ValueError("an upsert carries a mention, and nothing else does")
        if self.mention is not None and self.mention.post.id != self.id:
            raise ValueError("the event and its post have different ids")
        if self.op == "erase_author" and not self.author_id:
            raise ValueError("erase_author needs author_id")

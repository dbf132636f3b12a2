"""A post with its annotations, and the event on the ``mentions`` topic."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from schemas.post import Change, Post
from schemas.types import (
    AccountAge,
    AspectLabel,
    AuthorId,
    Count,
    DuplicateGroup,
    DuplicateKeys,
    EmotionLabel,
    EntityLabel,
    IntentLabel,
    Message,
    Offset,
    Probability,
    Reach,
    Score,
    SentimentLabel,
    Tier,
    Time,
)


class Language(Message, kw_only=True):
    """The language of the text."""

    code: Annotated[str, Meta(description="ISO 639-1, or `und` when unsure.")]
    confidence: Probability


class Match(Message, kw_only=True):
    """One place that names a brand."""

    text: Annotated[str, Meta(description="The words as published.")]
    field: Annotated[str, Meta(description="text, title or mentions.")] = "text"
    start: Offset | None = None
    end: Offset | None = None


class Sentiment(Message, kw_only=True):
    """The author's sentiment, as three probabilities that sum to one."""

    label: SentimentLabel
    score: Annotated[Score, Meta(description="positive minus negative probability.")]
    negative: Probability
    neutral: Probability
    positive: Probability


class BrandMatch(Message, kw_only=True):
    """A brand that the post is about, with the evidence."""

    id: Annotated[str, Meta(description="Brand id.")]
    matches: list[Match] = []
    confidence: Annotated[
        Probability | None,
        Meta(description="That the words mean the brand; absent without examples."),
    ] = None
    sentiment: Annotated[
        Sentiment | None, Meta(description="Towards this brand; absent in the fast tier.")
    ] = None


class Entity(Message, kw_only=True):
    """A person, organisation, place, product or event named in the text."""

    text: str
    label: EntityLabel
    start: Offset
    end: Offset
    name: Annotated[str | None, Meta(description="Its usual name, if the gazetteer has it.")] = None
    id: Annotated[str | None, Meta(description="Id in the gazetteer, a Wikidata id if any.")] = None


class Aspect(Message, kw_only=True):
    """The subject of an opinion, and its words."""

    label: AspectLabel
    text: str
    start: Offset
    end: Offset
    sentiment: Annotated[
        Sentiment | None, Meta(description="Towards it; absent in the fast tier.")
    ] = None


class Emotion(Message, kw_only=True):
    """The strongest emotion of the text."""

    label: EmotionLabel
    confidence: Probability


class Flag(Message, kw_only=True):
    """Whether the text is of one kind, with the probability."""

    label: bool
    probability: Probability


class Target(Message, kw_only=True):
    """A name given on the command line, with the sentiment towards it (offline use)."""

    text: str
    sentiment: Sentiment | None = None


class Influence(Message, kw_only=True):
    """How far the post may spread, from the platform's counts."""

    reach: Reach = 0
    engagement: Annotated[
        Count, Meta(description="Likes, reposts, replies and quotes, 0 if unknown.")
    ] = 0
    amplified: Annotated[bool, Meta(description="A repost of another author's words.")] = False
    account_age_days: AccountAge = None


class Mention(Struct, kw_only=True, omit_defaults=True):
    """A post and its annotations; each annotator fills its own fields in place."""

    post: Post
    language: Language | None = None
    brands: list[BrandMatch] = []
    entities: list[Entity] = []
    sentiment: Sentiment | None = None
    aspects: list[Aspect] = []
    intents: list[IntentLabel] = []
    emotion: Emotion | None = None
    irony: Flag | None = None
    toxicity: Flag | None = None
    targets: list[Target] = []
    duplicate_group: DuplicateGroup = None
    duplicate_keys: DuplicateKeys = []
    influence: Influence | None = None
    tier: Annotated[Tier | None, Meta(description="The models that read it.")] = None
    provenance: Annotated[dict[str, str], Meta(description="Annotator to its version.")] = {}


EnrichedAt = Annotated[Time, Meta(description="When the processor finished it.")]


class MentionUpsert(Change, kw_only=True, tag="upsert"):
    """A new or changed mention, whole."""

    enriched_at: EnrichedAt
    mention: Mention

    def __post_init__(self) -> None:
        if self.mention.post.id != self.id:
            raise ValueError("the event and its post have different ids")


class MentionDelete(Change, kw_only=True, tag="delete"):
    """A post was deleted, or names no brand after an edit.

    Version 0 deletes nothing: a state of the post is a dead letter, so a later delete must be kept
    for its replay.
    """

    enriched_at: EnrichedAt
    created_at: Annotated[Time | None, Meta(description="The post's event time, if known.")] = None
    unmatched: Annotated[
        bool, Meta(description="The post exists and names no brand in this version.")
    ] = False
    edited: Annotated[
        bool, Meta(description="With `unmatched`: an edit, so an earlier version may still come.")
    ] = False


class MentionErasure(Change, kw_only=True, tag="erase_author"):
    """An account was deleted, with its posts up to ``version``; ``id``: `source:author id`."""

    enriched_at: EnrichedAt
    author_id: AuthorId


MentionEvent: TypeAlias = MentionUpsert | MentionDelete | MentionErasure
"""One change of one mention (topic ``mentions``), tagged by ``op``; mirrors ``PostEvent``."""

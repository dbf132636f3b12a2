"""A post with what the processors found in it, and the event on the ``mentions`` topic."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from schemas.post import Change, Post
from schemas.types import (
    AspectLabel,
    Count,
    EmotionLabel,
    EntityLabel,
    IntentLabel,
    Message,
    Offset,
    Probability,
    Score,
    SentimentLabel,
    Tier,
    Time,
)


class Language(Message, kw_only=True):
    """The language that the text is written in."""

    code: Annotated[str, Meta(description="ISO 639-1, or `und` when unsure.")]
    confidence: Probability


class Match(Message, kw_only=True):
    """One place where a brand was named."""

    text: Annotated[str, Meta(description="The words, as published.")]
    field: Annotated[str, Meta(description="text, title or mentions.")] = "text"
    start: Offset | None = None
    end: Offset | None = None


class Sentiment(Message, kw_only=True):
    """What the author feels, as three probabilities that sum to one."""

    label: SentimentLabel
    score: Annotated[Score, Meta(description="positive minus negative probability.")]
    negative: Probability
    neutral: Probability
    positive: Probability


class BrandMatch(Message, kw_only=True):
    """A brand that the post is about, and why we think so."""

    id: Annotated[str, Meta(description="Brand id.")]
    matches: list[Match] = []
    confidence: Annotated[
        Probability | None,
        Meta(description="That the words mean the brand; absent where nobody taught it."),
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
    name: Annotated[str | None, Meta(description="Its usual name, where the gazetteer has it.")] = (
        None
    )
    id: Annotated[str | None, Meta(description="Id in the gazetteer, a Wikidata id if any.")] = None


class Aspect(Message, kw_only=True):
    """What an opinion is about, and the words that say so."""

    label: AspectLabel
    text: str
    start: Offset
    end: Offset
    sentiment: Annotated[
        Sentiment | None, Meta(description="Towards it; absent in the fast tier.")
    ] = None


class Emotion(Message, kw_only=True):
    """The emotion that the text shows most."""

    label: EmotionLabel
    confidence: Probability


class Flag(Message, kw_only=True):
    """Whether a text is of one kind, and how sure that is."""

    label: bool
    probability: Probability


class Target(Message, kw_only=True):
    """Something that somebody asked the sentiment towards (offline use)."""

    text: str
    sentiment: Sentiment | None = None


class Influence(Message, kw_only=True):
    """How far the post may carry, from what the platform said of it."""

    reach: Annotated[Count, Meta(description="Followers of the author, 0 if unknown.")] = 0
    engagement: Annotated[
        Count, Meta(description="Likes, reposts, replies and quotes, 0 if unknown.")
    ] = 0
    amplified: Annotated[bool, Meta(description="A repost: somebody else's words.")] = False
    account_age_days: Annotated[
        Count | None, Meta(description="Age of the account when it posted, if known.")
    ] = None


class Mention(Struct, kw_only=True, omit_defaults=True):
    """A post and its annotations. Annotators fill it in place, each its own field."""

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
    duplicate_group: Annotated[
        str | None, Meta(description="Equal for copies of one text, whatever links they carry.")
    ] = None
    duplicate_keys: Annotated[
        list[str],
        Meta(description="Light edits of one text share at least one of these (locality hashes)."),
    ] = []
    influence: Influence | None = None
    tier: Annotated[Tier | None, Meta(description="Which models read it.")] = None
    provenance: Annotated[
        dict[str, str], Meta(description="Annotator to the version of it that ran.")
    ] = {}


EnrichedAt = Annotated[Time, Meta(description="When a processor was done with it.")]


class MentionUpsert(Change, kw_only=True, tag="upsert"):
    """A mention is new or changed: the whole mention."""

    enriched_at: EnrichedAt
    mention: Mention

    def __post_init__(self) -> None:
        if self.mention.post.id != self.id:
            raise ValueError("the event and its post have different ids")


class MentionDelete(Change, kw_only=True, tag="delete"):
    """A post is gone, or names no brand since an edit."""

    enriched_at: EnrichedAt
    created_at: Annotated[
        Time | None, Meta(description="The post's event time, where it is known.")
    ] = None


class MentionErasure(Change, kw_only=True, tag="erase_author"):
    """An account is gone, with all that it wrote up to ``version``; ``id``: `source:author id`."""

    enriched_at: EnrichedAt
    author_id: Annotated[str, Meta(min_length=1, description="Whose posts go.")]


MentionEvent: TypeAlias = MentionUpsert | MentionDelete | MentionErasure
"""One change of one mention (topic ``mentions``), told by ``op``; mirrors ``PostEvent``."""

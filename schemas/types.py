"""What the messages share: their base, and the scalar types of times, counts and scores."""

from datetime import datetime
from typing import Annotated, Literal, dataclass_transform

from msgspec import Meta, Struct, field


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Message(Struct, frozen=True, omit_defaults=True):
    """Base of every type on a topic: immutable, with defaults left out of the JSON.

    A subclass says ``kw_only=True`` itself: msgspec does not inherit that.
    """


Time = Annotated[datetime, Meta(tz=True, description="RFC 3339 time with an offset, in UTC.")]
"""An instant. A time without an offset is refused: nobody can say when it was."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
"""A number of things. The limit is what JSON readers and Elasticsearch ``long`` agree on."""

Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Microseconds since 1970 that order the states of one post; a higher version wins."""

Probability = Annotated[float, Meta(ge=0, le=1)]
Score = Annotated[float, Meta(ge=-1, le=1)]
Offset = Annotated[int, Meta(ge=0, description="Unicode code points into the published text.")]

Op = Literal["upsert", "delete", "erase_author"]
"""What an event does: write the post, take it away, or take away all that its author wrote."""

Kind = Literal["original", "reply", "repost", "quote"]
EntityLabel = Literal["PERSON", "ORG", "LOC", "PRODUCT", "EVENT"]
SentimentLabel = Literal["negative", "neutral", "positive"]

IntentLabel = Literal[
    "complaint", "question", "request", "praise", "threat_to_leave", "purchase_intent", "crisis"
]
"""What the author wants; ``crisis``: a term of the crisis lexicon is in the text."""

EmotionLabel = Literal["anger", "fear", "joy", "sadness", "optimism", "none"]

AspectLabel = Literal[
    "price", "delay", "service", "quality", "safety", "ethics", "availability", "delivery",
    "usability", "security", "environment", "staff", "information", "other",
]  # fmt: skip
"""What an opinion is about; ``other`` for a phrase that belongs to none of the named ones."""

Tier = Literal["fast", "accurate"]
"""``fast`` models read every post; ``accurate`` ones only posts that match a brand."""

"""The base of the messages, and their scalar types and labels."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, dataclass_transform

from msgspec import Meta, Struct, field


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Message(Struct, frozen=True, omit_defaults=True):
    """Base of every type on a topic: immutable, without defaults in the JSON.

    A subclass sets ``kw_only=True`` itself: msgspec does not inherit it.
    """


JsonObject: TypeAlias = dict[str, Any]
"""A JSON object whose shape another system defines, such as Elasticsearch."""

Time = Annotated[datetime, Meta(tz=True, description="RFC 3339 time with an offset, in UTC.")]
"""An instant. A time without an offset is refused as ambiguous."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
"""The limit is the largest integer that every JSON reader keeps exact."""

SignedCount = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""A count that others can vote down, so it may be negative."""

Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Microseconds since 1970 that order the states of one post; a higher version wins."""

AuthorId = Annotated[str, Meta(min_length=1, description="The deleted account.")]
DuplicateGroup = Annotated[
    str | None, Meta(description="Equal for copies of one text, whatever their links.")
]
DuplicateKeys = Annotated[
    list[str],
    Meta(description="Light edits of one text share at least one of these (locality hashes)."),
]
Reach = Annotated[Count, Meta(description="Followers of the author, 0 if unknown.")]
AccountAge = Annotated[
    Count | None, Meta(description="Age of the account when it posted, if known.")
]

Probability = Annotated[float, Meta(ge=0, le=1)]
Score = Annotated[float, Meta(ge=-1, le=1)]
Offset = Annotated[int, Meta(ge=0, description="Unicode code points into the published text.")]

Op = Literal["upsert", "delete", "erase_author"]

Kind = Literal["original", "reply", "repost", "quote"]
Format = Literal[
    "post", "comment", "review", "article", "video", "episode", "message", "mail", "edit"
]
"""The form of a publication; ``edit``: a change of a page that many write, such as of a wiki."""
EntityLabel = Literal["PERSON", "ORG", "LOC", "PRODUCT", "EVENT"]
SentimentLabel = Literal["negative", "neutral", "positive"]

IntentLabel = Literal[
    "complaint", "question", "request", "praise", "threat_to_leave", "purchase_intent", "crisis"
]
"""The author's intent; ``crisis``: the text has a term of the crisis lexicon."""

EmotionLabel = Literal["anger", "fear", "joy", "sadness", "optimism", "none"]

AspectLabel = Literal[
    "price", "delay", "service", "quality", "safety", "ethics", "availability", "delivery",
    "usability", "security", "environment", "staff", "information", "other",
]  # fmt: skip
"""The subject of an opinion."""

Tier = Literal["fast", "accurate"]
"""``fast`` models read every post; ``accurate`` ones only posts that match a brand."""

"""One slim record per brand per mention: all that the detectors need, and no whole text."""

from typing import Annotated

from msgspec import Meta

from schemas.types import (
    Count,
    EmotionLabel,
    IntentLabel,
    Kind,
    Message,
    Score,
    SentimentLabel,
    Time,
    Version,
)

MAX_TERMS = 24
"""Terms of one record; a post of a thousand hashtags has its first."""
MAX_ENTITIES = 12


class Activity(Message, kw_only=True):
    """That a brand was mentioned (topic ``activity``, key: ``brand``).

    ``(brand, post_id)`` names the record and ``version`` orders its states: a redelivery or an
    edit replaces, it does not count twice.
    """

    brand: Annotated[str, Meta(min_length=1, description="Brand id.")]
    post_id: str
    version: Version
    at: Annotated[Time, Meta(description="Event time of the post.")]
    ingested_at: Time
    source: str
    author: Annotated[str, Meta(description="64-bit hash of `source:author id`, hexadecimal.")]
    kind: Kind = "original"
    sentiment: SentimentLabel | None = None
    score: Score | None = None
    reach: Annotated[Count, Meta(description="Followers of the author, 0 if unknown.")] = 0
    language: str | None = None
    country: str | None = None
    duplicate_group: Annotated[
        str | None, Meta(description="Equal for copies of one text, whatever links they carry.")
    ] = None
    duplicate_keys: Annotated[
        list[str],
        Meta(description="Light edits of one text share at least one of these (locality hashes)."),
    ] = []
    intents: list[IntentLabel] = []
    emotion: EmotionLabel | None = None
    account_age_days: Annotated[
        Count | None, Meta(description="Age of the account when it posted, if known.")
    ] = None
    url: Annotated[str | None, Meta(description="Of the post, for the evidence of an alert.")] = (
        None
    )
    terms: Annotated[
        list[str],
        Meta(
            max_length=MAX_TERMS,
            description="What it is about: #hashtags, links, rarer words.",
        ),
    ] = []
    entities: Annotated[
        list[str],
        Meta(
            max_length=MAX_ENTITIES,
            description="Whom and what it names, by the usual name where it is known.",
        ),
    ] = []

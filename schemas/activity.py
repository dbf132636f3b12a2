"""One small record per brand and mention: what the detectors need, without the text."""

from typing import Annotated

from msgspec import Meta

from schemas.types import (
    AccountAge,
    DuplicateGroup,
    DuplicateKeys,
    EmotionLabel,
    IntentLabel,
    Kind,
    Message,
    Reach,
    Score,
    SentimentLabel,
    Time,
    Version,
)

MAX_TERMS = 24
MAX_ENTITIES = 12


class Activity(Message, kw_only=True):
    """One mention of a brand (topic ``activity``, key: ``brand``).

    ``(brand, post_id)`` identifies the record and ``version`` orders its states: a redelivery or an
    edit replaces it and does not count twice.
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
    reach: Reach = 0
    language: str | None = None
    country: str | None = None
    duplicate_group: DuplicateGroup = None
    duplicate_keys: DuplicateKeys = []
    intents: list[IntentLabel] = []
    emotion: EmotionLabel | None = None
    account_age_days: AccountAge = None
    url: Annotated[
        str | None, Meta(description="URL of the post, for the evidence of an alert.")
    ] = None
    terms: Annotated[
        list[str],
        Meta(
            max_length=MAX_TERMS,
            description="Topics of the post: #hashtags, links, rarer words.",
        ),
    ] = []
    entities: Annotated[
        list[str],
        Meta(
            max_length=MAX_ENTITIES,
            description="Named entities, by their usual name if it is known.",
        ),
    ] = []

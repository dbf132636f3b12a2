"""From a mention event to the bytes of one bulk operation. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from queries.elasticsearch.index_fields import query_fields
from queries.matching.document import Document
from schemas.bounds import plausible
from schemas.ids import time_of
from schemas.mention import MentionDelete, MentionUpsert, Sentiment
from sinks.elasticsearch.mappings import IndexNames

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Operation:
    """One document to write under an external version."""

    id: str
    index: str
    version: int
    document: bytes
    deletes: bool = False

    def lines(self) -> bytes:
        """The two lines of the bulk body, without the last line's end."""
        action = {
            "_index": self.index,
            "_id": self.id,
            "version": self.version,
            "version_type": "external_gte",
        }
        return _encode({"index": action}) + b"\n" + self.document


def month_of(event: MentionUpsert | MentionDelete) -> datetime | None:
    """The event time that decides the index, or None for a delete that does not know it.

    The time that the platform wrote into the id comes first, since a delete has it too; but only
    where it is believable, since some clients make their ids up. A later event of the same post may
    judge that otherwise: for ids that clients make, this is a guess, and deletes search as well.
    """
    encoded = time_of(event.id)
    if encoded is not None and plausible(encoded, event.ingested_at):
        return encoded
    if isinstance(event, MentionUpsert):
        return event.mention.post.created_at
    return event.created_at


def upsert(event: MentionUpsert, names: IndexNames) -> Operation:
    """What is written for an upsert."""
    when = month_of(event) or event.mention.post.created_at
    return Operation(event.id, names.mentions_of(when), event.version, _encode(document(event)))


def tombstone(id_: str, source: str, version: int, index: str, deleted_at: datetime) -> Operation:
    """What is left of a deleted post: enough to refuse an older state of it, and no more."""
    body = {"id": id_, "source": source, "version": version, "deleted_at": deleted_at}
    return Operation(id_, index, version, _encode(body), deletes=True)


def document(event: MentionUpsert) -> dict[str, Any]:
    """The document, flat where analysts filter and aggregate; absent values are left out."""
    mention, post = event.mention, event.mention.post
    fields: dict[str, Any] = {
        "id": post.id,
        "source": post.source,
        "version": event.version,
        "kind": post.kind,
        "url": post.url,
        "author": post.author,
        "title": post.title,
        "text": post.text,
        "created_at": post.created_at,
        "edited_at": post.edited_at,
        "claimed_at": post.claimed_at,
        "ingested_at": event.ingested_at,
        "enriched_at": event.enriched_at,
        "brands": [match.id for match in mention.brands],
        "brand_matches": mention.brands,
        "brand_sentiment": _pairs((brand.id, brand.sentiment) for brand in mention.brands),
        "entities": mention.entities,
        "sentiment": mention.sentiment,
        "aspects": mention.aspects,
        "aspect_sentiment": _pairs((aspect.label, aspect.sentiment) for aspect in mention.aspects),
        "intents": mention.intents,
        "emotion": mention.emotion,
        "irony": mention.irony,
        "toxicity": mention.toxicity,
        "targets": mention.targets,
        "duplicate_group": mention.duplicate_group,
        "duplicate_keys": mention.duplicate_keys,
        "influence": mention.influence,
        "tier": mention.tier,
        "hashtags": post.hashtags,
        "mentions": post.mentions,
        "links": post.links,
        "media": post.media,
        "place": post.place,
        "country": post.country,
        "reply_to": post.reply_to,
        "repost_of": post.repost_of,
        "quote_of": post.quote_of,
        "metrics": post.metrics,
        "labels": [f"{key}={value}" for key, value in post.labels.items()],
        "provenance": mention.provenance,
        **query_fields(Document(mention)),
    }
    if mention.language is not None:
        fields["language"] = mention.language.code
        fields["language_confidence"] = mention.language.confidence
    if post.truncated:
        fields["truncated"] = True
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _pairs(found: Iterable[tuple[str, Sentiment | None]]) -> list[str]:
    """``velmora=negative``: one term that keeps together what a flat object would not."""
    return sorted({f"{name}={of.label}" for name, of in found if of is not None})

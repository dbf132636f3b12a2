"""Mention events for the tests of the sink."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from runtime.settings import ElasticsearchSettings
from schemas.codec import MENTION_EVENT
from schemas.mention import Mention, MentionDelete, MentionErasure, MentionEvent, MentionUpsert
from schemas.post import Author, Post
from sinks.elasticsearch.documents import Operation
from sinks.elasticsearch.mappings import IndexNames

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
NAMES = IndexNames(ElasticsearchSettings())
INDEX = "tocsin-mentions-2026.01"
SNOWFLAKE = "x:1541815603606036480"
"""Made in June 2022."""


def upsert(
    id_: str = "file:1", version: int = 1, created_at: datetime = AT, **fields: Any
) -> MentionEvent:
    source = id_.partition(":")[0]
    post_fields: dict[str, Any] = {"author": Author(id="17"), "text": "Velmora en panne", **fields}
    post = Post(id=id_, source=source, created_at=created_at, **post_fields)
    return MentionUpsert(
        id=id_,
        source=source,
        version=version,
        ingested_at=AT,
        enriched_at=LATER,
        mention=Mention(post=post),
    )


def delete(
    id_: str = "file:1", version: int = 2, created_at: datetime | None = None
) -> MentionEvent:
    return MentionDelete(
        id=id_,
        source=id_.partition(":")[0],
        version=version,
        ingested_at=AT,
        enriched_at=LATER,
        created_at=created_at,
    )


def erase(author: str = "17", version: int = 9, source: str = "file") -> MentionEvent:
    return MentionErasure(
        id=f"{source}:{author}",
        source=source,
        version=version,
        ingested_at=AT,
        enriched_at=LATER,
        author_id=author,
    )


def record(event: MentionEvent | bytes | None) -> Any:
    """As kafka-python gives it, as far as the plan looks."""
    value = MENTION_EVENT.encode(event) if isinstance(event, MentionEvent) else event
    return SimpleNamespace(value=value, key=b"key")


def operation(id_: str, version: int = 1, index: str = INDEX, size: int = 0) -> Operation:
    return Operation(id_, index, version, b'{"id":"%s","pad":"%s"}' % (id_.encode(), b"x" * size))

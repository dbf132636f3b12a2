"""Mention events for the tests of the sink."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from runtime.settings import ElasticsearchSettings
from schemas.codec import MENTION_EVENT
from schemas.mention import MentionEvent
from sinks.elasticsearch.documents import Operation
from sinks.elasticsearch.indices.mappings import IndexNames
from tests import make
from tests.make import AT

LATER = AT + timedelta(seconds=1)
NAMES = IndexNames(ElasticsearchSettings())
INDEX = "tocsin-mentions-2026.01"
SNOWFLAKE = "x:1541815603606036480"
"""Made in June 2022."""


def upsert(id_: str = "file:1", version: int = 1, **fields: Any) -> MentionEvent:
    return make.enriched(make.mention(make.post(id=id_, **fields)), version)


def delete(
    id_: str = "file:1", version: int = 2, created_at: datetime | None = None
) -> MentionEvent:
    return make.enriched(make.delete(id_, version, created_at))


def erase(author: str = "17", version: int = 9, source: str = "file") -> MentionEvent:
    return make.enriched(make.erase(author, version, source))


def record(event: MentionEvent | bytes | None) -> Any:
    """As kafka-python gives it, as far as the plan looks."""
    value = MENTION_EVENT.encode(event) if isinstance(event, MentionEvent) else event
    return SimpleNamespace(value=value, key=b"key")


def operation(id_: str, version: int = 1, index: str = INDEX, size: int = 0) -> Operation:
    return Operation(id_, index, version, b'{"id":"%s","pad":"%s"}' % (id_.encode(), b"x" * size))

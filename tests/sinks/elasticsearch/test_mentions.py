"""What is read back from the index makes the records that the stream made."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings

from processors.enrichment.activity_records import activity_of
from schemas.mention import MentionEvent, MentionUpsert
from sinks.elasticsearch.documents import document
from sinks.elasticsearch.mentions import mention_event_of
from tests.strategies import MENTION_EVENTS


@given(
    MENTION_EVENTS.filter(lambda event: isinstance(event, MentionUpsert) and event.mention.brands)
)
@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
def test_a_document_gives_the_activity_of_its_event(event: MentionEvent) -> None:
    assert isinstance(event, MentionUpsert)
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document(event)))
    read = mention_event_of(kept)
    assert isinstance(read, MentionUpsert)
    assert (read.id, read.version, read.mention.post.text) == (
        event.id, event.version, event.mention.post.text
    )  # fmt: skip
    assert activity_of(read.version, read.ingested_at, read.mention) == activity_of(
        event.version, event.ingested_at, event.mention
    )

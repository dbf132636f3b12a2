"""A message that could not be handled, kept whole with the reason, so that it can be replayed."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.types import Count, Message, Time

Reason = Literal[
    "invalid_json",  # not JSON, or not UTF-8
    "invalid_message",  # JSON, but not what the topic's schema says
    "unreadable_post",  # a source delivered what its reader does not understand
    "too_large",  # over what a topic takes
    "enrich_failed",  # an annotator failed on this one message
    "index_rejected",  # Elasticsearch refused the document for what it holds
    "delivery_rejected",  # a channel refused an alert, and would refuse it again
]
"""Why a message was given up; a closed list, since it is a metric label."""


class DeadLetter(Message, kw_only=True):
    """One message given up (topic ``dead-letters``, key: the original key)."""

    service: Annotated[str, Meta(description="Who gave up: ingest, process, sink.")]
    reason: Reason
    detail: Annotated[str, Meta(description="One sentence for a person.")]
    at: Time
    payload: Annotated[bytes, Meta(description="The message as it was, base64 in JSON.")]
    key: bytes | None = None
    topic: Annotated[str | None, Meta(description="Where it was read; None: from a source.")] = None
    partition: Count | None = None
    offset: Count | None = None
    source: Annotated[str | None, Meta(description="Source id, when an ingestor gave up.")] = None
    replays: Annotated[Count, Meta(description="How often it was replayed before.")] = 0

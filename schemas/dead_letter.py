"""A message that could not be handled, with the reason, for a later replay."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.types import Count, Message, Time

Reason = Literal[
    "invalid_json",  # not JSON, or not UTF-8
    "invalid_message",  # JSON, but not of the topic's schema
    "unreadable_post",  # a source cannot read what its platform delivered
    "too_large",  # over the topic's limit
    "enrich_failed",  # an annotator failed on this one message
    "index_rejected",  # Elasticsearch refused the content of the document
    "delivery_rejected",  # a channel refused an alert for good
    "too_slow",  # over the processor time that one message may cost
    "detect_failed",  # the detector failed on this one record
    "index_blocked",  # the index of its month takes no writes, while others do
]
"""Why a message is a dead letter; a closed list, since it is a metric label."""


class DeadLetter(Message, kw_only=True):
    """One message that a service could not handle (topic ``dead-letters``, key: its own key)."""

    service: Annotated[str, Meta(description="The service: ingest, process, sink.")]
    reason: Reason
    detail: Annotated[str, Meta(description="One sentence for a person.")]
    at: Time
    payload: Annotated[bytes, Meta(description="The original message, base64 in JSON.")]
    key: bytes | None = None
    topic: Annotated[str | None, Meta(description="Topic of the message; None: a source.")] = None
    partition: Count | None = None
    offset: Count | None = None
    source: Annotated[str | None, Meta(description="Source id, if the service is ingest.")] = None
    replays: Annotated[Count, Meta(description="Number of earlier replays.")] = 0
    first_at: Annotated[
        Time | None, Meta(description="Time of its first letter, if it was replayed since.")
    ] = None

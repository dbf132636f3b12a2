"""Building dead letters: the message whole, where it came from, and why it was given up."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from runtime.kafka.protocols import Record
from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter, Reason

TOPIC = "dead-letters"
MAX_PAYLOAD_BYTES = 2_900_000
"""Fits the topic's 4 MiB in base64. No topic takes larger messages, so only a source's can be."""
MAX_DETAIL = 500

REPLAYS_HEADER = "tocsin-replays"
"""Kafka header on a replayed message: how often it was replayed, as decimal digits."""


def dead_letter(
    *,
    service: str,
    reason: Reason,
    detail: str,
    payload: bytes,
    at: datetime,
    key: bytes | None = None,
    topic: str | None = None,
    partition: int | None = None,
    offset: int | None = None,
    source: str | None = None,
    replays: int = 0,
) -> bytes:
    """The encoded letter. Never fails: it is what is done when something else did."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        detail = f"{detail} (payload cut from {len(payload)} bytes)"
        payload = payload[:MAX_PAYLOAD_BYTES]
    safe = _writable(detail)
    return DEAD_LETTER.encode(
        DeadLetter(
            service=service,
            reason=reason,
            detail=safe if len(safe) <= MAX_DETAIL else safe[: MAX_DETAIL - 1] + "…",
            payload=payload,
            at=at,
            key=key,
            topic=topic,
            partition=partition,
            offset=offset,
            source=None if source is None else _writable(source),
            replays=replays,
        )
    )


def dead_letter_of(
    record: Record, *, service: str, reason: Reason, detail: str, at: datetime
) -> bytes:
    """The encoded letter of a record that was read from Kafka."""
    return dead_letter(
        service=service,
        reason=reason,
        detail=detail,
        payload=record.value or b"",
        at=at,
        key=record.key,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        replays=replays_of(record.headers),
    )


def _writable(text: str) -> str:
    """The text without lone surrogates, which JSON cannot hold (a file's name may have them)."""
    return text.encode("utf-8", "backslashreplace").decode()


def replays_of(headers: object) -> int:
    """How often a message with these Kafka headers was replayed before."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    if not isinstance(pairs, Iterable):
        return 0
    for name, value in pairs:
        if name == REPLAYS_HEADER and isinstance(value, bytes) and value.isdigit():
            return int(value[:6])
    return 0

"""Sends events and dead letters, and finds what takes the place of a message that Kafka refuses.

Kafka takes no message over the limits of its topic and of itself, which others may have set lower
than our registry. Such an event becomes a letter, and such a letter is cut, so that one message
never stops its source.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kafka.errors import InvalidRecordError, MessageSizeTooLargeError, RecordListTooLargeError
from msgspec.structs import replace

from ingestors.source import Unreadable
from runtime import metrics
from runtime.clock import Clock
from runtime.kafka.client import told
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.dead_letters import encode_dead_letter
from runtime.logs import get_logger
from schemas.codec import POST_EVENT
from schemas.dead_letter import DeadLetter, Reason
from schemas.errors import InvalidMessage, ServiceUnavailable
from schemas.post import PostEvent
from schemas.topic_registry import topics

_FRAMING = 4_096
"""Kafka's own bytes around a message."""
MAX_EVENT_BYTES = topics()["posts"].max_message_bytes - _FRAMING
"""Limit of the posts topic, unless Kafka has a lower one."""
MIN_PAYLOAD_BYTES = 1_024
"""A letter that Kafka calls too large is sent again with half of its payload, down to this."""
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_OF_THE_MESSAGE = (*_TOO_LARGE, InvalidRecordError)
"""What Kafka says of one message, and would say again; all else needs a person or time."""
_CUT = " (payload cut further: Kafka takes no larger letter)"
_MAX_DETAIL = 300
Produce = Callable[[str, bytes | None, bytes], Any]
"""Sends a value with a key to a topic; returns the future of its acknowledgement."""
log = get_logger("ingest")


@dataclass(slots=True)
class Message:
    """One message in flight: an event, or the letter in its place."""

    future: Any
    data: bytes
    letter: DeadLetter | None = None


class Sender:
    """Sends what one source reads; ``produce`` waits while Kafka is away.

    ``limits``: topic to the bytes of the largest message that Kafka takes, where it is known.
    """

    def __init__(
        self,
        source_id: str,
        produce: Produce,
        clock: Clock,
        limits: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._source_id = source_id
        self._produce = produce
        self._clock = clock
        known = {topic: limit - _FRAMING for topic, limit in limits.items()}
        self._max_event = min(MAX_EVENT_BYTES, known.get("posts", MAX_EVENT_BYTES))
        self._max_letter = known.get(DEAD_LETTERS)

    def event(self, event: PostEvent) -> Message:
        try:
            data = POST_EVENT.encode(event)
        except InvalidMessage as error:
            payload = repr(event).encode("utf-8", "backslashreplace")
            return self._letter(payload, "unreadable_post", error.detail)
        key = event.id.encode()
        size = len(key) + len(data)
        if size > self._max_event:
            detail = f"it is {size} bytes; the topic takes at most {self._max_event}"
            return self._letter(data, "too_large", detail)
        try:
            return Message(self._produce("posts", key, data), data)
        except _OF_THE_MESSAGE as error:
            return self._give_up(data, error)

    def unreadable(self, item: Unreadable) -> Message:
        metrics.INGEST_UNREADABLE.labels(self._source_id).inc()
        return self._letter(item.payload, "unreadable_post", item.detail)

    def instead_of(self, message: Message) -> Message:
        """What takes the place of a message that Kafka refused, or ServiceUnavailable."""
        error, letter = message.future.exception, message.letter
        if letter is None and isinstance(error, _OF_THE_MESSAGE):
            return self._give_up(message.data, error)
        if letter is not None and isinstance(error, _TOO_LARGE):
            shorter = _shorter(letter)
            if shorter is not None:
                return self._send(shorter)
        raise ServiceUnavailable(
            f"Kafka refused an event ({told(error)}); the checkpoint stays before it; restart once "
            "Kafka is healthy"
        )

    def _give_up(self, data: bytes, error: BaseException) -> Message:
        """The letter of an event that Kafka refuses for what it is."""
        detail = f"Kafka does not take it ({len(data)} bytes): {told(error)}"
        log.warning("an event is given up", source=self._source_id, why=detail)
        reason: Reason = "too_large" if isinstance(error, _TOO_LARGE) else "unreadable_post"
        return self._letter(data, reason, detail)

    def _letter(self, payload: bytes, reason: Reason, detail: str) -> Message:
        metrics.DEAD_LETTERS.labels("ingest", reason).inc()
        return self._send(
            DeadLetter(
                service="ingest",
                reason=reason,
                detail=detail,
                payload=payload,
                at=self._clock(),
                source=self._source_id,
            )
        )

    def _send(self, letter: DeadLetter) -> Message:
        """Send a letter; with ever less of its payload, if the producer calls it too large."""
        while True:
            data = encode_dead_letter(letter)
            shorter = _shorter(letter)
            if (
                shorter is not None
                and self._max_letter is not None
                and len(data) > self._max_letter
            ):
                letter = shorter
                continue
            try:
                return Message(self._produce(DEAD_LETTERS, None, data), b"", letter)
            except _TOO_LARGE:
                if shorter is None:
                    raise
                letter = shorter


def _shorter(letter: DeadLetter) -> DeadLetter | None:
    """The letter with half of its payload, which its detail tells; None if little is left."""
    if len(letter.payload) <= MIN_PAYLOAD_BYTES:
        return None
    detail = letter.detail.removesuffix(_CUT)[:_MAX_DETAIL] + _CUT
    return replace(letter, payload=letter.payload[: len(letter.payload) // 2], detail=detail)

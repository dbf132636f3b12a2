"""Encodes and decodes messages: one codec a type, built once.

A codec raises only :class:`schemas.errors.InvalidMessage`, with the reason for a dead letter.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.checkpoint import Checkpoint
from schemas.coverage import CoverageInterval
from schemas.dead_letter import DeadLetter
from schemas.delivery import AlertDelivery
from schemas.detector_state import DetectorSnapshot
from schemas.errors import InvalidMessage
from schemas.mention import MentionEvent
from schemas.post import PostEvent

T = TypeVar("T", bound=msgspec.Struct)


class Codec(Generic[T]):
    """JSON of one message type or tagged union. Unknown fields are ignored on reading."""

    def __init__(self, type_: Any) -> None:
        self.type = type_
        self._decode: Callable[[bytes], T] = msgspec.json.Decoder(type_).decode
        self._encode = msgspec.json.Encoder().encode

    def decode(self, data: bytes) -> T:
        try:
            return self._decode(data)
        except msgspec.ValidationError as error:
            raise InvalidMessage("invalid_message", str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidMessage("invalid_json", str(error)) from None

    def encode(self, message: T) -> bytes:
        try:
            return self._encode(message)
        except (TypeError, OverflowError, ValueError, RecursionError) as error:
            raise InvalidMessage("invalid_message", f"cannot be written as JSON: {error}") from None


POST_EVENT: Codec[PostEvent] = Codec(PostEvent)
MENTION_EVENT: Codec[MentionEvent] = Codec(MentionEvent)
ACTIVITY: Codec[Activity] = Codec(Activity)
ALERT: Codec[Alert] = Codec(Alert)
ALERT_DELIVERY: Codec[AlertDelivery] = Codec(AlertDelivery)
DETECTOR_STATE: Codec[DetectorSnapshot] = Codec(DetectorSnapshot)
DEAD_LETTER: Codec[DeadLetter] = Codec(DeadLetter)
CHECKPOINT: Codec[Checkpoint] = Codec(Checkpoint)
BRAND: Codec[Brand] = Codec(Brand)
COVERAGE: Codec[CoverageInterval] = Codec(CoverageInterval)

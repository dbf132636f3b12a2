"""How messages become bytes and back: one codec a type, built once.

A codec never lets a library's exception out: what cannot be read is :class:`InvalidMessage`, with
a reason that a dead letter can carry.
"""

from typing import Generic, TypeVar, get_args

import msgspec

from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.checkpoint import Checkpoint
from schemas.dead_letter import DeadLetter, Reason
from schemas.delivery import AlertDelivery
from schemas.detector_state import DetectorSnapshot
from schemas.mention import MentionEvent
from schemas.post import PostEvent

T = TypeVar("T", bound=msgspec.Struct)


class InvalidMessage(ValueError):
    """Bytes that are no message of the type, or a message that cannot become bytes."""

    def __init__(self, reason: Reason, detail: str) -> None:
        assert reason in get_args(Reason)
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


class Codec(Generic[T]):
    """JSON bytes to and from one message type. Unknown fields are ignored on reading."""

    def __init__(self, type_: type[T]) -> None:
        self.type = type_
        self._decode = msgspec.json.Decoder(type_).decode
        self._encode = msgspec.json.Encoder().encode

    def decode(self, data: bytes) -> T:
        """Read one message, or raise :class:`InvalidMessage`."""
        try:
            return self._decode(data)
        except msgspec.ValidationError as error:
            raise InvalidMessage("invalid_message", str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidMessage("invalid_json", str(error)) from None

    def encode(self, message: T) -> bytes:
        """Write one message, or raise :class:`InvalidMessage` (a lone surrogate, say)."""
        try:
            return self._encode(message)
        except (TypeError, OverflowError, ValueError, RecursionError) as error:
            raise InvalidMessage("invalid_message", f"cannot be written as JSON: {error}") from None


POST_EVENT = Codec(PostEvent)
MENTION_EVENT = Codec(MentionEvent)
ACTIVITY = Codec(Activity)
ALERT = Codec(Alert)
ALERT_DELIVERY = Codec(AlertDelivery)
DETECTOR_STATE = Codec(DetectorSnapshot)
DEAD_LETTER = Codec(DeadLetter)
CHECKPOINT = Codec(Checkpoint)
BRAND = Codec(Brand)

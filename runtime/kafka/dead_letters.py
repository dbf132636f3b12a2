"""Dead letters, and the brake that stops a consumer before it fills the topic with them."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from runtime.kafka.protocols import Record
from runtime.settings import BrakeSettings
from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter, Reason
from schemas.errors import BrakeTripped

TOPIC = "dead-letters"
MAX_PAYLOAD_BYTES = 2_900_000
"""Fits the topic's 4 MiB in base64. Every topic takes less; only a source can deliver more."""
MAX_DETAIL = 500

REPLAYS_HEADER = "tocsin-replays"
"""Kafka header on a replayed message: how often it was replayed, as decimal digits."""
REPLAYED_HEADER = "tocsin-replayed"
"""Kafka header on a record of ``dead-letters`` without a value: the id of a letter that was
replayed. Readers of letters skip it."""


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """The bytes of a letter, its payload and detail cut to what the topic takes. Never fails."""
    detail, size = letter.detail, len(letter.payload)
    if size > MAX_PAYLOAD_BYTES:
        detail = f"{detail} (payload cut from {size} bytes)"
    detail = _writable(detail)
    return DEAD_LETTER.encode(
        replace(
            letter,
            detail=detail if len(detail) <= MAX_DETAIL else detail[: MAX_DETAIL - 1] + "…",
            payload=letter.payload[:MAX_PAYLOAD_BYTES],
            source=None if letter.source is None else _writable(letter.source),
        )
    )


def dead_letter_of(
    record: Record, *, service: str, reason: Reason, detail: str, at: datetime
) -> bytes:
    """The encoded letter of a record that was read from Kafka."""
    return encode_dead_letter(
        DeadLetter(
            service=service,
            reason=reason,
            detail=detail,
            at=at,
            payload=record.value or b"",
            key=record.key,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            replays=replays_of(record.headers),
        )
    )


def _writable(text: str) -> str:
    """``text`` without lone surrogates, which JSON cannot hold (a file's name may have them)."""
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


class Brake:
    """Counts good and bad messages, and raises :class:`BrakeTripped` on too many bad ones.

    ``share`` (0 to 1): maximum share of bad messages in the last ``window``, once the window is
    full. ``consecutive``: longest allowed run of bad messages. Both limits are those of arroyo.
    """

    def __init__(self, share: float, window: int, consecutive: int) -> None:
        self.share = share
        self.window = window
        self.consecutive = consecutive
        self._recent: deque[bool] = deque(maxlen=window)
        self._run = 0

    @classmethod
    def of(cls, settings: BrakeSettings) -> "Brake":
        return cls(
            settings.dead_letter_share, settings.dead_letter_window, settings.dead_letter_run
        )

    def record(self, good: int, bad: int) -> None:
        """Count one batch, its good messages first, then judge.

        Call it after Kafka has acknowledged the dead letters: a stop must not lose any.
        """
        self._recent.extend([False] * min(good, self.window) + [True] * min(bad, self.window))
        self._run = bad if good else self._run + bad
        bad_in_window = sum(self._recent)
        if self._run > self.consecutive:
            count = f"{self._run} messages in a row"
        elif len(self._recent) == self.window and bad_in_window > self.share * self.window:
            count = f"{bad_in_window} of the last {self.window} messages"
        else:
            return
        raise BrakeTripped(
            f"stopped: {count} went to dead-letters; look at 'tocsin dead-letters list', fix the "
            "cause, then restart"
        )

"""Dead letters, and the brake that stops a consumer before it fills the topic with them."""

import hashlib
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

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
MAX_KEY_BYTES = 1_000
"""Bytes of a record's key that a letter keeps; a longer key is hashed as the letter's own key."""
MAX_SOURCE = 200
"""Characters of a letter's ``source``."""
MAX_HEADERS = 100
"""Headers of a record that are read; ours are the first."""

REPLAYS_HEADER = "tocsin-replays"
"""Kafka header on a replayed message: how often it was replayed, as decimal digits."""
FIRST_AT_HEADER = "tocsin-first-at"
"""Kafka header on a replayed message: the time of its first letter, microseconds since 1970."""
REPLAYED_HEADER = "tocsin-replayed"
"""Kafka header on a record of ``dead-letters`` without a value: the id of a letter that was
replayed. Readers of letters skip it."""


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """The bytes of a letter, each part cut to what the topic takes. Never fails.

    The detail says what was cut.
    """
    cuts = [
        f"{name} cut from {len(value)} bytes"
        for name, value, limit in (
            ("payload", letter.payload, MAX_PAYLOAD_BYTES),
            ("key", letter.key or b"", MAX_KEY_BYTES),
        )
        if len(value) > limit
    ]
    note = f" ({', '.join(cuts)})" if cuts else ""
    return DEAD_LETTER.encode(
        replace(
            letter,
            detail=_cut(_writable(letter.detail), MAX_DETAIL - len(note)) + note,
            payload=letter.payload[:MAX_PAYLOAD_BYTES],
            key=None if letter.key is None else letter.key[:MAX_KEY_BYTES],
            source=None if letter.source is None else _cut(_writable(letter.source), MAX_SOURCE),
        )
    )


def letter_key(key: bytes | None) -> bytes | None:
    """The key of a record's letter: its own, or its hash if it is longer than ``MAX_KEY_BYTES``."""
    if key is None or len(key) <= MAX_KEY_BYTES:
        return key
    return b"sha256:" + hashlib.sha256(key).hexdigest().encode()


def dead_letter_of(
    record: Record, *, service: str, reason: Reason, detail: str, at: datetime
) -> bytes:
    """The encoded letter of a record that was read from Kafka; its key is :func:`letter_key`."""
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
            first_at=first_at_of(record.headers, at),
        )
    )


def _writable(text: str) -> str:
    """``text`` without lone surrogates, which JSON cannot hold (a file's name may have them)."""
    return text.encode("utf-8", "backslashreplace").decode()


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def replays_of(headers: object) -> int:
    """How often a message with these Kafka headers was replayed before."""
    return int(next(_digits(headers, REPLAYS_HEADER), b"0")[:6])


def first_at_of(headers: object, at: datetime) -> datetime | None:
    """When the first letter of a message with these headers was written, at the latest ``at``."""
    digits = next(_digits(headers, FIRST_AT_HEADER), None)
    if digits is None:
        return None
    try:
        return min(at, datetime.fromtimestamp(int(digits[:17]) / 1e6, UTC))
    except (OverflowError, ValueError):
        return at


def replay_headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers of a letter that is sent back to its topic."""
    first_at = letter.first_at or letter.at
    return [
        (REPLAYS_HEADER, str(letter.replays + 1).encode()),
        (FIRST_AT_HEADER, str(max(0, round(first_at.timestamp() * 1e6))).encode()),
    ]


def _digits(headers: object, wanted: str) -> Iterator[bytes]:
    """The values of a header that hold only digits."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in islice(pairs, MAX_HEADERS) if isinstance(pairs, Iterable) else ():
        if name == wanted and isinstance(value, bytes) and value.isdigit():
            yield value


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


def internal_error(error: BaseException) -> str:
    """Where our code failed; without the error's message, which may hold a secret or a post."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}, line {frame.lineno}"
    return f"internal error ({type(error).__name__} in {where})"

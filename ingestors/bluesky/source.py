"""Reads every public post of Bluesky from Jetstream, JSON over a WebSocket without an account.

Invariants of the cursor, which is a time in microseconds and valid on every endpoint:

- It is rewound a little on every connection: duplicates are harmless, gaps are not.
- If it is older than the history of the endpoint, the endpoint silently starts later. The first
  event is then much younger than the cursor, which is counted as a gap.
- The future means "live", so the cursor is never ahead of our own clock.
"""

import random as randomness
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection

from ingestors.bluesky.jetstream import (
    Decompressor,
    abandon,
    close_connection,
    start_connecting,
    subscription,
)
from ingestors.bluesky.posts import COLLECTION, SOURCE, read_message
from ingestors.source import (
    Batch,
    Cause,
    Gap,
    Position,
    SourceError,
    StreamOptions,
    Unreadable,
    bad_checkpoint,
    collect,
    count_gap,
)
from runtime import metrics
from runtime.backoff import JitteredBackoff
from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from runtime.settings import IngestSettings
from schemas.ids import EPOCH, microseconds
from schemas.post import PostEvent

ATTEMPT_TIMEOUTS = 3
"""An attempt to connect, with all addresses of its name, ends after so many of its time-outs."""
_MAX_CURSOR = 253_402_300_799_000_000
"""The last second of the calendar, microseconds."""
log = get_logger("ingest")


@dataclass(frozen=True, kw_only=True)
class JetstreamOptions(StreamOptions):
    """Endpoints, and margins in seconds.

    A cursor is rewound by ``rewind_s``, or by ``switch_rewind_s`` if it comes from another
    endpoint. A loss of more than ``gap_after_s`` is a gap.
    """

    urls: Sequence[str]
    receive_timeout_s: float = 30.0
    zstd_dictionary: Path | None = None
    retry_first_s: float = 0.5
    retry_max_s: float = 60.0
    rewind_s: float = 3.0
    switch_rewind_s: float = 10.0
    gap_after_s: float = 60.0

    @classmethod
    def of(cls, settings: IngestSettings) -> "JetstreamOptions":
        return cls(
            urls=settings.bluesky_urls.split(","),
            receive_timeout_s=settings.bluesky_receive_timeout_s,
            zstd_dictionary=settings.bluesky_zstd_dictionary,
        )


class BlueskySource:
    """Reads one endpoint at a time; all share one checkpoint, as they are copies.

    ``keep`` filters events after mapping (for ``tocsin watch``); the position moves regardless.
    """

    def __init__(
        self,
        options: JetstreamOptions,
        *,
        keep: Callable[[PostEvent], bool] | None = None,
        source_id: str = SOURCE,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._options = options
        self._urls = [url.strip() for url in options.urls if url.strip()]
        self._keep = keep
        self.source_id = source_id
        self._clock = clock
        self._monotonic = monotonic
        self._backoff = JitteredBackoff(options.retry_first_s, options.retry_max_s, random)
        self._decompress: Decompressor | None = None
        self._endpoint = 0
        self._attempt: Future[ClientConnection] | None = None
        self._connection: ClientConnection | None = None
        self._closed = threading.Event()
        self._retry_at = float("-inf")
        self._last_received = 0.0
        self._obstacle = "not connected yet"
        self._ended_by: Cause | None = None
        self._rejections = 0
        self._has_connected = False
        self._attempt_ends = float("inf")
        self._cursor: int | None = None
        self._cursor_url: str | None = None
        self._requested: int | None = None
        self._gaps: list[Gap] = []

    def open(self, position: Position | None) -> None:
        for url in self._urls:
            if urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname:
                raise SourceError(f"TOCSIN_INGEST_BLUESKY_URLS: {url} is not a ws:// or wss:// URL")
        if not self._urls:
            raise SourceError("TOCSIN_INGEST_BLUESKY_URLS must name a Jetstream endpoint")
        if self._options.zstd_dictionary is not None:
            self._decompress = Decompressor(self._options.zstd_dictionary)
        if position is not None:
            cursor = position.get("cursor")
            if type(cursor) is not int or cursor < 0:
                raise bad_checkpoint(self.source_id, "has no cursor")
            self._cursor, self._cursor_url = cursor, position.get("endpoint")
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)
        metrics.INGEST_REJECTED.labels(self.source_id).set(0)

    def next_batch(self) -> Batch:
        self._connection = self._connection or self._connected()
        if self._connection is None:
            return Batch(position=self._position(), obstacle=self._obstacle, cause=self._ended_by)
        return self._read(self._connection)

    def close(self) -> None:
        self._closed.set()
        if self._attempt is not None:
            abandon(self._attempt)
            self._attempt = None
        self._disconnect()

    def _connected(self) -> ClientConnection | None:
        """The new connection, or None after about ``wait_s``."""
        if self._attempt is None:
            wait = self._retry_at - self._monotonic()
            if wait > 0:
                self._closed.wait(min(wait, self._options.wait_s))
            if self._closed.is_set() or self._monotonic() < self._retry_at:
                return None
            self._attempt = self._begin()
        try:
            error = self._attempt.exception(self._options.wait_s)
        except TimeoutError:
            if self._monotonic() < self._attempt_ends:
                return None
            # Names and addresses are tried one after the other, each with its own time-out.
            abandon(self._attempt)
            error = TimeoutError("it took too long")
        attempt, self._attempt = self._attempt, None
        if error is not None:
            self._not_connected(error)
            return None
        self._rejections = 0
        self._has_connected = True
        metrics.INGEST_REJECTED.labels(self.source_id).set(0)
        self._last_received = self._monotonic()
        metrics.INGEST_CONNECTED.labels(self.source_id).set(1)
        log.info("connected", source=self.source_id, endpoint=self._urls[self._endpoint])
        return attempt.result()

    def _begin(self) -> "Future[ClientConnection]":
        if self._ended_by is not None:
            metrics.INGEST_RECONNECTS.labels(self.source_id, self._ended_by).inc()
        url = self._urls[self._endpoint]
        self._requested = self._rewound_cursor(url)
        self._attempt_ends = self._monotonic() + ATTEMPT_TIMEOUTS * self._options.connect_timeout_s
        zstd = self._decompress is not None
        full = subscription(url, COLLECTION, self._requested, zstd=zstd)
        return start_connecting(full, None if zstd else "deflate", self._options.connect_timeout_s)

    def _rewound_cursor(self, url: str) -> int | None:
        if self._cursor is None:
            return None
        options = self._options
        rewind_s = options.rewind_s if url == self._cursor_url else options.switch_rewind_s
        cursor = min(self._cursor, microseconds(self._clock()))
        return max(0, cursor - int(rewind_s * 1_000_000))

    def _not_connected(self, error: BaseException) -> None:
        if not isinstance(error, (OSError, EOFError, ValueError, WebSocketException)):
            raise error
        status = error.response.status_code if isinstance(error, InvalidStatus) else None
        url = self._urls[self._endpoint]
        log.warning("no connection", source=self.source_id, endpoint=url, error=str(error))
        self._obstacle = f"no connection to {url} ({error})"
        if status is not None and 400 <= status < 500 and status not in (408, 425, 429):
            self._rejected(status, url)
            return
        self._rejections = 0
        unavailable = status is not None and status >= 500
        self._failed("limited" if status == 429 else "unavailable" if unavailable else "refused")

    def _rejected(self, status: int, url: str) -> None:
        """Try the other endpoints, then the longest pause; final only before a connection."""
        self._rejections += 1
        everywhere = self._rejections >= 3 * len(self._urls)
        if everywhere and not self._has_connected:
            raise SourceError(
                f"every Jetstream endpoint refuses the connection (HTTP {status} from {url}); "
                "check TOCSIN_INGEST_BLUESKY_URLS"
            )
        self._failed("rejected" if everywhere else "refused")
        if everywhere:
            metrics.INGEST_REJECTED.labels(self.source_id).set(1)
            self._obstacle = (
                f"every endpoint rejects it (HTTP {status} from {url}), and did not before; it is "
                f"tried every {self._options.retry_max_s:.0f} s"
            )
            self._retry_at = self._monotonic() + self._options.retry_max_s

    def _failed(self, cause: Cause) -> None:
        self._disconnect()
        self._ended_by = cause
        self._retry_at = self._monotonic() + self._backoff.failed()
        self._endpoint = (self._endpoint + 1) % len(self._urls)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            close_connection(connection)
            self._obstacle = "the connection ended; connecting again"
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)

    def _read(self, connection: ClientConnection) -> Batch:
        events: list[PostEvent] = []
        unreadable: list[Unreadable] = []
        received = False
        receive = partial(self._receive, connection)
        for payload in collect(receive, self._options, self._monotonic):
            self._take(payload, events, unreadable)
            received = True
        if received:
            self._last_received = self._monotonic()
            metrics.INGEST_LAST_RECEIVED.labels(self.source_id).set(self._clock().timestamp())
        elif self._connection is not None and (
            self._monotonic() - self._last_received > self._options.receive_timeout_s
        ):
            log.warning(
                "silent connection", source=self.source_id, seconds=self._options.receive_timeout_s
            )
            self._failed("stalled")
        gaps, self._gaps = self._gaps, []
        return Batch(events, self._position(), unreadable, gaps=gaps)

    def _receive(self, connection: ClientConnection, wait_s: float) -> bytes | None:
        try:
            payload = connection.recv(timeout=wait_s, decode=False)
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            log.warning("connection lost", source=self.source_id, error=str(error))
            self._failed("dropped")
            return None
        assert isinstance(payload, bytes)
        return payload

    def _take(self, payload: bytes, events: list[PostEvent], unreadable: list[Unreadable]) -> None:
        self._backoff.healthy()
        if self._decompress is not None:
            try:
                payload = self._decompress(payload)
            except ValueError as error:
                unreadable.append(Unreadable(payload, str(error)))
                return
        message = read_message(payload, self._clock())
        if message.time_us is not None:
            self._advance(message.time_us)
        if message.fault is not None:
            unreadable.append(Unreadable(payload, message.fault))
        elif message.event is not None and (self._keep is None or self._keep(message.event)):
            events.append(message.event)

    def _advance(self, time_us: int) -> None:
        """Move the cursor, at most to our own clock; count a gap if the endpoint starts late."""
        before, requested, self._requested = self._cursor or 0, self._requested, None
        reached = min(time_us, microseconds(self._clock()))
        if requested is not None and time_us - requested > self._options.gap_after_s * 1_000_000:
            since = min(before, reached)
            self._gaps.append(count_gap(self.source_id, _time(since), _time(reached)))
        if reached >= before:
            self._cursor, self._cursor_url = reached, self._urls[self._endpoint]

    def _position(self) -> Position | None:
        if self._cursor is None:
            return None
        return {"cursor": self._cursor, "endpoint": self._cursor_url}

    def heard_until(self) -> datetime | None:
        return None if self._cursor is None else _time(self._cursor)


def _time(cursor: int) -> datetime:
    """The time of a cursor; one of an old checkpoint may be beyond the calendar."""
    return EPOCH + timedelta(microseconds=min(cursor, _MAX_CURSOR))

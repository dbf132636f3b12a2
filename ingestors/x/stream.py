"""The filtered stream of X: a thread that keeps one connection open and reads its lines.

X disconnects a slow client, so a thread reads into a bounded queue. When the queue is full, reading
stops and TCP slows X down. Silence longer than the socket's time-out is a dead connection. Only X's
announcement of a disconnect is parsed. After a stop, queued lines are still returned: X would not
send them again.
"""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import requests
import urllib3

from ingestors.source import MAX_WAIT_S, Cause, Gap, SourceError, StreamOptions, count_gap
from ingestors.spool import Spool
from ingestors.x.api import PARAMETERS, Client, HTTPError
from ingestors.x.posts import ends_the_stream
from ingestors.x.reconnects import XBackoff, XWaits
from ingestors.x.rule_keeper import KeeperOptions, RuleKeeper
from runtime import metrics
from runtime.clock import Clock
from runtime.logs import get_logger
from schemas.ids import EPOCH, microseconds

MAX_LINE_BYTES = 2**20
"""A longer line is not a post; its beginning becomes one Unreadable."""

log = get_logger("ingest")


@dataclass(frozen=True, kw_only=True)
class XOptions(StreamOptions):
    """Limits of the connection. Silence longer than ``gap_after_s`` is a gap."""

    url: str = "https://api.x.com"
    backfill_minutes: int = 0
    keep_alive_timeout_s: float = 45.0
    buffer_lines: int = 1_000
    gap_after_s: float = 1.0
    waits: XWaits = field(default_factory=XWaits)
    keeping: KeeperOptions = field(default_factory=KeeperOptions)


class LineSplitter:
    """Splits chunks into lines; holds at most ``max_length`` bytes of a line."""

    def __init__(self, max_length: int = MAX_LINE_BYTES) -> None:
        self._max_length = max_length
        self._held = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that this chunk completes, without line ends; a long line is cut."""
        *complete, rest = (self._held + chunk).split(b"\n")
        for line in complete:
            if not self._skipping:
                yield line.removesuffix(b"\r")[: self._max_length]
            self._skipping = False
        self._held = b"" if self._skipping else rest
        if len(self._held) > self._max_length:
            yield self._held[: self._max_length]
            self._held, self._skipping = b"", True


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its time; ``text`` is None for a keep-alive."""

    at: datetime
    text: bytes | None
    number: int = 0
    """Its number in the spool; 0 without one."""

    def packed(self) -> bytes:
        """The line with its time, for the spool."""
        return microseconds(self.at).to_bytes(8) + (self.text or b"")

    @classmethod
    def unpacked(cls, record: bytes, number: int) -> "Line":
        return cls(EPOCH + timedelta(microseconds=int.from_bytes(record[:8])), record[8:], number)


class Stream:
    def __init__(
        self,
        client: Client,
        keeper: RuleKeeper,
        options: XOptions,
        source_id: str,
        clock: Clock,
        spool: Spool | None = None,
    ) -> None:
        self._spool = spool
        self._client = client
        self._keeper = keeper
        self._source_id = source_id
        self._backfill_minutes = options.backfill_minutes
        self._gap_after_s = options.gap_after_s
        self._clock = clock
        self._backoff = XBackoff(options.waits)
        self._lines: queue.Queue[Line | None] = queue.Queue()
        self._room = threading.Semaphore(options.buffer_lines)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="x-stream", daemon=True)
        self._has_connected = False
        self._advice = ""
        self._read_at: float | None = None
        """When the last line came, monotonic seconds; None unless lines are awaited."""
        self._is_cut = False
        self._keep_alive_s = options.keep_alive_timeout_s
        self._reconciled = False
        self._missing_since: datetime | None = None
        self._last_line: datetime | None = None
        self.failure: BaseException | None = None
        self.obstacle: str | None = "not connected yet"
        """Why nothing can come now; None while connected."""
        self.cause: Cause | None = None
        """What the obstacle comes from; None before the first connection."""
        self._gaps: queue.SimpleQueue[Gap] = queue.SimpleQueue()

    def start(self, last_seen: datetime | None) -> None:
        self._missing_since = last_seen
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; a read in progress ends."""
        self._stop.set()
        response = self._client.response
        if response is not None:
            # The response may be ending by itself.
            with suppress(AttributeError, OSError, RuntimeError, ValueError):
                response.raw.shutdown()
        if self._thread.is_alive():
            self._thread.join(MAX_WAIT_S)

    def watch(self) -> None:
        """Cut a connection on which too little comes, whatever its bytes are."""
        read_at = self._read_at
        silent = read_at is not None and time.monotonic() - read_at > 1.5 * self._keep_alive_s
        if silent:
            self._is_cut = True
            self._read_at = None
            self._client.cut()
        self._client.cut_if_late()

    def take(self, timeout_s: float) -> Line | None:
        """The next line, or None if none came in time; see also ``failure``."""
        try:
            line = self._lines.get(timeout=0 if self._stop.is_set() else timeout_s)
        except queue.Empty:
            return None
        self._room.release()
        return line

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                cause, reset_in_s = self._once()
                why = self._advice if cause == "rejected" else cause
                self.cause = cause
                self.obstacle = f"not connected: {why}; tocsin_ingest_reconnects_total counts it"
                wait = self._backoff.failed(cause, reset_in_s)
                if self._stop.wait(wait):
                    break
                metrics.INGEST_RECONNECTS.labels(self._source_id, cause).inc()
        except BaseException as error:  # noqa: BLE001 - next_batch raises it
            self.failure = error
            self._lines.put(None)  # wakes a waiting take()
        finally:
            self._client.session.close()

    def _once(self) -> tuple[Cause, float | None]:
        """Keep one connection to its end; return the cause, and when a rate limit resets."""
        try:
            if not self._reconciled:
                self._keeper.make_current(self._client)
                self._reconciled = True
            backfill = self._backfill_minutes
            more = {"backfill_minutes": backfill} if backfill else {}
            self._client.filter(**PARAMETERS, **more)
        except HTTPError as error:
            return self._refused(error)
        except SourceError as error:
            return self._rejected(error)
        except requests.RequestException as error:
            log.warning("no connection", source=self._source_id, error=type(error).__name__)
            return "refused", None
        response = self._client.response
        assert response is not None
        with response:
            self._count_gap(60 * backfill)
            metrics.INGEST_CONNECTED.labels(self._source_id).set(1)
            metrics.INGEST_REJECTED.labels(self._source_id).set(0)
            self._has_connected = True
            self.obstacle = None
            self._read_at, self._is_cut = time.monotonic(), False
            cause = self._read(response)
            self._read_at = None
            if self._is_cut and cause == "dropped":
                cause = "stalled"
            metrics.INGEST_CONNECTED.labels(self._source_id).set(0)
        self._client.response = None
        self._missing_since = self._last_line if cause == "stalled" else self._clock()
        if not self._stop.is_set():
            log.warning("connection lost", source=self._source_id, cause=cause)
        return cause, None

    def _refused(self, error: HTTPError) -> tuple[Cause, float | None]:
        """The cause of an HTTP error; :class:`SourceError` if waiting does not fix it."""
        status = error.status
        log.warning("refused", source=self._source_id, status=status, error=error.explanation)
        if self._backfill_minutes and (status == 400 or (status == 403 and error.about_backfill)):
            log.warning("the plan has no backfill; continuing without", source=self._source_id)
            self._backfill_minutes = 0
            return "refused", None
        if status in (420, 429):
            now = self._clock().timestamp()
            return "limited", None if error.reset_at is None else error.reset_at - now
        if status == 409:  # the rules were deleted meanwhile
            self._reconciled = False
            return "unavailable", None
        if status >= 500 or status in (408, 425):
            return "unavailable", None
        return self._rejected(SourceError(error.advice))

    def _rejected(self, error: SourceError) -> tuple[Cause, None]:
        """Final before the first connection. Later it is mostly X's fault, or a matter of a plan
        that a person renews meanwhile.
        """
        if not self._has_connected:
            raise error
        metrics.INGEST_REJECTED.labels(self._source_id).set(1)
        log.error("rejected; it is tried again", source=self._source_id, why=str(error))
        self._advice = str(error)
        return "rejected", None

    def _count_gap(self, backfill_s: float) -> None:
        since, self._missing_since = self._missing_since, None
        if since is None:
            return
        # The platform repeats the end of what was missed.
        until = self._clock() - timedelta(seconds=backfill_s)
        if (until - since).total_seconds() > self._gap_after_s:
            self._gaps.put(count_gap(self._source_id, since, until))

    def gaps(self) -> list[Gap]:
        """The gaps since the last call."""
        found: list[Gap] = []
        with suppress(queue.Empty):
            while True:
                found.append(self._gaps.get_nowait())
        return found

    def _read(self, response: requests.Response) -> Cause:
        self._last_line = self._clock()
        if self._stop.is_set():  # stop() came too early to find a response to shut down
            return "dropped"
        splitter = LineSplitter()
        try:
            for chunk in response.iter_content(16_384):
                for line in splitter.feed(chunk):
                    explanation = ends_the_stream(line) if line else None
                    if explanation is not None:
                        log.warning("X disconnects", source=self._source_id, error=explanation)
                        return "disconnected"
                    self._put(Line(self._clock(), line or None))
                if self._stop.is_set():
                    break
        except (requests.RequestException, AttributeError, ValueError) as error:
            # urllib3 also fails otherwise on a connection that was cut while it was read.
            reason = error.args[0] if error.args else None
            timed_out = isinstance(reason, urllib3.exceptions.ReadTimeoutError)
            return "stalled" if timed_out else "dropped"
        return "dropped"

    def _put(self, line: Line) -> None:
        self._backoff.healthy()
        self._last_line = line.at
        if self._spool is not None and line.text is not None:
            line = replace(line, number=self._spool.append(line.packed()))
        self._read_at = None  # while the queue is full, nothing is awaited
        while not self._stop.is_set() and not self._room.acquire(timeout=0.5):
            pass
        self._lines.put(line)
        self._read_at = time.monotonic()

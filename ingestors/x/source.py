"""Reads X (Twitter) from the filtered stream of its API v2, with a paid token.

- Our rules are reconciled before connecting, and whenever they change; rules of other clients are
  left alone.
- A rejection (401, 403, ...) is final only before the first connection.
- Back-off: linear after network faults, exponential from 5 s after HTTP errors and from a minute
  after 429 (:class:`ingestors.x.reconnects.XBackoff`).
- X has no cursor. ``backfill_minutes`` repeats missed posts if the plan has it; the rest is a gap.
- With a spool, what was read and not acknowledged by Kafka is sent first after any end.
- Deletions and suspensions do **not** come over this stream (X has compliance endpoints for them),
  so this source sends no ``delete`` and no ``erase_author``.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from pydantic import SecretStr

from ingestors.coerce import as_time
from ingestors.source import (
    Batch,
    Position,
    SourceError,
    Unreadable,
    bad_checkpoint,
    collect,
)
from ingestors.spool import Spool
from ingestors.x.api import Client
from ingestors.x.posts import SOURCE, native_id, read_line
from ingestors.x.rule_keeper import RuleKeeper
from ingestors.x.rules import Rule
from ingestors.x.stream import Line, Stream, XOptions
from runtime import metrics
from runtime.clock import Clock, utc_now
from schemas.post import PostEvent

MAX_FOLLOWER_S = 0.2
"""Wait for the thread of the rules at a stop, seconds; its connection is cut, so it ends soon."""


class XSource:
    """Reads the posts that match ``rules``, which may be a function that gives those of now.

    A project has one stream, so it has one checkpoint: the time until which X was received.
    """

    def __init__(
        self,
        token: SecretStr | None,
        rules: Sequence[Rule] | Callable[[], Sequence[Rule]],
        options: XOptions,
        *,
        spool: Spool | None = None,
        source_id: str = SOURCE,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token
        self._rules = rules
        self._stop = threading.Event()
        self._follower: threading.Thread | None = None
        self._client: Client | None = None
        self._options = options
        self.source_id = source_id
        self._clock = clock
        self._monotonic = monotonic
        self._spool = spool
        self._left: deque[Line] = deque()
        self._taken = 0
        self._stream: Stream | None = None
        self._last_id = 0
        self._last_seen: datetime | None = None

    def open(self, position: Position | None) -> None:
        token = checked_token(self._token)
        url = urlsplit(self._options.url)
        local = url.hostname in ("127.0.0.1", "::1", "localhost")
        if not url.hostname or not (url.scheme == "https" or (url.scheme == "http" and local)):
            raise SourceError("TOCSIN_INGEST_X_URL must be an https:// URL: it receives the token")
        rules = self._rules
        wanted = rules if callable(rules) else lambda: rules
        if not wanted():
            raise SourceError("X needs a rule: give a brand a name or an X handle")
        if position is not None:
            self._last_seen = as_time(position.get("last_seen"))
            self._last_id = int(native_id(position.get("last_id")) or 0)
            if self._last_seen is None:
                raise bad_checkpoint(self.source_id, "has no last_seen")
        if self._spool is not None:
            left = enumerate(self._spool.open(), start=1)
            self._left.extend(Line.unpacked(record, number) for number, record in left)
        since = max(
            filter(None, [self._last_seen, *(line.at for line in self._left)]), default=None
        )
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)
        metrics.INGEST_REJECTED.labels(self.source_id).set(0)
        timeouts = (self._options.connect_timeout_s, self._options.keep_alive_timeout_s)
        keeper = RuleKeeper(wanted, self._options.keeping)
        client = Client(token, self._options.url, timeouts)
        self._stream = Stream(
            client, keeper, self._options, self.source_id, self._clock, self._spool
        )
        self._stream.start(since)
        if callable(rules):
            self._client = Client(token, self._options.url, timeouts)
            self._follower = threading.Thread(
                target=keeper.run, args=(self._client, self._stop), name="x-rules", daemon=True
            )
            self._follower.start()

    def next_batch(self) -> Batch:
        stream = self._stream
        if stream is None:
            raise RuntimeError("next_batch() without open()")
        stream.watch()
        if self._client is not None:
            self._client.cut_if_late()
        events: list[PostEvent] = []
        unreadable: list[Unreadable] = []
        received, failure = False, stream.failure

        def receive(wait_s: float) -> Line | None:
            nonlocal failure
            if self._left:
                return self._left.popleft()
            # Read before the queue: lines queued until the failure are returned first.
            failure = stream.failure
            return stream.take(0.01 if failure else wait_s)

        for line in collect(receive, self._options, self._monotonic):
            received = True
            self._take(line, events, unreadable)
        if failure and not received:
            raise failure
        if self._last_seen is not None and received:
            metrics.INGEST_LAST_RECEIVED.labels(self.source_id).set(self._last_seen.timestamp())
        return Batch(
            events,
            self._position(),
            unreadable,
            obstacle=stream.obstacle,
            cause=stream.cause,
            gaps=stream.gaps(),
        )

    def close(self) -> None:
        self._stop.set()
        if self._client is not None and self._follower is not None:
            self._client.cut()
            self._follower.join(MAX_FOLLOWER_S)
        if self._stream is not None:
            self._stream.stop()
        if self._spool is not None:
            self._spool.close()
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)

    def acknowledged(self, position: Position) -> None:
        if self._spool is not None:
            self._spool.acknowledge(position.get("spooled", 0))

    def heard_until(self) -> datetime | None:
        return self._last_seen

    def _take(self, line: Line, events: list[PostEvent], unreadable: list[Unreadable]) -> None:
        self._last_seen = max(self._last_seen or line.at, line.at)
        self._taken = line.number or self._taken
        if line.text is None:
            return
        read = read_line(line.text, line.at)
        if isinstance(read, Unreadable):
            unreadable.append(read)
            return
        self._last_id = max(self._last_id, int(native_id(read.id.partition(":")[2]) or 0))
        events.append(read)

    def _position(self) -> Position | None:
        if self._last_seen is None:
            return None
        position = {"last_id": str(self._last_id), "last_seen": self._last_seen.isoformat()}
        return position if self._spool is None else {**position, "spooled": self._taken}


def checked_token(token: SecretStr | None) -> str:
    """The token, which must fit into a header: otherwise, errors of libraries would show it."""
    text = "" if token is None else token.get_secret_value()
    if not text:
        raise SourceError("TOCSIN_INGEST_X_BEARER_TOKEN is not set; X needs a token")
    if not all("!" <= letter <= "~" for letter in text):
        raise SourceError("TOCSIN_INGEST_X_BEARER_TOKEN must have only printable ASCII characters")
    return text

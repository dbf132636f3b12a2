"""Reads X (Twitter) from the filtered stream of its API v2, with a paid token.

- Our rules are reconciled before connecting; rules of other clients are left alone.
- Back-off: linear after network faults, exponential from 5 s after HTTP errors and from a minute
  after 429 (:class:`ingestors.x.reconnects.XBackoff`).
- X has no cursor. ``backfill_minutes`` repeats missed posts if the plan has it; the rest is a gap.
- Deletions and suspensions do **not** come over this stream (X has compliance endpoints for them),
  so this source sends no ``delete`` and no ``erase_author``.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from pydantic import SecretStr

from ingestors.coerce import as_time
from ingestors.source import Batch, Position, SourceError, Unreadable, bad_checkpoint, collect
from ingestors.x.api import Client
from ingestors.x.posts import SOURCE, native_id, read_line
from ingestors.x.rules import Rule
from ingestors.x.stream import Line, Stream, XOptions
from runtime import metrics
from runtime.clock import Clock, utc_now
from schemas.post import PostEvent


class XSource:
    """Reads the posts that match ``rules``.

    A project has one stream, so it has one checkpoint: the time until which X was received.
    """

    def __init__(
        self,
        token: SecretStr | None,
        rules: Sequence[Rule],
        options: XOptions,
        *,
        source_id: str = SOURCE,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token
        self._rules = list(rules)
        self._options = options
        self.source_id = source_id
        self._clock = clock
        self._monotonic = monotonic
        self._stream: Stream | None = None
        self._last_id = 0
        self._last_seen: datetime | None = None

    def open(self, position: Position | None) -> None:
        token = checked_token(self._token)
        url = urlsplit(self._options.url)
        local = url.hostname in ("127.0.0.1", "::1", "localhost")
        if not url.hostname or not (url.scheme == "https" or (url.scheme == "http" and local)):
            raise SourceError("TOCSIN_INGEST_X_URL must be an https:// URL: it receives the token")
        if not self._rules:
            raise SourceError("X needs a rule: give a brand a name or an X handle")
        if position is not None:
            self._last_seen = as_time(position.get("last_seen"))
            self._last_id = int(native_id(position.get("last_id")) or 0)
            if self._last_seen is None:
                raise bad_checkpoint(self.source_id, "has no last_seen")
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)
        timeouts = (self._options.connect_timeout_s, self._options.keep_alive_timeout_s)
        client = Client(token, self._options.url, timeouts)
        self._stream = Stream(client, self._rules, self._options, self.source_id, self._clock)
        self._stream.start(self._last_seen)

    def next_batch(self) -> Batch:
        stream = self._stream
        if stream is None:
            raise RuntimeError("next_batch() without open()")
        events: list[PostEvent] = []
        unreadable: list[Unreadable] = []
        received, failure = False, stream.failure

        def receive(wait_s: float) -> Line | None:
            nonlocal failure
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
        return Batch(events, self._position(), unreadable, obstacle=stream.obstacle)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.stop()
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)

    def _take(self, line: Line, events: list[PostEvent], unreadable: list[Unreadable]) -> None:
        self._last_seen = line.at
        if line.text is None:
            return
        read = read_line(line.text, line.at)
        if isinstance(read, Unreadable):
            unreadable.append(read)
            return
        self._last_id = max(self._last_id, int(read.id.partition(":")[2]))
        events.append(read)

    def _position(self) -> Position | None:
        if self._last_seen is None:
            return None
        return {"last_id": str(self._last_id), "last_seen": self._last_seen.isoformat()}


def checked_token(token: SecretStr | None) -> str:
    """The token, which must fit into a header: otherwise, errors of libraries would show it."""
    text = "" if token is None else token.get_secret_value()
    if not text:
        raise SourceError("TOCSIN_INGEST_X_BEARER_TOKEN is not set; X needs a token")
    if not all("!" <= letter <= "~" for letter in text):
        raise SourceError("TOCSIN_INGEST_X_BEARER_TOKEN must have only printable ASCII characters")
    return text

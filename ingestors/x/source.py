"""X (Twitter), over the filtered stream of its API v2, with a token that its owner pays for.

What X documents (docs.x.com, "Filtered stream" and "Handling disconnections") and this source does:

- The rules of the project decide what is sent; ours are reconciled before connecting, and rules
  that somebody else made are left alone (:mod:`ingestors.x.rules`).
- A line is a post, an error, or empty: the empty ones come every 20 seconds, and silence beyond
  the set time means a dead connection (:mod:`ingestors.x.stream`).
- Reconnecting: at once and then linearly after network faults, exponentially from 5 s after HTTP
  errors, exponentially from a minute after 429 (:class:`runtime.backoff.XBackoff`).
- There is no cursor. What was missed comes again only as ``backfill_minutes``, where the plan has
  that; what lies beyond is counted as a gap.
- Deletions and suspensions do **not** come over this stream (X has compliance endpoints for
  them), so this source sends no ``delete`` and no ``erase_author``.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from pydantic import SecretStr

from ingestors.coerce import as_time
from ingestors.source import Batch, Position, SourceError, Unreadable, collect, no_position
from ingestors.x.api import Client
from ingestors.x.posts import SOURCE, native_id, read_line
from ingestors.x.rules import Rule
from ingestors.x.stream import Line, Stream, XOptions
from runtime import metrics
from runtime.clock import Clock, utc_now
from schemas.post import PostEvent


class XSource:
    """Posts that match ``rules``; see the module's docstring.

    ``keep`` drops events right after mapping. A project has one stream, and so one checkpoint: it
    only says until when X was heard.
    """

    def __init__(
        self,
        token: SecretStr | None,
        rules: Sequence[Rule],
        options: XOptions,
        *,
        keep: Callable[[PostEvent], bool] | None = None,
        source_id: str = SOURCE,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token
        self._rules = list(rules)
        self._options = options
        self._keep = keep
        self.source_id = source_id
        self._clock = clock
        self._monotonic = monotonic
        self._stream: Stream | None = None
        self._last_id = 0
        self._last_seen: datetime | None = None

    def open(self, position: Position | None) -> None:
        """Check what a person may have got wrong, then let the reading thread begin."""
        token = _checked_token(self._token)
        _check_url(self._options.url)
        if not self._rules:
            raise SourceError("there is nothing to ask X for: no brand has a name or an X handle")
        if position is not None:
            self._last_seen = as_time(position.get("last_seen"))
            self._last_id = int(native_id(position.get("last_id")) or 0)
            if self._last_seen is None:
                raise no_position(self.source_id, "last_seen")
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)
        timeouts = (self._options.connect_timeout_s, self._options.keep_alive_timeout_s)
        client = Client(token, self._options.url, timeouts)
        self._stream = Stream(client, self._rules, self._options, self.source_id, self._clock)
        self._stream.start(self._last_seen)

    def next_batch(self) -> Batch:
        """What the reading thread has queued; what ended it is raised once that is handed out."""
        stream = self._stream
        if stream is None:
            raise RuntimeError("next_batch() without open()")
        events: list[PostEvent] = []
        unreadable: list[Unreadable] = []
        received, failure = False, stream.failure

        def receive(wait_s: float) -> Line | None:
            nonlocal failure
            # Looked at before the queue: what was queued until the failure is handed out first.
            failure = stream.failure
            return stream.take(0.01 if failure else wait_s)

        for line in collect(receive, self._options, self._monotonic):
            received = True
            self._take(line, events, unreadable)
        if failure and not received:
            raise failure
        if self._last_seen is not None and received:
            metrics.INGEST_LAST_RECEIVED.labels(self.source_id).set(self._last_seen.timestamp())
        return Batch(events, self._position(), unreadable)

    def close(self) -> None:
        """Hang up; ``next_batch`` goes on with what was received until then."""
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
        if self._keep is None or self._keep(read):
            events.append(read)

    def _position(self) -> Position | None:
        if self._last_seen is None:
            return None
        return {"last_id": str(self._last_id), "last_seen": self._last_seen.isoformat()}


def _checked_token(token: SecretStr | None) -> str:
    """The token, which must fit into a header: errors of libraries would print it otherwise."""
    text = "" if token is None else token.get_secret_value()
    if not text:
        raise SourceError("TOCSIN_INGEST_X_BEARER_TOKEN is not set; X is read with a token")
    if not all("!" <= letter <= "~" for letter in text):
        raise SourceError("TOCSIN_INGEST_X_BEARER_TOKEN has a character that no token has")
    return text


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise SourceError("TOCSIN_INGEST_X_URL must be an https:// address: it is sent the token")

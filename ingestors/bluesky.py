"""Bluesky, over Jetstream: every public post of the network as JSON on a WebSocket.

Jetstream needs no account. Its cursors are times in microseconds, so that one endpoint can go on
where another stopped (github.com/bluesky-social/jetstream, and its ``internal/subscribe`` for what
the endpoint really does with cursors and compression). What this module relies on:

- The cursor is rewound a little on every connection: duplicates are harmless, gaps are not.
- A cursor older than the endpoint keeps is *silently* moved to the oldest event it has. The only
  trace is that the first event is much younger than the cursor; that is counted as a gap.
- A cursor in the future means "live", so ours is never ahead of our own clock.
- Asking for zstd and for permessage-deflate at once is answered with 400.
- ``account`` events come whatever collections are wanted. An account that is ``deleted`` or
  ``takendown`` is erased: the first is the author's wish, the second the operator's final word.
  ``deactivated``, ``suspended``, ``throttled`` and ``desynchronized`` are states that end; erasing
  could not be undone when they do.

The mapping (:func:`read_message`) is pure, and takes anything: it is fed by strangers. The
connection (:class:`BlueskySource`) never interprets records.
"""

import json
import random as randomness
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import zstandard
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from ingestors.backoff import Cause, JitteredBackoff
from ingestors.source import MAX_WAIT_S, Batch, Position, SourceError, Unreadable
from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.bounds import bound_post, plausible
from schemas.ids import EPOCH, microseconds, post_id, tid_microseconds, tid_time
from schemas.post import Author, Media, Post, PostEvent

COLLECTION = "app.bsky.feed.post"
SOURCE = "bluesky"
ERASED_STATUSES = frozenset(("deleted", "takendown"))
"""Account states that take the account's posts with them (see the module's docstring)."""
MAX_MESSAGE_BYTES = 1_000_000
"""Asked of the endpoint: a longer message is no post, and would end the connection here."""

_DID = re.compile(r"did:[a-z]{1,32}:[A-Za-z0-9._:%-]{1,256}")
_RKEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")
_CID = re.compile(r"[A-Za-z0-9]{16,128}")
_HANDLE = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_LATEST_US = microseconds(datetime(9999, 1, 1, tzinfo=UTC))

log = get_logger("ingest")


# --- messages --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """What one message says: where the stream stands, and an event or a fault or neither."""

    time_us: int | None = None
    event: PostEvent | None = None
    fault: str | None = None


def read_message(payload: bytes, now: datetime) -> Message:
    """One message of the stream; ``now`` is the time of reading. Never raises."""
    try:
        message = _parse(payload)
    except (ValueError, RecursionError) as error:
        return Message(fault=f"no JSON: {error}")
    return map_message(message, now)


def map_message(message: object, now: datetime) -> Message:
    """One message, parsed, as an event; kinds and collections not asked for are neither."""
    fields = _mapping(message)
    time_us, did, kind = fields.get("time_us"), _did(fields.get("did")), fields.get("kind")
    if type(time_us) is not int or not 0 <= time_us < _LATEST_US:
        return Message(fault="no time_us")
    if not isinstance(kind, str):
        return Message(time_us, fault="no kind")
    if kind not in ("commit", "account"):
        return Message(time_us)
    if did is None:
        return Message(time_us, fault="no DID")
    if kind == "account":
        return Message(time_us, _erasure(_mapping(fields.get("account")), did, time_us, now))
    return _map_commit(_mapping(fields.get("commit")), did, time_us, now)


def _map_commit(commit: Mapping[str, Any], did: str, time_us: int, now: datetime) -> Message:
    if commit.get("collection") != COLLECTION:
        return Message(time_us)
    rkey, operation = commit.get("rkey"), commit.get("operation")
    if not isinstance(rkey, str) or not _RKEY.fullmatch(rkey):
        return Message(time_us, fault="no record key")
    version = _version(commit.get("rev"), time_us)
    when = _rkey_time(rkey, now)
    if operation == "delete":
        id_ = post_id(SOURCE, f"{did}/{rkey}")
        return Message(time_us, _event("delete", id_, version, now, created_at=when))
    if operation not in ("create", "update"):
        return Message(time_us, fault="unknown operation")
    record = commit.get("record")
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        return Message(time_us, fault="no record with a text")
    post = map_record(record, did, rkey, when or EPOCH + timedelta(microseconds=time_us), now)
    return Message(time_us, _event("upsert", post.id, version, now, post=post))


def _event(op: Any, id_: str, version: int, now: datetime, **rest: Any) -> PostEvent:
    return PostEvent(op=op, id=id_, source=SOURCE, version=version, ingested_at=now, **rest)


def _erasure(account: Mapping[str, Any], did: str, time_us: int, now: datetime) -> PostEvent | None:
    status = account.get("status")
    if account.get("active") is not False or not isinstance(status, str):
        return None
    if status not in ERASED_STATUSES:
        return None
    return _event("erase_author", post_id(SOURCE, did), time_us, now, author_id=did)


def _version(rev: object, time_us: int) -> int:
    """Microseconds in the commit's ``rev``: the same whichever endpoint the event came from.

    A repository's revisions only ever grow. One that is ahead of the endpoint's clock by more
    than a day is made up, and would outlive the erasure of its author.
    """
    version = tid_microseconds(rev) if isinstance(rev, str) else None
    day = 24 * 3600 * 1_000_000
    return time_us if version is None or version > time_us + day else version


def _rkey_time(rkey: str, now: datetime) -> datetime | None:
    when = tid_time(rkey)
    return when if when is not None and plausible(when, now) else None


# --- records ---------------------------------------------------------------------------------


def map_record(
    record: Mapping[str, Any], did: str, rkey: str, otherwise: datetime, now: datetime
) -> Post:
    """An ``app.bsky.feed.post`` record as a post; never raises.

    Lexicons: ``app.bsky.feed.post``, ``app.bsky.richtext.facet``, ``app.bsky.embed.*``.
    ``otherwise`` is its time where ``createdAt`` cannot be read.
    """
    text = record["text"]
    mentions, tags, links = _facets(record, text)
    quoted, media, external = _embed(_mapping(record.get("embed")), did)
    language = next(_strings(record.get("langs")), None)
    reply = _mapping(_mapping(record.get("reply")).get("parent"))
    post = Post(
        id=post_id(SOURCE, f"{did}/{rkey}"),
        source=SOURCE,
        author=Author(id=did),
        text=text,
        created_at=_time(record.get("createdAt")) or otherwise,
        url=f"https://bsky.app/profile/{did}/post/{rkey}",
        language=language,
        reply_to=_post_of(reply.get("uri")),
        quote_of=quoted,
        mentions=_unique(mentions),
        hashtags=_unique([*tags, *_strings(record.get("tags"))]),
        links=_unique([*links, *external]),
        media=media,
    )
    return bound_post(post, now)


def _facets(record: Mapping[str, Any], text: str) -> tuple[list[str], list[str], list[str]]:
    """Mentions, hashtags and links.

    A mention is the handle that the text shows where it shows one, else the DID: brands are
    known by handle.
    """
    data = text.encode("utf-8", "surrogatepass")
    mentions: list[str] = []
    tags: list[str] = []
    links: list[str] = []
    for facet in _mappings(record.get("facets")):
        for feature in _mappings(facet.get("features")):
            kind = feature.get("$type")
            if kind == "app.bsky.richtext.facet#mention":
                did = _did(feature.get("did"))
                handle = _HANDLE.fullmatch(_slice(data, _mapping(facet.get("index"))))
                if did is not None:
                    mentions.append(handle[1] if handle else did)
            elif kind == "app.bsky.richtext.facet#tag":
                tags.extend(_strings([feature.get("tag")]))
            elif kind == "app.bsky.richtext.facet#link":
                links.extend(_links(feature.get("uri")))
    return mentions, tags, links


def _slice(data: bytes, index: Mapping[str, Any]) -> str:
    """The part of the text that a facet is about; its offsets count UTF-8 bytes."""
    start, end = index.get("byteStart"), index.get("byteEnd")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(data):
        return ""
    return data[start:end].decode("utf-8", "replace")


def _embed(embed: Mapping[str, Any], did: str) -> tuple[str | None, list[Media], list[str]]:
    """The post quoted, the media, and the external links."""
    kind = embed.get("$type")
    if kind == "app.bsky.embed.record":
        return _post_of(_mapping(embed.get("record")).get("uri")), [], []
    if kind == "app.bsky.embed.recordWithMedia":
        quoted = _post_of(_mapping(_mapping(embed.get("record")).get("record")).get("uri"))
        inner = _mapping(embed.get("media"))
        if inner.get("$type") == kind:  # nested for ever by somebody's script
            return quoted, [], []
        _, media, links = _embed(inner, did)
        return quoted, media, links
    if kind == "app.bsky.embed.images":
        return None, [_photo(image, did) for image in _mappings(embed.get("images"))], []
    if kind == "app.bsky.embed.video":
        return None, [Media(type="video", alt=_string(embed.get("alt")))], []
    if kind == "app.bsky.embed.external":
        external = _mapping(embed.get("external"))
        links = list(_links(external.get("uri")))
        title = _string(external.get("title")) or _string(external.get("description"))
        return None, [Media(type="link", url=link, alt=title) for link in links], links
    return None, [], []


def _photo(image: Mapping[str, Any], did: str) -> Media:
    """A picture, where Bluesky's own image server shows it."""
    cid = _string(_mapping(_mapping(image.get("image")).get("ref")).get("$link")) or ""
    url = f"https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{cid}@jpeg"
    return Media(
        type="photo", url=url if _CID.fullmatch(cid) else None, alt=_string(image.get("alt"))
    )


def _post_of(uri: object) -> str | None:
    """The post id in ``at://did/app.bsky.feed.post/rkey``; None for lists, feeds and handles."""
    parts = uri.split("/") if isinstance(uri, str) and len(uri) < 1024 else []
    if len(parts) != 5 or parts[:2] != ["at:", ""] or parts[3] != COLLECTION:
        return None
    did, rkey = _did(parts[2]), parts[4]
    return post_id(SOURCE, f"{did}/{rkey}") if did and _RKEY.fullmatch(rkey) else None


def _time(text: object) -> datetime | None:
    """An RFC 3339 time with an offset; None for anything else."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        when = datetime.fromisoformat(text)
        return None if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# --- JSON that strangers wrote -----------------------------------------------------------------


def _parse(payload: bytes) -> object:
    """JSON as Python objects; lone surrogates, which msgspec refuses, are let in (and replaced)."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return json.loads(payload)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return (item for item in _list(value) if isinstance(item, dict))


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _strings(value: object) -> Iterator[str]:
    return (item for item in _list(value) if isinstance(item, str) and item)


def _links(value: object) -> Iterator[str]:
    return (link for link in _strings([value]) if link.startswith(("https://", "http://")))


def _did(value: object) -> str | None:
    return value if isinstance(value, str) and _DID.fullmatch(value) else None


def _unique(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


# --- the connection ----------------------------------------------------------------------------


class _Attempt:
    """One attempt at a connection, on a thread of its own: it may take longer than a batch may."""

    def __init__(self, url: str, compression: str | None, timeout_s: float) -> None:
        self._url = url
        self._compression = compression
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._abandoned = False
        self.connection: ClientConnection | None = None
        self.error: Exception | None = None
        self.done = threading.Event()
        threading.Thread(target=self._run, name="jetstream-connect", daemon=True).start()

    def _run(self) -> None:
        try:
            connection = connect(
                self._url,
                compression=self._compression,
                user_agent_header="tocsin",
                open_timeout=self._timeout_s,
                close_timeout=MAX_WAIT_S,
                # Our watchdog is the stream itself; pings would fail whenever we hold back.
                ping_interval=None,
                max_size=2 * MAX_MESSAGE_BYTES,
                max_queue=512,
                legacy=True,
            )
            assert isinstance(connection, ClientConnection)
        except Exception as error:  # noqa: BLE001 - it is handed to the thread that waits
            self.error = error
        else:
            with self._lock:
                self.connection = connection
                abandoned = self._abandoned
            if abandoned:
                connection.close()
        self.done.set()

    def abandon(self) -> None:
        """Nobody waits any more: whatever comes of it is closed."""
        with self._lock:
            self._abandoned = True
            connection = self.connection
        if connection is not None:
            connection.close()


class _Decompressor:
    """Jetstream's frames, each compressed by itself with a dictionary that both sides hold."""

    def __init__(self, path: Path) -> None:
        try:
            self._dictionary = zstandard.ZstdCompressionDict(path.read_bytes())
        except OSError as error:
            raise SourceError(
                f"TOCSIN_INGEST_BLUESKY_ZSTD_DICTIONARY names {path}, which cannot be read "
                f"({error.strerror})"
            ) from None
        self._path = path
        self._decompress = zstandard.ZstdDecompressor(dict_data=self._dictionary).decompress

    def __call__(self, payload: bytes) -> bytes:
        """The message in a frame; what is no frame is returned as it came."""
        if payload[:4] != zstandard.FRAME_HEADER:
            return payload
        try:
            frame = zstandard.get_frame_parameters(payload)
            if frame.dict_id not in (0, self._dictionary.dict_id()):
                raise SourceError(
                    f"Jetstream compresses with dictionary {frame.dict_id}, and {self._path} is "
                    f"{self._dictionary.dict_id()}; fetch its zstd_dictionary anew, or unset "
                    "TOCSIN_INGEST_BLUESKY_ZSTD_DICTIONARY"
                )
            known = frame.content_size != zstandard.CONTENTSIZE_UNKNOWN
            if known and frame.content_size > 2 * MAX_MESSAGE_BYTES:
                raise ValueError("longer than any message when decompressed")
            return self._decompress(payload, max_output_size=2 * MAX_MESSAGE_BYTES)
        except zstandard.ZstdError as error:
            raise ValueError(f"no zstd frame: {error}") from None


class BlueskySource:
    """Reads Jetstream from a list of endpoints, one at a time; see the module's docstring.

    ``keep`` drops events right after mapping (for ``tocsin watch``); the position moves on all the
    same. The waits and margins are seconds, and arguments so that tests need not sleep.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        receive_timeout_s: float = 30.0,
        zstd_dictionary: Path | None = None,
        keep: Callable[[PostEvent], bool] | None = None,
        source_id: str = SOURCE,
        batch_events: int = 500,
        batch_within_s: float = 0.2,
        connect_timeout_s: float = 10.0,
        retry_first_s: float = 0.5,
        retry_most_s: float = 60.0,
        rewind_s: float = 3.0,
        switch_rewind_s: float = 10.0,
        gap_after_s: float = 60.0,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._urls = [url.strip() for url in urls if url.strip()]
        self._receive_timeout_s = receive_timeout_s
        self._zstd_dictionary = zstd_dictionary
        self._keep = keep
        self._source_id = source_id
        self._batch_events = batch_events
        self._batch_within_s = batch_within_s
        self._connect_timeout_s = connect_timeout_s
        self._rewind_s = rewind_s
        self._switch_rewind_s = switch_rewind_s
        self._gap_after_s = gap_after_s
        self._clock = clock
        self._monotonic = monotonic
        self._backoff = JitteredBackoff(retry_first_s, retry_most_s, random)
        self._decompress: _Decompressor | None = None
        self._endpoint = 0
        self._attempt: _Attempt | None = None
        self._connection: ClientConnection | None = None
        self._closed = threading.Event()
        self._retry_at = float("-inf")
        self._last_received = 0.0
        self._ended_by: Cause | None = None
        self._rejections = 0
        self._cursor: int | None = None
        self._cursor_url: str | None = None
        self._asked: int | None = None

    @property
    def source_id(self) -> str:
        """One stream, one checkpoint: the endpoints are copies of one another."""
        return self._source_id

    def open(self, position: Position | None) -> None:
        """Check what a person may have got wrong; the connection is made by ``next_batch``."""
        for url in self._urls:
            if urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname:
                raise SourceError(f"TOCSIN_INGEST_BLUESKY_URLS: {url} is no ws:// or wss:// URL")
        if not self._urls:
            raise SourceError("TOCSIN_INGEST_BLUESKY_URLS names no Jetstream endpoint")
        if self._zstd_dictionary is not None:
            self._decompress = _Decompressor(self._zstd_dictionary)
        if position is not None:
            cursor = position.get("cursor")
            if type(cursor) is not int or cursor < 0:
                raise SourceError(
                    f"the checkpoint of {self.source_id} has no cursor; run "
                    f"'tocsin checkpoints reset {self.source_id}' to start it afresh"
                )
            self._cursor, self._cursor_url = cursor, position.get("endpoint")
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)

    def next_batch(self) -> Batch:
        """What came next; connects, and connects again, on the way."""
        if self._connection is None:
            self._connection = self._connected()
        if self._connection is None:
            return Batch(position=self._position())
        return self._read(self._connection)

    def close(self) -> None:
        """Hang up."""
        self._closed.set()
        if self._attempt is not None:
            self._attempt.abandon()
            self._attempt = None
        self._hang_up()

    # --- connecting ---

    def _connected(self) -> ClientConnection | None:
        """The connection, as soon as there is one; None after about ``MAX_WAIT_S``."""
        if self._attempt is None:
            wait = self._retry_at - self._monotonic()
            if wait > 0:
                self._closed.wait(min(wait, MAX_WAIT_S))
            if self._closed.is_set() or self._monotonic() < self._retry_at:
                return None
            self._attempt = self._begin()
        if not self._attempt.done.wait(MAX_WAIT_S):
            return None
        attempt, self._attempt = self._attempt, None
        if attempt.error is not None:
            self._not_connected(attempt.error)
            return None
        self._rejections = 0
        self._last_received = self._monotonic()
        metrics.INGEST_CONNECTED.labels(self.source_id).set(1)
        log.info("connected", source=self.source_id, endpoint=self._urls[self._endpoint])
        return attempt.connection

    def _begin(self) -> _Attempt:
        if self._ended_by is not None:
            metrics.INGEST_RECONNECTS.labels(self.source_id, self._ended_by).inc()
        url = self._urls[self._endpoint]
        self._asked = self._cursor_to_ask(url)
        query: dict[str, str | int] = {
            "wantedCollections": COLLECTION,
            "maxMessageSizeBytes": MAX_MESSAGE_BYTES,
        }
        if self._asked is not None:
            query["cursor"] = self._asked
        if self._decompress is not None:
            query["compress"] = "true"
        full = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
        compression = "deflate" if self._decompress is None else None
        return _Attempt(full, compression, self._connect_timeout_s)

    def _cursor_to_ask(self, url: str) -> int | None:
        """A little before what is known, and more so where another endpoint said it."""
        if self._cursor is None:
            return None
        rewind = self._rewind_s if url == self._cursor_url else self._switch_rewind_s
        known = min(self._cursor, microseconds(self._clock()))
        return max(0, known - int(rewind * 1_000_000))

    def _not_connected(self, error: Exception) -> None:
        if not isinstance(error, (OSError, EOFError, ValueError, WebSocketException)):
            raise error
        status = error.response.status_code if isinstance(error, InvalidStatus) else None
        url = self._urls[self._endpoint]
        log.warning("no connection", source=self.source_id, endpoint=url, error=str(error))
        if status is not None and 400 <= status < 500 and status not in (408, 425, 429):
            self._rejections += 1
            if self._rejections >= 3 * len(self._urls):
                raise SourceError(
                    f"every Jetstream endpoint refuses us (HTTP {status} from {url}); check "
                    "TOCSIN_INGEST_BLUESKY_URLS"
                )
        else:
            self._rejections = 0
        if status == 429:
            self._failed("limited")
        else:
            self._failed("unavailable" if status is not None and status >= 500 else "refused")

    def _failed(self, cause: Cause) -> None:
        """Hang up, and let the next endpoint be tried after the back-off."""
        self._hang_up()
        self._ended_by = cause
        self._retry_at = self._monotonic() + self._backoff.failed()
        self._endpoint = (self._endpoint + 1) % len(self._urls)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)

    # --- reading ---

    def _read(self, connection: ClientConnection) -> Batch:
        events: list[PostEvent] = []
        unreadable: list[Unreadable] = []
        received, wait, until = 0, MAX_WAIT_S, float("inf")
        while received < self._batch_events and wait > 0:
            try:
                payload = connection.recv(timeout=wait, decode=False)
            except TimeoutError:
                break
            except ConnectionClosed as error:
                log.warning("connection lost", source=self.source_id, error=str(error))
                self._failed("dropped")
                break
            received += 1
            assert isinstance(payload, bytes)
            self._take(payload, events, unreadable)
            until = min(until, self._monotonic() + self._batch_within_s)
            wait = until - self._monotonic()
        if received:
            self._last_received = self._monotonic()
            metrics.INGEST_LAST_RECEIVED.labels(self.source_id).set(self._clock().timestamp())
        elif self._connection is not None and self._silence() > self._receive_timeout_s:
            log.warning("silence", source=self.source_id, seconds=self._receive_timeout_s)
            self._failed("stalled")
        return Batch(events, self._position(), unreadable)

    def _silence(self) -> float:
        return self._monotonic() - self._last_received

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
        """Move the cursor on, and notice where the endpoint had to start late.

        Our own clock bounds it: an endpoint whose clock is ahead must not send us to the future.
        """
        before, asked, self._asked = self._cursor or 0, self._asked, None
        if asked is not None and time_us - asked > self._gap_after_s * 1_000_000:
            missed_s = max(0, time_us - before) / 1_000_000
            metrics.INGEST_GAPS.labels(self.source_id).inc()
            metrics.INGEST_GAP_SECONDS.labels(self.source_id).inc(missed_s)
            log.error("posts are missed", source=self.source_id, seconds=missed_s)
        reached = min(time_us, microseconds(self._clock()))
        if reached >= before:
            self._cursor, self._cursor_url = reached, self._urls[self._endpoint]

    def _position(self) -> Position | None:
        if self._cursor is None:
            return None
        return {"cursor": self._cursor, "endpoint": self._cursor_url}

"""X (Twitter), over the filtered stream of its API v2, with a token that its owner pays for.

What X documents (docs.x.com, "Filtered stream" and "Handling disconnections") and this module does:

- The rules of the project decide what is sent; ours are reconciled before connecting, and rules
  that somebody else made are left alone (:mod:`ingestors.x_rules`).
- A line is a post, an error, or empty: the empty ones come every 20 seconds, and silence beyond
  the set time means a dead connection.
- Reconnecting: at once and then linearly after network faults, exponentially from 5 s after HTTP
  errors, exponentially from a minute after 429 (:class:`ingestors.backoff.XBackoff`).
- A client that reads too slowly is disconnected. Reading therefore has a thread of its own and a
  bounded queue behind it; when that is full, reading stops, and TCP tells X.
- There is no cursor. What was missed comes again only as ``backfill_minutes``, where the plan has
  that; what lies beyond is counted as a gap.
- Deletions and suspensions do **not** come over this stream (X has compliance endpoints for
  them), so this source sends no ``delete`` and no ``erase_author``.

Tweepy serves for the rules (requests, parsing, its exceptions) and for the stream's parameters.
Its ``_connect`` loop is replaced: it sleeps where nobody can wake it, starts its waits anew at
every connection, ignores ``x-rate-limit-reset``, and hands posts to callbacks that have no way to
hold it back. Its ``request`` is replaced too: the host is fixed in it, it knows no time-out, and at
DEBUG it logs the token.

The mapping (:func:`map_post`) is pure, and takes anything that JSON can be.
"""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from pydantic import SecretStr

from ingestors.backoff import Cause, XBackoff, XWaits
from ingestors.source import MAX_WAIT_S, Batch, Position, SourceError, Unreadable
from ingestors.x_rules import Rule, reconcile
from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.bounds import bound_post
from schemas.ids import microseconds, post_id, snowflake_time
from schemas.post import Author, Media, Metrics, Post, PostEvent

try:
    import requests
    import tweepy
    import urllib3
    from requests.auth import AuthBase
except ImportError as error:
    raise SourceError(f"X needs {error.name}; install it with: pip install 'tocsin[x]'") from None

SOURCE = "x"
MAX_LINE_BYTES = 4 * 2**20
"""A longer line is no post; what there is of it becomes one Unreadable."""
PARAMETERS: Mapping[str, list[str]] = {
    "expansions": [
        "author_id",
        "referenced_tweets.id",
        "referenced_tweets.id.author_id",
        "attachments.media_keys",
        "geo.place_id",
        "in_reply_to_user_id",
        "edit_history_tweet_ids",
    ],
    "tweet_fields": [
        "attachments",
        "author_id",
        "conversation_id",
        "created_at",
        "edit_history_tweet_ids",
        "entities",
        "geo",
        "in_reply_to_user_id",
        "lang",
        "note_tweet",
        "public_metrics",
        "referenced_tweets",
    ],
    "user_fields": ["created_at", "name", "public_metrics", "username", "verified"],
    "media_fields": ["alt_text", "preview_image_url", "type", "url"],
    "place_fields": ["country_code", "full_name"],
}
_MEDIA_TYPES = {"photo": "photo", "video": "video", "animated_gif": "animation"}
_LANGUAGES = {"in": "id", "iw": "he", "ji": "yi"}
"""Posts still carry the codes that BCP 47 gave up (github.com/xdevplatform/docs/issues/307)."""
_NO_LANGUAGE = frozenset(("und", "zxx", "art", "qam", "qct", "qht", "qme", "qst"))
"""X's ways to say that a post is in no language: only mentions, only media, only links, ..."""

log = get_logger("ingest")


# --- posts -----------------------------------------------------------------------------------


def read_line(line: bytes, now: datetime) -> PostEvent | Unreadable:
    """One line of the stream as an event; ``now`` is the time of reading. Never raises."""
    try:
        message = _mapping(_parse(line))
        return map_post(message, now)
    except (ValueError, RecursionError) as error:
        return Unreadable(line, str(error))


def map_post(message: Mapping[str, Any], now: datetime) -> PostEvent:
    """``{"data": ..., "includes": ...}`` as an event; ``ValueError`` for what is no post.

    An edit is a new post to X, with a new id, up to five times in 30 minutes. Here it is the same
    post: its id is the first of the history, and its version the time in the id it has now.
    """
    data = _mapping(message.get("data"))
    includes = _mapping(message.get("includes"))
    native, author = _id(data.get("id")), _id(data.get("author_id"))
    if native is None:
        raise ValueError(f"a line with no post in it {_explanation(message)}".rstrip())
    if author is None or not isinstance(data.get("text"), str):
        raise ValueError("a post with no author or no text")
    first = _first_id(data)
    made, first_made = snowflake_time(native), snowflake_time(first)
    created = _time(data.get("created_at")) or made or now
    content = _content(data, includes)
    user = _included(includes, "users", "id", author)
    place = _included(includes, "places", "id", _mapping(data.get("geo")).get("place_id"))
    handle = _string(user.get("username"))
    entities = _entities(content)
    post = Post(
        id=post_id(SOURCE, first),
        source=SOURCE,
        author=_author(author, user),
        text=_text(content),
        created_at=first_made or created if native != first else created,
        url=f"https://x.com/{handle or 'i'}/status/{native}",
        language=_language(data.get("lang")),
        edited_at=made if native != first else None,
        **_references(data, includes),
        mentions=_unique(_each(entities, "mentions", "username")),
        hashtags=_unique(_each(entities, "hashtags", "tag")),
        links=_unique(_links(entities)),
        media=_media(content, includes),
        place=_string(place.get("full_name")),
        country=_string(place.get("country_code")),
        metrics=_metrics(_mapping(data.get("public_metrics"))),
    )
    version = microseconds(made or created)
    return PostEvent(
        op="upsert",
        id=post.id,
        source=SOURCE,
        version=max(0, version),
        ingested_at=now,
        post=bound_post(post, now),
    )


def _first_id(data: Mapping[str, Any]) -> str:
    """The id under which the post was first published."""
    history = [id_ for id_ in map(_id, _list(data.get("edit_history_tweet_ids"))) if id_]
    return min([*history, str(data["id"])], key=int)


def _content(data: Mapping[str, Any], includes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where text, entities and media are: in the post reposted, as a repost's own are cut."""
    for reference in _mappings(data.get("referenced_tweets")):
        if reference.get("type") == "retweeted":
            original = _included(includes, "tweets", "id", reference.get("id"))
            if isinstance(original.get("text"), str):
                return original
    return data


def _text(content: Mapping[str, Any]) -> str:
    """The whole text, with X's escapes of ``<``, ``>`` and ``&`` undone: as it was published."""
    text = _string(_mapping(content.get("note_tweet")).get("text")) or str(content["text"])
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _entities(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A long post's own entities, as the others end where the short text ends."""
    note = _mapping(_mapping(content.get("note_tweet")).get("entities"))
    return note or _mapping(content.get("entities"))


def _author(author_id: str, user: Mapping[str, Any]) -> Author:
    verified = user.get("verified")
    return Author(
        id=author_id,
        handle=_string(user.get("username")),
        name=_string(user.get("name")),
        followers=_count(_mapping(user.get("public_metrics")).get("followers_count")),
        verified=verified if isinstance(verified, bool) else None,
        created_at=_time(user.get("created_at")),
    )


def _references(data: Mapping[str, Any], includes: Mapping[str, Any]) -> dict[str, Any]:
    """``reply_to``, ``repost_of`` and ``quote_of``, by the first id where that is known."""
    fields = {"replied_to": "reply_to", "retweeted": "repost_of", "quoted": "quote_of"}
    found: dict[str, Any] = {}
    for reference in _mappings(data.get("referenced_tweets")):
        kind, native = reference.get("type"), _id(reference.get("id"))
        if native is not None and isinstance(kind, str) and kind in fields:
            included = _included(includes, "tweets", "id", native)
            found[fields[kind]] = post_id(SOURCE, _first_id(included or {"id": native}))
    return found


def _links(entities: Mapping[str, Any]) -> Iterator[str]:
    """Where the links lead; without those that X adds for media."""
    for url in _mappings(entities.get("urls")):
        if "media_key" in url:
            continue
        for key in ("unwound_url", "expanded_url", "url"):
            link = _string(url.get(key))
            if link is not None and link.startswith(("https://", "http://")):
                yield link
                break


def _media(content: Mapping[str, Any], includes: Mapping[str, Any]) -> list[Media]:
    found: list[Media] = []
    for key in _list(_mapping(content.get("attachments")).get("media_keys")):
        item = _included(includes, "media", "media_key", key)
        kind = item.get("type")
        if isinstance(kind, str):
            url = _string(item.get("url")) or _string(item.get("preview_image_url"))
            alt = _string(item.get("alt_text"))
            found.append(Media(type=_MEDIA_TYPES.get(kind, kind), url=url, alt=alt))
    return found


def _metrics(values: Mapping[str, Any]) -> Metrics:
    return Metrics(
        likes=_count(values.get("like_count")),
        reposts=_count(values.get("retweet_count")),
        replies=_count(values.get("reply_count")),
        quotes=_count(values.get("quote_count")),
        views=_count(values.get("impression_count")),
    )


def _language(code: object) -> str | None:
    if not isinstance(code, str) or not code or code in _NO_LANGUAGE:
        return None
    return _LANGUAGES.get(code, code)


# --- errors ----------------------------------------------------------------------------------


def _explanation(body: object) -> str:
    """What X says went wrong, in one short line (docs.x.com, "Response codes and errors")."""
    fields = _mapping(body)
    parts: list[str] = []
    for problem in [fields, *_mappings(fields.get("errors"))]:
        said = [problem.get(key) for key in ("title", "detail", "message")]
        parts += (text for text in said + _list(problem.get("details")) if isinstance(text, str))
    return "; ".join(filter(None, dict.fromkeys(parts)))[:500]


def _ends_the_stream(line: bytes) -> str | None:
    """X's explanation, where the line says that X is about to hang up."""
    if b'"data"' in line:
        return None
    try:
        message = _mapping(_parse(line))
    except (ValueError, RecursionError):
        return None
    for problem in [message, *_mappings(message.get("errors"))]:
        kind = str(problem.get("type") or "")
        if kind.endswith(("/operational-disconnect", "/streaming-connection")) or (
            "disconnect_type" in problem or "connection_issue" in problem
        ):
            return _explanation(message) or "no reason given"
    return None


# --- JSON that strangers wrote -----------------------------------------------------------------


def _parse(line: bytes) -> object:
    """JSON as Python objects; lone surrogates, which msgspec refuses, are let in (and replaced)."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return json.loads(line)


def _included(
    includes: Mapping[str, Any], kind: str, key: str, wanted: object
) -> Mapping[str, Any]:
    """The expanded object that a post refers to, or nothing."""
    if not isinstance(wanted, str):
        return {}
    return next((item for item in _mappings(includes.get(kind)) if item.get(key) == wanted), {})


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return (item for item in _list(value) if isinstance(item, dict))


def _each(values: Mapping[str, Any], kind: str, key: str) -> Iterator[str]:
    found = (_string(item.get(key)) for item in _mappings(values.get(kind)))
    return (text for text in found if text is not None)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _id(value: object) -> str | None:
    """X's ids are decimal strings, of 64 bits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        return value
    return None


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= 2**53 else None


def _time(text: object) -> datetime | None:
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        when = datetime.fromisoformat(text)
        return None if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _unique(values: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(values))


# --- the API -----------------------------------------------------------------------------------


class LineSplitter:
    """Lines out of chunks that end anywhere; a line is never held beyond ``MAX_LINE_BYTES``."""

    def __init__(self, most: int = MAX_LINE_BYTES) -> None:
        self._most = most
        self._held = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that this chunk completes, without their ends; of a long one, its start."""
        *complete, rest = (self._held + chunk).split(b"\n")
        for line in complete:
            if not self._skipping:
                yield line.removesuffix(b"\r")[: self._most]
            self._skipping = False
        self._held = b"" if self._skipping else rest
        if len(self._held) > self._most:
            yield self._held[: self._most]
            self._held, self._skipping = b"", True


class _HTTPError(Exception):
    """X answered with something other than 2xx."""

    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        body = next(response.iter_content(65_536), b"")
        try:
            parsed = _parse(body)
        except (ValueError, RecursionError):
            parsed = None
        self.about_backfill = b"backfill" in body
        self.explanation = _explanation(parsed) or response.reason or "no reason given"
        reset = response.headers.get("x-rate-limit-reset", "")
        self.reset_at = int(reset) if reset.isascii() and reset.isdigit() else None
        super().__init__(f"HTTP {self.status}: {self.explanation}")


class _Bearer(AuthBase):
    """Sets the header per request; as ``auth`` it also keeps a netrc file from replacing it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Client(tweepy.StreamingClient):  # type: ignore[misc]
    """Tweepy's client with our own host, time-outs and silence about the token."""

    def __init__(self, token: str, url: str, timeouts: tuple[float, float]) -> None:
        super().__init__(None, return_type=dict)
        self._bearer = _Bearer(token)
        self._url = url.rstrip("/")
        self._timeouts = timeouts
        self.response: requests.Response | None = None

    def request(
        self,
        method: str,
        route: str,
        params: Any = None,
        json: Any = None,
        user_auth: bool = False,
    ) -> requests.Response:
        """What every call of Tweepy's goes through; :class:`_HTTPError` unless 2xx."""
        return self._send(method, route, params=params, json=json)

    def _connect(self, method: str, endpoint: str, **kwargs: Any) -> None:
        """One connection; called by Tweepy's ``filter``. Whoever called that reads it."""
        route = f"/2/tweets/{endpoint}/stream"
        self.response = self._send(method, route, params=kwargs.get("params"), stream=True)

    def _send(self, method: str, route: str, **rest: Any) -> requests.Response:
        response: requests.Response = self.session.request(
            method,
            self._url + route,
            auth=self._bearer,
            headers={"User-Agent": "tocsin"},
            timeout=self._timeouts,
            allow_redirects=False,
            **rest,
        )
        if not 200 <= response.status_code < 300:
            with response:
                raise _HTTPError(response)
        return response

    # --- rules ---

    def rules(self) -> list[Rule]:
        """The project's rules, ours and others'."""
        found = _mappings(_mapping(self.get_rules()).get("data"))
        return [
            Rule(value=str(rule.get("value")), tag=_string(rule.get("tag")), id=_id(rule.get("id")))
            for rule in found
        ]

    def add(self, rules: Sequence[Rule], *, dry_run: bool) -> None:
        """Add rules; :class:`SourceError` with X's words for those that it does not take."""
        made = [tweepy.StreamRule(value=rule.value, tag=rule.tag) for rule in rules]
        # Tweepy would send a bool as Python spells it.
        answer = _mapping(self.add_rules(made, **({"dry_run": "true"} if dry_run else {})))
        for problem in _mappings(answer.get("errors")):
            if str(problem.get("type") or "").endswith("/duplicate-rules"):
                continue  # somebody was quicker; the posts come all the same
            tag = next((rule.tag for rule in rules if rule.value == problem.get("value")), None)
            raise SourceError(
                f"X does not take the rule {tag or '?'} ({problem.get('value')!r}): "
                f"{_explanation(problem) or 'no reason given'}; change that brand's names, "
                "handles or exclusions, or the number of brands"
            )

    def reconcile(self, wanted: Sequence[Rule]) -> None:
        """Make the project's rules the wanted ones; nothing is sent where they already are.

        What is wrong is found by a dry run, before anything is deleted; deleting comes before
        adding, as a plan allows only so many rules. Nothing is streamed meanwhile.
        """
        to_add, to_delete = reconcile(wanted, self.rules())
        if to_add:
            self.add(to_add, dry_run=True)
        if to_delete:
            self.delete_rules(to_delete)
        if to_add:
            self.add(to_add, dry_run=False)
        if to_add or to_delete:
            log.info("rules reconciled", source=SOURCE, added=len(to_add), deleted=len(to_delete))


# --- the stream --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """What was read, and when; ``text`` is None for a keep-alive."""

    at: datetime
    text: bytes | None


class _Stream:
    """The thread that keeps one connection to X open and puts its lines into a bounded queue."""

    def __init__(
        self,
        client: _Client,
        rules: Sequence[Rule],
        *,
        source_id: str,
        backfill_minutes: int,
        buffer_lines: int,
        gap_after_s: float,
        waits: XWaits,
        clock: Clock,
    ) -> None:
        self._client = client
        self._rules = rules
        self._source_id = source_id
        self._backfill_minutes = backfill_minutes
        self._gap_after_s = gap_after_s
        self._clock = clock
        self._backoff = XBackoff(waits)
        self._lines: queue.Queue[_Line | None] = queue.Queue(buffer_lines)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="x-stream", daemon=True)
        self._reconciled = False
        self._missing_since: datetime | None = None
        self._last_line: datetime | None = None
        self.failure: Exception | None = None

    def start(self, last_seen: datetime | None) -> None:
        """Connect, and read from now on."""
        self._missing_since = last_seen
        self._thread.start()

    def stop(self) -> None:
        """Hang up; a read that is under way ends."""
        self._stop.set()
        response = self._client.response
        if response is not None:
            # Any of these: it was just ending by itself.
            with suppress(AttributeError, OSError, RuntimeError, ValueError):
                response.raw.shutdown()
        if self._thread.is_alive():
            self._thread.join(MAX_WAIT_S)

    def take(self, timeout_s: float) -> _Line | None:
        """The next line, or None if none came in time (or ever will: see ``failure``)."""
        try:
            return self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _run(self) -> None:
        """Connect again and again; what ends this is told to whoever takes lines."""
        try:
            while not self._stop.is_set():
                cause, reset_in_s = self._once()
                wait = self._backoff.failed(cause, reset_in_s)
                if self._stop.wait(wait):
                    break
                metrics.INGEST_RECONNECTS.labels(self._source_id, cause).inc()
        except Exception as error:  # noqa: BLE001 - it is raised where lines are taken
            self.failure = error
            with suppress(queue.Full):  # wakes whoever waits; nobody waits for a full queue
                self._lines.put_nowait(None)
        finally:
            self._client.session.close()

    def _once(self) -> tuple[Cause, float | None]:
        """One connection from beginning to end: what ended it, and when a rate limit resets."""
        try:
            if not self._reconciled:
                self._client.reconcile(self._rules)
                self._reconciled = True
            backfill = self._backfill_minutes
            more = {"backfill_minutes": backfill} if backfill else {}
            self._client.filter(**PARAMETERS, **more)
        except _HTTPError as error:
            return self._refused(error)
        except requests.RequestException as error:
            log.warning("no connection", source=self._source_id, error=type(error).__name__)
            return "refused", None
        response = self._client.response
        assert response is not None
        with response:
            self._count_gap(60 * backfill)
            metrics.INGEST_CONNECTED.labels(self._source_id).set(1)
            cause = self._read(response)
            metrics.INGEST_CONNECTED.labels(self._source_id).set(0)
        self._client.response = None
        self._missing_since = self._last_line if cause == "stalled" else self._clock()
        if not self._stop.is_set():
            log.warning("connection lost", source=self._source_id, cause=cause)
        return cause, None

    def _refused(self, error: _HTTPError) -> tuple[Cause, float | None]:
        """What an HTTP error means: waiting, giving up a wish, or a person's work."""
        status = error.status
        log.warning("refused", source=self._source_id, status=status, error=error.explanation)
        if self._backfill_minutes and (status == 400 or (status == 403 and error.about_backfill)):
            log.warning("the plan has no backfill; going on without", source=self._source_id)
            self._backfill_minutes = 0
            return "refused", None
        if status in (420, 429):
            now = self._clock().timestamp()
            return "limited", None if error.reset_at is None else error.reset_at - now
        if status == 409:  # somebody deleted the rules meanwhile
            self._reconciled = False
            return "unavailable", None
        if status >= 500 or status in (408, 425):
            return "unavailable", None
        raise SourceError(_advice(status, error.explanation))

    def _count_gap(self, backfill_s: float) -> None:
        """Count what was published while nobody listened and will not come again."""
        since, self._missing_since = self._missing_since, None
        if since is None:
            return
        missed_s = (self._clock() - since).total_seconds() - backfill_s
        if missed_s > self._gap_after_s:
            metrics.INGEST_GAPS.labels(self._source_id).inc()
            metrics.INGEST_GAP_SECONDS.labels(self._source_id).inc(missed_s)
            log.error("posts are missed", source=self._source_id, seconds=missed_s)

    def _read(self, response: requests.Response) -> Cause:
        """Read until it ends; the socket's time-out is the keep-alive watchdog."""
        self._last_line = self._clock()
        if self._stop.is_set():  # stop() came too early to find a response to shut down
            return "dropped"
        splitter = LineSplitter()
        try:
            for chunk in response.iter_content(16_384):
                for line in splitter.feed(chunk):
                    farewell = _ends_the_stream(line) if line else None
                    if farewell is not None:
                        log.warning("X hangs up", source=self._source_id, error=farewell)
                        return "disconnected"
                    self._put(_Line(self._clock(), line or None))
                if self._stop.is_set():
                    break
        except requests.RequestException as error:
            reason = error.args[0] if error.args else None
            timed_out = isinstance(reason, urllib3.exceptions.ReadTimeoutError)
            return "stalled" if timed_out else "dropped"
        return "dropped"

    def _put(self, line: _Line) -> None:
        """Queue a line; while the queue is full, nothing more is read."""
        self._backoff.healthy()
        self._last_line = line.at
        while not self._stop.is_set():
            try:
                self._lines.put(line, timeout=0.5)
                return
            except queue.Full:
                continue


def _advice(status: int, explanation: str) -> str:
    """What a person has to do about an HTTP error that waiting does not mend."""
    said = f"X answers {status} ({explanation})"
    if status == 401:
        return f"{said}: TOCSIN_INGEST_X_BEARER_TOKEN is not a valid app-only Bearer token"
    if status == 403:
        return (
            f"{said}: the token in TOCSIN_INGEST_X_BEARER_TOKEN must belong to an app in a project "
            "whose plan has the filtered stream"
        )
    return f"{said}: check that TOCSIN_INGEST_X_URL is the address of the X API"


# --- the source --------------------------------------------------------------------------------


class XSource:
    """Posts that match ``rules``; see the module's docstring.

    ``keep`` drops events right after mapping. The waits are arguments so that tests need not
    sleep; the defaults are X's.
    """

    def __init__(
        self,
        token: SecretStr | None,
        rules: Sequence[Rule],
        *,
        url: str = "https://api.x.com",
        backfill_minutes: int = 0,
        keep_alive_timeout_s: float = 45.0,
        keep: Callable[[PostEvent], bool] | None = None,
        source_id: str = SOURCE,
        buffer_lines: int = 1_000,
        batch_events: int = 500,
        batch_within_s: float = 0.2,
        connect_timeout_s: float = 10.0,
        gap_after_s: float = 1.0,
        waits: XWaits | None = None,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token
        self._rules = list(rules)
        self._url = url
        self._backfill_minutes = backfill_minutes
        self._timeouts = (connect_timeout_s, keep_alive_timeout_s)
        self._keep = keep
        self._source_id = source_id
        self._buffer_lines = buffer_lines
        self._batch_events = batch_events
        self._batch_within_s = batch_within_s
        self._gap_after_s = gap_after_s
        self._waits = waits or XWaits()
        self._clock = clock
        self._monotonic = monotonic
        self._stream: _Stream | None = None
        self._last_id = 0
        self._last_seen: datetime | None = None

    @property
    def source_id(self) -> str:
        """One project, one stream, one checkpoint; it only says until when X was heard."""
        return self._source_id

    def open(self, position: Position | None) -> None:
        """Check what a person may have got wrong, then let the reading thread begin."""
        token = _checked_token(self._token)
        _check_url(self._url)
        if not self._rules:
            raise SourceError("there is nothing to ask X for: no brand has a name or an X handle")
        if position is not None:
            self._last_seen = _time(position.get("last_seen"))
            self._last_id = int(_id(position.get("last_id")) or 0)
            if self._last_seen is None:
                raise SourceError(
                    f"the checkpoint of {self.source_id} has no last_seen; run "
                    f"'tocsin checkpoints reset {self.source_id}' to start it afresh"
                )
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)
        self._stream = _Stream(
            _Client(token, self._url, self._timeouts),
            self._rules,
            source_id=self.source_id,
            backfill_minutes=self._backfill_minutes,
            buffer_lines=self._buffer_lines,
            gap_after_s=self._gap_after_s,
            waits=self._waits,
            clock=self._clock,
        )
        self._stream.start(self._last_seen)

    def next_batch(self) -> Batch:
        """What the reading thread has queued; what ended it is raised once that is handed out."""
        stream = self._stream
        if stream is None:
            raise RuntimeError("next_batch() without open()")
        events: list[PostEvent] = []
        unreadable: list[Unreadable] = []
        received, wait, until = 0, MAX_WAIT_S, float("inf")
        while received < self._batch_events and wait > 0:
            failure = stream.failure
            line = stream.take(0.01 if failure else wait)
            if line is None:
                if failure and not received:
                    raise failure
                break
            received += 1
            self._take(line, events, unreadable)
            until = min(until, self._monotonic() + self._batch_within_s)
            wait = until - self._monotonic()
        if self._last_seen is not None and received:
            metrics.INGEST_LAST_RECEIVED.labels(self.source_id).set(self._last_seen.timestamp())
        return Batch(events, self._position(), unreadable)

    def close(self) -> None:
        """Hang up."""
        if self._stream is not None:
            self._stream.stop()
        metrics.INGEST_CONNECTED.labels(self.source_id).set(0)

    def _take(self, line: _Line, events: list[PostEvent], unreadable: list[Unreadable]) -> None:
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

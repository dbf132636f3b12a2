"""Reads one line of JSON as a post: ``{"id", "text"}`` is enough, everything else may be absent.

For files that people bring along and for ``tocsin annotate``: pure, lenient about what is missing
and about how ids, authors and times are written, and bounded like every other post that enters
(``schemas/bounds.py``). What cannot be read is :class:`NotAPost`, whatever the bytes are.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct, field

from schemas import bounds
from schemas.bounds import bound_post, clean_text, plausible
from schemas.codec import POST_EVENT
from schemas.errors import InvalidMessage, TocsinError
from schemas.ids import EPOCH, microseconds, post_id
from schemas.post import Author, Media, Metrics, Post, PostDelete, PostEvent, PostUpsert
from schemas.types import Count
from text.markup import markup_of

MAX_SOURCE = 64
"""Most code points of a source's name (``Post.source``)."""
_MILLISECONDS_FROM = 1e11
"""Numbers of this size count milliseconds: in seconds they would be the year 5138."""


class NotAPost(TocsinError):
    """A line that is no post; the message says what is missing or wrong."""


class AuthorLine(Struct, frozen=True):
    """The author as files write it."""

    id: str | int | None = None
    handle: str | None = None
    name: str | None = None
    followers: Count | None = None
    verified: bool | None = None
    created_at: datetime | int | float | None = None


class PostLine(Struct, frozen=True):
    """A post as files write it: the fields of ``Post``, nearly all of them optional."""

    id: str | int
    text: str
    created_at: datetime | int | float | None = None
    author: AuthorLine | str | int | None = None
    source: str | None = None
    url: str | None = None
    title: str | None = None
    language: str | None = None
    edited_at: datetime | int | float | None = None
    claimed_at: datetime | int | float | None = None
    reply_to: str | int | None = None
    repost_of: str | int | None = None
    quote_of: str | int | None = None
    mentions: list[str] | None = None
    hashtags: list[str] | None = None
    links: list[str] | None = None
    media: list[Media] | None = None
    place: str | None = None
    country: str | None = None
    metrics: Metrics | None = None
    truncated: bool = False
    labels: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    # As queries call them, for files that have no objects within objects.
    lang: str | None = None
    followers: Count | None = None
    verified: bool | None = None
    likes: Count | None = None
    reposts: Count | None = None
    replies: Count | None = None
    quotes: Count | None = None
    views: Count | None = None


class _Operation(Struct):
    op: Any = None


_decode = msgspec.json.Decoder(PostLine).decode
_decode_operation = msgspec.json.Decoder(_Operation).decode
_NO_METRICS = Metrics()


def utc(when: datetime | int | float | None) -> datetime | None:
    """An aware UTC time out of what files write; a time without an offset is taken as UTC."""
    if when is None:
        return None
    try:
        if isinstance(when, datetime):
            if when.tzinfo is UTC:
                return when
            return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        seconds = when / 1000 if abs(when) >= _MILLISECONDS_FROM else when
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise NotAPost("a time of the post lies outside of the calendar; correct it") from None


def full_id(source: str, native: str | int | None) -> str | None:
    """``source:native id``; what is already written so is left so."""
    if native is None or native == "":
        return None
    text = clean_text(str(native))
    return post_id(source, text.removeprefix(f"{source}:"))


def _label(value: str | int | float | bool) -> str:
    """A label as text; true and false as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _author(given: AuthorLine | str | int | None, own_id: str) -> Author:
    """The author; one who is not named is a different one for every post.

    One shared "unknown" would look like a single very busy account to whatever counts authors.
    """
    if isinstance(given, str | int):
        given = AuthorLine(id=given, handle=given.lstrip("@") if isinstance(given, str) else None)
    if given is None:
        return Author(id=f"unknown-{own_id}")
    handle = given.handle.lstrip("@") if given.handle else None
    known_by = given.id if given.id not in (None, "") else (handle or given.name)
    return Author(
        id=f"unknown-{own_id}" if known_by in (None, "") else str(known_by),
        handle=handle,
        name=given.name,
        followers=given.followers,
        verified=given.verified,
        created_at=utc(given.created_at),
    )


def _metrics(bare: PostLine) -> Metrics:
    if bare.metrics is not None:
        return bare.metrics
    flat = (bare.likes, bare.reposts, bare.replies, bare.quotes, bare.views)
    if flat == (None,) * 5:
        return _NO_METRICS
    return Metrics(likes=flat[0], reposts=flat[1], replies=flat[2], quotes=flat[3], views=flat[4])


def _post(bare: PostLine, id_: str, source: str, created_at: datetime) -> Post:
    mentions, hashtags, links = bare.mentions, bare.hashtags, bare.links
    if mentions is None or hashtags is None or links is None:
        found = markup_of(bare.text[: bounds.MAX_TEXT])
        mentions = found.mentions if mentions is None else mentions
        hashtags = found.hashtags if hashtags is None else hashtags
        links = found.links if links is None else links
    author = _author(bare.author, id_)
    if bare.followers is not None:
        author = msgspec.structs.replace(author, followers=bare.followers)
    if bare.verified is not None:
        author = msgspec.structs.replace(author, verified=bare.verified)
    return Post(
        id=id_,
        source=source,
        author=author,
        text=bare.text,
        created_at=created_at,
        url=bare.url,
        title=bare.title,
        language=bare.language or bare.lang,
        edited_at=utc(bare.edited_at),
        claimed_at=utc(bare.claimed_at),
        reply_to=full_id(source, bare.reply_to),
        repost_of=full_id(source, bare.repost_of),
        quote_of=full_id(source, bare.quote_of),
        mentions=mentions,
        hashtags=hashtags,
        links=links,
        media=bare.media or [],
        place=bare.place,
        country=bare.country,
        metrics=_metrics(bare),
        truncated=bare.truncated,
        labels={key: _label(value) for key, value in bare.labels.items() if value is not None},
    )


def _needs_no_bounds(post: Post, now: datetime, line: bytes) -> bool:
    """Whether ``bound_post`` would change nothing, told from the line that the post was read of.

    Text that came out of a line is no longer than the line, and strict JSON holds neither NUL nor
    lone surrogate but as an escape. Only lists, times and codes are then left to be looked at.
    """
    return (
        len(line) <= bounds.MAX_SHORT
        and b"\\u0000" not in line
        and plausible(post.created_at, now)
        and (post.edited_at is None or plausible(post.edited_at, now))
        and (post.language is None or len(post.language) <= 35)
        and (post.country is None or len(post.country) <= 2)
        and not post.media
        and len(post.mentions) <= bounds.MAX_ITEMS
        and len(post.hashtags) <= bounds.MAX_ITEMS
        and len(post.links) <= bounds.MAX_ITEMS
        and len(post.labels) <= bounds.MAX_ITEMS
    )


def _native_id(given: str | int) -> str:
    native = clean_text(str(given))
    if not native:
        raise NotAPost("the post's id is empty; give every post an id of its own")
    return native


def source_name(given: str | None, default: str) -> str:
    """The post's own source where it names one, else ``default``."""
    source = clean_text(given) if given else default
    if not 1 <= len(source) <= MAX_SOURCE or ":" in source:
        raise NotAPost(f"a source's name has 1 to {MAX_SOURCE} characters and no colon; rename it")
    return source


def event_of(
    bare: PostLine, now: datetime, default_source: str, line: bytes | None = None
) -> PostEvent:
    """The upsert that the bare post is; ``line`` is what it was decoded from, if JSON.

    The version is the post's own time, so that reading it twice changes nothing.
    """
    source = source_name(bare.source, default_source) if bare.source else default_source
    native = _native_id(bare.id)
    id_ = post_id(source, native.removeprefix(f"{source}:") or native)
    post = _post(bare, id_, source, utc(bare.created_at) or now)
    if line is None or not _needs_no_bounds(post, now, line):
        post = bound_post(post, now)
    return PostUpsert(
        id=id_,
        source=source,
        version=microseconds(post.edited_at or post.created_at),
        ingested_at=now,
        post=post,
    )


def delete_of(source: str, given_id: str | int, now: datetime, when: datetime | None) -> PostEvent:
    """The delete of a post, at ``when`` if the source says so and it is believable."""
    native = _native_id(given_id)
    if when is None or not plausible(when, now):
        when = now
    return PostDelete(
        id=post_id(source, native.removeprefix(f"{source}:") or native),
        source=source,
        version=microseconds(when),
        ingested_at=now,
    )


def read_bare(line: bytes, now: datetime, default_source: str) -> PostEvent:
    """Read one bare post, or raise :class:`NotAPost`. ``now`` stands in for an absent time."""
    try:
        bare = _decode(line)
    except msgspec.ValidationError as error:
        raise NotAPost(f"this is not a post: {error}; a post needs id and text") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAPost(f"this is not JSON: {error}") from None
    return event_of(bare, now, default_source, line)


def _read_own(line: bytes, now: datetime) -> PostEvent:
    """Read tocsin's own format; only the time of reading is new."""
    try:
        event = POST_EVENT.decode(line)
    except InvalidMessage as error:
        raise NotAPost(f"this has an op but is no PostEvent: {error.detail}") from None
    if isinstance(event, PostUpsert):
        post = bound_post(event.post, now)
        return msgspec.structs.replace(event, id=post.id, post=post, ingested_at=now)
    return msgspec.structs.replace(event, id=clean_text(event.id), ingested_at=now)


def read_post_line(line: bytes, now: datetime, default_source: str) -> PostEvent:
    """Read a line that is a PostEvent (it has ``op``) or a bare post, or raise NotAPost."""
    if b'"op"' in line:
        try:
            operation = _decode_operation(line).op
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise NotAPost(f"this is not a JSON object: {error}") from None
        if operation is not None:
            return _read_own(line, now)
    return read_bare(line, now, default_source)


def event_time(event: PostEvent) -> datetime:
    """When the change happened, for pace and order: edit, publication, or a delete's version."""
    if isinstance(event, PostUpsert):
        return event.post.edited_at or event.post.created_at
    try:
        return EPOCH + timedelta(microseconds=event.version)
    except OverflowError:
        return event.ingested_at

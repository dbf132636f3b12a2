"""Reads one line of JSON as a post; only ``id`` and ``text`` are required.

For files and for the offline commands: pure, lenient about the format of ids, authors and times,
and bounded like every post (``schemas/bounds.py``). Any other bytes raise
:class:`~ingestors.files.cells.NotAPost`.
"""

import hashlib
import math
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from ingestors.coerce import MAX_VALUES, has_more_values
from ingestors.files.cells import NotAPost, Tally, mark_of, native_id, unescaped
from ingestors.files.loose_json import (
    AuthorLine,
    CommunityLine,
    PostLine,
    RatingLine,
    loose_post,
)
from schemas import bounds
from schemas.bounds import bound_post, clean_text, plausible
from schemas.codec import POST_EVENT
from schemas.countries import country_code
from schemas.errors import InvalidMessage
from schemas.ids import microseconds, post_id
from schemas.post import (
    Author,
    Community,
    Metrics,
    Post,
    PostDelete,
    PostEvent,
    PostUpsert,
    Publisher,
    Rating,
)
from text.markup import markup_of

MAX_STRICT_VALUES = 1_000
"""Values of a line up to which it is decoded as it is; of more, each is looked at first."""
MAX_MARKED = 20_000
"""Code points of text in which handles, hashtags and links are looked for."""
MAX_SOURCE = 64
"""Maximum code points of ``Post.source``."""
_MILLISECONDS_FROM = 1e11
"""Larger numbers are milliseconds: in seconds they would be after the year 5138."""


class _Operation(Struct):
    op: Any = None


_REPOST = re.compile(r"RT @(\w{1,50}):? ")
_decode = msgspec.json.Decoder(PostLine).decode
_decode_operation = msgspec.json.Decoder(_Operation).decode
_NO_AUTHOR = AuthorLine()


def utc(when: datetime | int | float | None) -> datetime | None:
    """Convert to an aware UTC time; a time without an offset counts as UTC."""
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
        raise NotAPost("a time of the post is outside the calendar; correct it") from None


def _optional(when: datetime | int | float | None, field: str, tally: Tally) -> datetime | None:
    """A time without which the post is worth keeping."""
    try:
        return utc(when)
    except NotAPost:
        tally.drop(field, when)
        return None


def full_id(source: str, native: str | int | None) -> str | None:
    """``source:native id``; an id that has its prefix keeps it."""
    if native is None or native == "":
        return None
    text = clean_text(str(native))
    return post_id(source, text.removeprefix(f"{source}:") or text)


def _reference(source: str, given: str | int | None, field: str, tally: Tally) -> str | None:
    """The full id of another post; None if there is none, or if its id was rounded."""
    return full_id(
        source, _exact_id(None if given is None else _without(source, given), field, tally)
    )


def _exact_id(given: str | int | None, field: str, tally: Tally) -> str | None:
    """A rounded id, which would be that of many, costs itself alone."""
    try:
        return native_id(given)
    except NotAPost:
        tally.drop(field, given)
        return None


def _without(source: str, given: str | int) -> str | int:
    """The id without its source; what stands behind the source may be rounded too."""
    return given.strip().removeprefix(f"{source}:") if isinstance(given, str) else given


def _label(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _author(line: PostLine, own_id: str, tally: Tally) -> Author:
    """The author; each post without one gets its own.

    One shared "unknown" would look like a single very busy account to every count of authors.
    """
    author = line.author
    if isinstance(author, str | int):
        author = AuthorLine(author, author.lstrip("@") if isinstance(author, str) else None)
    elif author is None:
        author = _NO_AUTHOR
    handle = author.handle.lstrip("@") if author.handle else None
    named = author.name if handle == author.id else handle or author.name
    author_id = _exact_id(author.id, "author.id", tally) or named
    return Author(
        id=author_id or f"unknown-{own_id}",
        handle=handle,
        name=author.name,
        followers=author.followers if line.followers is None else line.followers,
        verified=author.verified if line.verified is None else line.verified,
        created_at=_optional(author.created_at, "author.created_at", tally),
        url=author.url,
        bot=author.bot if line.bot is None else line.bot,
    )


def _community(line: PostLine, tally: Tally) -> Community | None:
    """The community; one without an id has its name for it."""
    given = line.community
    if given is None or isinstance(given, str | int):
        given = CommunityLine(given)
    id_ = _exact_id(given.id, "community.id", tally) or given.name
    if not id_:
        return None
    return Community(id=id_, name=given.name, url=given.url, members=given.members)


def _publisher(line: PostLine, tally: Tally) -> Publisher | None:
    given = line.publisher
    if given is None or isinstance(given, str):
        return Publisher(name=given) if given else None
    code = _country(given.country, "publisher.country", tally)
    given = msgspec.structs.replace(given, country=code)
    return None if given == Publisher() else given


def _rating(line: PostLine, tally: Tally) -> Rating | None:
    """The mark on its scale, which is 1 to 5 as far as nothing tells another."""
    given = line.rating
    if given is None or given == "":
        return None
    if not isinstance(given, RatingLine):
        given = RatingLine(given)
    value, told = mark_of(given.value) or (math.nan, None)
    best, worst = (None if each is None else mark_of(each) for each in (given.best, given.worst))
    told = best[0] if best else told
    scale = {} if told is None else {"best": told}
    try:
        return Rating(value=value, **scale, **({"worst": worst[0]} if worst else {}))
    except ValueError:
        tally.drop("rating", given.value)
        return None


def _repost_of(line: PostLine, source: str, text: str, tally: Tally) -> str | None:
    """The repeated post; of "RT @name: ..." without an id, one made of what it repeats."""
    is_copy = text.startswith("RT @") and _REPOST.match(text)
    if is_copy and line.repost_of is None and line.quote_of is None:
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
        return post_id(source, f"rt-{digest}")
    return _reference(source, line.repost_of, "repost_of", tally)


def _copied_from(line: PostLine, text: str) -> list[str]:
    """Ids of the authors whose words the text repeats; of "RT @name: ..." the name.

    A file without ids of authors has their names for ids.
    """
    if line.copied_from is not None:
        return line.copied_from
    copy = _REPOST.match(text) if text.startswith("RT @") else None
    return [copy[1]] if copy else []


def _country(given: str | None, field: str, tally: Tally) -> str | None:
    code = country_code(given) if given else None
    if given and code is None:
        tally.drop(field, given)
    return code


def _post(
    line: PostLine, id_: str, source: str, created_at: datetime, tally: Tally, html: bool
) -> Post:
    mentions, hashtags, links = line.mentions, line.hashtags, line.links
    # An entity costs as much as many letters, so the text is cut before they are replaced.
    whole = line.text[: bounds.MAX_TEXT]
    text = unescaped(whole) if html else whole
    if mentions is None or hashtags is None or links is None:
        markup = markup_of(text[:MAX_MARKED])
        mentions = markup.mentions if mentions is None else mentions
        hashtags = markup.hashtags if hashtags is None else hashtags
        links = markup.links if links is None else links
    return Post(
        id=id_,
        source=source,
        author=_author(line, id_, tally),
        text=text,
        created_at=created_at,
        url=line.url,
        title=unescaped(line.title[: bounds.MAX_TEXT]) if html and line.title else line.title,
        language=line.language or line.lang,
        edited_at=_optional(line.edited_at, "edited_at", tally),
        claimed_at=_optional(line.claimed_at, "claimed_at", tally),
        reply_to=_reference(source, line.reply_to, "reply_to", tally),
        repost_of=_repost_of(line, source, text, tally),
        quote_of=_reference(source, line.quote_of, "quote_of", tally),
        thread=_reference(source, line.thread, "thread", tally),
        copied_from=_copied_from(line, text),
        mentions=mentions,
        hashtags=hashtags,
        links=links,
        media=line.media or [],
        place=line.place,
        country=_country(line.country, "country", tally),
        format=line.format,
        community=_community(line, tally),
        about=None if line.about is None else str(line.about),
        about_name=line.about_name,
        rating=_rating(line, tally),
        publisher=_publisher(line, tally),
        keep_until=_optional(line.keep_until, "keep_until", tally),
        metrics=line.metrics
        or Metrics(
            likes=line.likes,
            reposts=line.reposts,
            replies=line.replies,
            quotes=line.quotes,
            views=line.views,
            score=line.score,
            dislikes=line.dislikes,
            saves=line.saves,
        ),
        truncated=line.truncated or len(line.text) > bounds.MAX_TEXT,
        labels={name: _label(value) for name, value in line.labels.items() if value is not None},
    )


def _is_bounded(post: Post, now: datetime, line: bytes) -> bool:
    """Whether ``bound_post`` would change nothing, judged by the line that held the post.

    Text is no longer than its line, and strict JSON holds NUL and lone surrogates as escapes only;
    so only lists, times and codes are left to check.
    """
    return (
        len(line) <= bounds.MAX_SHORT
        and b"\\u0000" not in line
        and plausible(post.created_at, now)
        and (post.edited_at is None or plausible(post.edited_at, now))
        and (post.language is None or len(post.language) <= 35)
        and (post.keep_until is None or post.keep_until >= bounds.EARLIEST)
        and not post.media
        and len(post.mentions) <= bounds.MAX_ITEMS
        and len(post.hashtags) <= bounds.MAX_ITEMS
        and len(post.links) <= bounds.MAX_ITEMS
        and len(post.labels) <= bounds.MAX_ITEMS
        and len(post.copied_from) <= bounds.MAX_ITEMS
    )


def _own_id(source: str, native: str | int) -> str:
    id_ = full_id(source, native_id(_without(source, native)))
    if id_ is None:
        raise NotAPost("the id of the post is empty; give every post a unique id")
    return id_


def source_name(given: str | None, default: str) -> str:
    source = clean_text(given) if given else default
    if not 1 <= len(source) <= MAX_SOURCE or ":" in source:
        raise NotAPost(f"a source must have 1 to {MAX_SOURCE} characters and no colon; rename it")
    return source


def event_of(
    line: PostLine,
    now: datetime,
    default_source: str,
    payload: bytes | None = None,
    *,
    tally: Tally | None = None,
    html: bool = True,
) -> PostEvent:
    """The upsert of the line, decoded from ``payload`` if that was JSON.

    Its version is the time of the post, so reading again is harmless. ``html``: its texts may hold
    entities. What had to be left out goes to ``tally``.
    """
    source = source_name(line.source, default_source) if line.source else default_source
    id_ = _own_id(source, line.id)
    tally = Tally() if tally is None else tally
    post = _post(line, id_, source, utc(line.created_at) or now, tally, html)
    if payload is None or not _is_bounded(post, now, payload):
        post = bound_post(post, now)
    return PostUpsert(
        id=id_,
        source=source,
        version=microseconds(post.edited_at or post.created_at),
        ingested_at=now,
        post=post,
    )


def delete_of(
    source: str,
    given_id: str | int,
    now: datetime,
    *,
    deleted: datetime | None = None,
    created: datetime | None = None,
    edited: datetime | None = None,
) -> PostEvent:
    """The removal of a post.

    Where the row does not say when, it is as new as the reading: a removal is newer than every
    edit, of which the row may not know.
    """
    known = [when for when in (created, edited) if when is not None and plausible(when, now)]
    if deleted is None or not plausible(deleted, now):
        deleted = now
    created = created if created is not None and plausible(created, now) else None
    return PostDelete(
        id=_own_id(source, given_id),
        source=source,
        version=microseconds(max([deleted, *known])),
        ingested_at=now,
        created_at=created,
    )


def _read_own(line: bytes, now: datetime) -> PostEvent:
    try:
        event = POST_EVENT.decode(line)
    except InvalidMessage as error:
        raise NotAPost(f"this has an op but is not a PostEvent: {error.detail}") from None
    if isinstance(event, PostUpsert):
        post = bound_post(event.post, now)
        return msgspec.structs.replace(event, id=post.id, post=post, ingested_at=now)
    return msgspec.structs.replace(event, id=clean_text(event.id), ingested_at=now)


def _operation(line: bytes) -> Any:
    try:
        return _decode_operation(line).op
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None  # what is wrong with it is told where the post is read


def read_post_line(
    line: bytes, now: datetime, default_source: str, tally: Tally | None = None
) -> PostEvent:
    """Read a PostEvent (it has ``op``) or a bare post, or raise NotAPost.

    ``now`` is the time of reading and the default of an absent time. A value that cannot be read
    goes to ``tally`` and costs only itself, except the id, the text, the time and the source.
    """
    tally = Tally() if tally is None else tally
    is_plain = not has_more_values(line, MAX_STRICT_VALUES)
    if not is_plain and has_more_values(line, MAX_VALUES):
        raise NotAPost(f"this has more than {MAX_VALUES} values, so it is no post")
    if b'"op"' in line and _operation(line) is not None:
        return _read_own(line, now)
    if is_plain:
        try:
            return event_of(_decode(line), now, default_source, line, tally=tally)
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            pass
    return event_of(loose_post(line, tally), now, default_source, tally=tally)

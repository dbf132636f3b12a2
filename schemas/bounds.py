"""Bounds on hostile input, applied once, where a post enters.

Text is data: bidi marks, emoji and rare scripts pass unchanged. Characters that no store can hold
(lone surrogates, NUL) are replaced one for one, so offsets stay true. Long text is cut and marked.
An implausible date is replaced by the time of reading and kept in ``claimed_at``.
"""

import re
from datetime import UTC, datetime, timedelta

import msgspec

from schemas.countries import country_code
from schemas.post import Community, Media, Post, Publisher

MAX_TEXT = 100_000
"""Code points of text kept; four times the longest post of a large platform."""
MAX_READ = 10_000
"""Code points of a text that queries and annotators read: its first part, so offsets stay true.

The live matcher, the index, fingerprints and terms cut at the same place, so they agree. One post
then costs at most tens of milliseconds, whatever it is made of; the whole text is stored and shown.
"""
MAX_SHORT = 2_048
"""Code points kept of names, titles, places, URLs and other short fields."""
MAX_ITEMS = 100
"""Entries kept of each list in a post (mentions, hashtags, links, media, labels)."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No public post is older; an earlier date is a default value of some software."""
LIVE_TOLERANCE = timedelta(minutes=1)
"""How far ahead of our clock a live post may be dated without a remark in ``claimed_at``."""
FUTURE = timedelta(days=1)
"""How far ahead of our clock a date may be: wrong time zones are common, wrong clocks are not."""

_UNHOLDABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean_text(text: str) -> str:
    """Replace NULs and lone surrogates, one for one."""
    if text.isascii() and "\x00" not in text:
        return text
    return _UNHOLDABLE.sub(REPLACEMENT, text)


def _short(text: str | None) -> str | None:
    return None if text is None else clean_text(text[:MAX_SHORT])


def _shorts(texts: list[str]) -> list[str]:
    return [clean_text(text[:MAX_SHORT]) for text in texts[:MAX_ITEMS]]


def _community(given: Community | None) -> Community | None:
    if given is None:
        return None
    return msgspec.structs.replace(
        given,
        id=clean_text(given.id[:MAX_SHORT]),
        name=_short(given.name),
        url=_short(given.url),
    )


def _publisher(given: Publisher | None) -> Publisher | None:
    if given is None:
        return None
    country = None if given.country is None else country_code(given.country)
    bounded = Publisher(name=_short(given.name), domain=_short(given.domain), country=country)
    return None if bounded == Publisher() else bounded


def plausible(when: datetime, now: datetime) -> bool:
    return EARLIEST <= when <= now + FUTURE


def bound_post(post: Post, now: datetime) -> Post:
    """The post with every field within its bounds; ``now`` is the time of reading."""
    is_plausible = plausible(post.created_at, now)
    return msgspec.structs.replace(
        post,
        id=clean_text(post.id),
        author=msgspec.structs.replace(
            post.author,
            id=clean_text(post.author.id[:MAX_SHORT]),
            handle=_short(post.author.handle),
            name=_short(post.author.name),
            url=_short(post.author.url),
        ),
        text=clean_text(post.text[:MAX_TEXT]),
        truncated=post.truncated or len(post.text) > MAX_TEXT,
        title=_short(post.title),
        url=_short(post.url),
        language=None if post.language is None else clean_text(post.language[:35]),
        created_at=post.created_at if is_plausible else now,
        claimed_at=post.claimed_at if is_plausible else post.created_at,
        edited_at=post.edited_at if post.edited_at and plausible(post.edited_at, now) else None,
        reply_to=_short(post.reply_to),
        repost_of=_short(post.repost_of),
        quote_of=_short(post.quote_of),
        thread=_short(post.thread),
        community=_community(post.community),
        about=_short(post.about),
        about_name=_short(post.about_name),
        publisher=_publisher(post.publisher),
        # It is ahead of every clock, so only a default value of some software is told from it.
        keep_until=post.keep_until if post.keep_until and post.keep_until >= EARLIEST else None,
        mentions=_shorts(post.mentions),
        hashtags=_shorts(post.hashtags),
        links=_shorts(post.links),
        media=[
            Media(type=clean_text(item.type[:64]), url=_short(item.url), alt=_short(item.alt))
            for item in post.media[:MAX_ITEMS]
        ],
        place=_short(post.place),
        country=None if post.country is None else country_code(post.country),
        copied_from=_shorts(post.copied_from),
        labels={
            clean_text(key[:MAX_SHORT]): clean_text(value[:MAX_SHORT])
            for key, value in list(post.labels.items())[:MAX_ITEMS]
        },
    )


def bound_live_post(post: Post, now: datetime) -> Post:
    """As :func:`bound_post`, for a post that was published before it was read.

    Its author cannot date it after ``now``: such a date would be the newest event of its source,
    and choose the index of a month to come.
    """
    bounded = bound_post(post, now)
    if bounded.created_at <= now:
        return bounded
    is_told = bounded.created_at > now + LIVE_TOLERANCE
    claimed = bounded.created_at if is_told else bounded.claimed_at
    return msgspec.structs.replace(bounded, created_at=now, claimed_at=claimed)

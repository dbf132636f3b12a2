"""Maps Jetstream's messages to events: pure functions on data from strangers.

Lexicons: ``app.bsky.feed.post``, ``app.bsky.richtext.facet``, ``app.bsky.embed.*``. Account events
come for any wanted collection. Only final states erase an account: ``deleted`` is the author's
wish, ``takendown`` the operator's. The other states can end, and erasure cannot be undone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from ingestors.coerce import (
    as_links,
    as_mapping,
    as_mappings,
    as_string,
    as_strings,
    as_time,
    parse,
    unique,
)
from schemas.bounds import MAX_ITEMS, bound_live_post, plausible
from schemas.ids import EPOCH, microseconds, post_id, tid_microseconds, tid_time
from schemas.post import Author, Media, Post, PostDelete, PostErasure, PostEvent, PostUpsert

COLLECTION = "app.bsky.feed.post"
SOURCE = "bluesky"
ERASED_STATUSES = frozenset(("deleted", "takendown"))
"""Final states of an account; its posts are erased."""

_DID = re.compile(r"did:[a-z]{1,32}:[A-Za-z0-9._:%-]{1,256}")
_RKEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")
_CID = re.compile(r"[A-Za-z0-9]{16,128}")
_HANDLE = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_LATEST_US = microseconds(datetime(9999, 1, 1, tzinfo=UTC))
MAX_REV_AHEAD_US = 1_000_000
"""How far a commit's ``rev`` is believed beyond the time at which the endpoint saw it."""
MAX_HANDLE_BYTES = 300
"""A mention with a longer text is named by its DID; a handle has at most 253 letters."""


@dataclass(frozen=True, slots=True)
class Message:
    """The cursor of one message, and an event, a fault, or neither."""

    time_us: int | None = None
    event: PostEvent | None = None
    fault: str | None = None


def read_message(payload: bytes, now: datetime) -> Message:
    """Parse and map one message; ``now`` is the time of reading. Never raises."""
    try:
        message = parse(payload)
    except (ValueError, RecursionError) as error:
        return Message(fault=f"not valid JSON: {error}")
    try:
        return map_message(message, now)
    except Exception as error:  # noqa: BLE001 - a post that we fail on must not end the stream
        return Message(fault=f"cannot be mapped: {type(error).__name__}: {error}")


def map_message(message: object, now: datetime) -> Message:
    """Map one parsed message; unwanted kinds and collections are neither event nor fault."""
    fields = as_mapping(message)
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
        return Message(time_us, _erasure(as_mapping(fields.get("account")), did, time_us, now))
    return _map_commit(as_mapping(fields.get("commit")), did, time_us, now)


def _map_commit(commit: Mapping[str, object], did: str, time_us: int, now: datetime) -> Message:
    if commit.get("collection") != COLLECTION:
        return Message(time_us)
    rkey, operation = commit.get("rkey"), commit.get("operation")
    if not isinstance(rkey, str) or not _RKEY.fullmatch(rkey):
        return Message(time_us, fault="no record key")
    seen_us = min(time_us, microseconds(now))
    version = _version(commit.get("rev"), seen_us)
    when = tid_time(rkey)
    when = when if when is not None and plausible(when, now) else None
    if operation == "delete":
        id_ = post_id(SOURCE, f"{did}/{rkey}")
        # No post that was seen before has a higher version, whatever revs its author made up.
        deleted = _change(id_, seen_us + MAX_REV_AHEAD_US, now)
        return Message(time_us, PostDelete(created_at=when, **deleted))
    if operation not in ("create", "update"):
        return Message(time_us, fault="unknown operation")
    record = commit.get("record")
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        return Message(time_us, fault="no record with text")
    fallback = when or EPOCH + timedelta(microseconds=time_us)
    edited = EPOCH + timedelta(microseconds=version) if operation == "update" else None
    post = map_record(record, did, rkey, fallback, now, edited)
    return Message(time_us, PostUpsert(post=post, **_change(post.id, version, now)))


def _change(id_: str, version: int, now: datetime) -> dict[str, Any]:
    return {"id": id_, "source": SOURCE, "version": version, "ingested_at": now}


def _erasure(
    account: Mapping[str, object], did: str, time_us: int, now: datetime
) -> PostEvent | None:
    status = account.get("status")
    final = isinstance(status, str) and status in ERASED_STATUSES
    if account.get("active") is not False or not final:
        return None
    # A DID is never used again, so all that was seen of it before goes.
    version = min(time_us, microseconds(now)) + MAX_REV_AHEAD_US
    return PostErasure(author_id=did, **_change(post_id(SOURCE, did), version, now))


def _version(rev: object, seen_us: int) -> int:
    """Microseconds in the commit's ``rev``, which are the same on every endpoint.

    Authors can make revisions up. One that is ahead of the time at which it was seen would outlive
    the deletion of its post and the erasure of its author, so it counts only up to that time and a
    tolerance for clocks. So versions of a repository grow if its revisions do.
    """
    version = tid_microseconds(rev) if isinstance(rev, str) else None
    return seen_us if version is None else min(version, seen_us + MAX_REV_AHEAD_US)


def map_record(
    record: Mapping[str, object],
    did: str,
    rkey: str,
    fallback: datetime,
    now: datetime,
    edited_at: datetime | None = None,
) -> Post:
    """Map an ``app.bsky.feed.post`` record; never raises. ``fallback`` replaces ``createdAt``."""
    text = as_string(record.get("text")) or ""
    mentions, tags, links = _facets(record, text)
    quoted, media, external = _embed(as_mapping(record.get("embed")), did)
    reply = as_mapping(record.get("reply"))
    post = Post(
        id=post_id(SOURCE, f"{did}/{rkey}"),
        source=SOURCE,
        author=Author(id=did),
        text=text,
        created_at=as_time(record.get("createdAt")) or fallback,
        url=f"https://bsky.app/profile/{did}/post/{rkey}",
        language=next(as_strings(record.get("langs")), None),
        edited_at=edited_at,
        reply_to=_post_of(as_mapping(reply.get("parent")).get("uri")),
        thread=_post_of(as_mapping(reply.get("root")).get("uri")),
        quote_of=quoted,
        mentions=unique(mentions),
        hashtags=unique([*tags, *as_strings(record.get("tags"))]),
        links=unique([*links, *external]),
        media=media,
    )
    return bound_live_post(post, now)


def _facets(record: Mapping[str, object], text: str) -> tuple[list[str], list[str], list[str]]:
    """Mentions, hashtags and links. A mention is the handle in the text, else the DID."""
    data = text.encode("utf-8", "surrogatepass")
    mentions: list[str] = []
    tags: list[str] = []
    links: list[str] = []
    for handle, feature in islice(_features(record, data), MAX_ITEMS):
        kind = feature.get("$type")
        if kind == "app.bsky.richtext.facet#mention":
            did = _did(feature.get("did"))
            if did is not None:
                mentions.append(handle or did)
        elif kind == "app.bsky.richtext.facet#tag":
            tags.extend(as_strings([feature.get("tag")]))
        elif kind == "app.bsky.richtext.facet#link":
            links.extend(as_links([feature.get("uri")]))
    return mentions, tags, links


def _features(
    record: Mapping[str, object], data: bytes
) -> Iterator[tuple[str | None, Mapping[str, object]]]:
    """Each feature of each facet, with the handle that is the facet's text, if it is one."""
    for facet in islice(as_mappings(record.get("facets")), MAX_ITEMS):
        handle = _HANDLE.fullmatch(_slice(data, as_mapping(facet.get("index"))))
        for feature in as_mappings(facet.get("features")):
            yield handle[1] if handle else None, feature


def _slice(data: bytes, index: Mapping[str, object]) -> str:
    """The text of a facet, whose offsets count UTF-8 bytes; empty if it is too long to matter."""
    start, end = index.get("byteStart"), index.get("byteEnd")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(data):
        return ""
    return "" if end - start > MAX_HANDLE_BYTES else data[start:end].decode("utf-8", "replace")


def _embed(embed: Mapping[str, object], did: str) -> tuple[str | None, list[Media], list[str]]:
    kind = embed.get("$type")
    if kind == "app.bsky.embed.record":
        return _post_of(as_mapping(embed.get("record")).get("uri")), [], []
    if kind == "app.bsky.embed.recordWithMedia":
        quoted = _post_of(as_mapping(as_mapping(embed.get("record")).get("record")).get("uri"))
        inner = as_mapping(embed.get("media"))
        if inner.get("$type") == kind:  # a script can nest it without end
            return quoted, [], []
        _, media, links = _embed(inner, did)
        return quoted, media, links
    if kind == "app.bsky.embed.images":
        images = islice(as_mappings(embed.get("images")), MAX_ITEMS)
        return None, [_photo(image, did) for image in images], []
    if kind == "app.bsky.embed.video":
        return None, [Media(type="video", alt=as_string(embed.get("alt")))], []
    if kind == "app.bsky.embed.external":
        external = as_mapping(embed.get("external"))
        links = as_links([external.get("uri")])
        title = as_string(external.get("title")) or as_string(external.get("description"))
        return None, [Media(type="link", url=link, alt=title) for link in links], links
    return None, [], []


def _photo(image: Mapping[str, object], did: str) -> Media:
    cid = as_string(as_mapping(as_mapping(image.get("image")).get("ref")).get("$link")) or ""
    url = f"https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{cid}@jpeg"
    return Media(
        type="photo", url=url if _CID.fullmatch(cid) else None, alt=as_string(image.get("alt"))
    )


def _post_of(uri: object) -> str | None:
    """The post id in ``at://did/app.bsky.feed.post/rkey``; None for lists, feeds and handles."""
    parts = uri.split("/") if isinstance(uri, str) and len(uri) < 1024 else []
    if len(parts) != 5 or parts[:2] != ["at:", ""] or parts[3] != COLLECTION:
        return None
    did, rkey = _did(parts[2]), parts[4]
    return post_id(SOURCE, f"{did}/{rkey}") if did and _RKEY.fullmatch(rkey) else None


def _did(value: object) -> str | None:
    return value if isinstance(value, str) and _DID.fullmatch(value) else None

"""Post ids, author hashes, and the times that platforms write into their ids."""

import hashlib
from datetime import UTC, datetime, timedelta

X_EPOCH_MS = 1_288_834_974_657
"""Epoch of X's snowflake ids, milliseconds (docs.x.com, "X IDs")."""
_TID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_TID_VALUE = {letter: value for value, letter in enumerate(_TID_ALPHABET)}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


MAX_ID_BYTES = 512
"""Elasticsearch's limit on ``_id``."""


def post_id(source: str, native_id: str) -> str:
    """``source:native id``: the Kafka key and the Elasticsearch ``_id``.

    A native id that would not fit into 512 bytes (a feed with URLs for ids) is replaced by its
    BLAKE2b hash, so that it is still one id for one post.
    """
    id_ = f"{source}:{native_id}"
    data = id_.encode("utf-8", "replace")
    if len(data) <= MAX_ID_BYTES:
        return id_
    return f"{source}:b2-{hashlib.blake2b(data, digest_size=20).hexdigest()}"


def author_hash(source: str, author_id: str) -> str:
    """64 bits of BLAKE2b over ``source:author id``: counts authors without naming them."""
    data = f"{source}:{author_id}".encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def microseconds(when: datetime) -> int:
    """Whole microseconds since 1970, exactly (a float of seconds would round)."""
    return (when - EPOCH) // timedelta(microseconds=1)


def snowflake_time(native_id: str) -> datetime | None:
    """When X made the id, to the millisecond; None for what is no snowflake."""
    if not (native_id.isascii() and native_id.isdigit() and 15 <= len(native_id) <= 19):
        return None
    return EPOCH + timedelta(milliseconds=(int(native_id) >> 22) + X_EPOCH_MS)


def tid_microseconds(tid: str) -> int | None:
    """Microseconds since 1970 in an AT Protocol TID (atproto.com/specs/tid), else None."""
    if len(tid) != 13 or tid[0] not in "234567abcdefghij":
        return None
    value = 0
    for letter in tid:
        digit = _TID_VALUE.get(letter)
        if digit is None:
            return None
        value = value << 5 | digit
    return value >> 10


def tid_time(tid: str) -> datetime | None:
    """When a TID says that it was made; None for what is no TID."""
    value = tid_microseconds(tid)
    return None if value is None else EPOCH + timedelta(microseconds=value)


def time_of(id_: str) -> datetime | None:
    """The time that the platform wrote into a post id, where the platform does that.

    A client may make up a Bluesky record key; what it then decodes to must be believable before
    it is used, and that is for the caller to say.
    """
    source, _, native = id_.partition(":")
    if source == "x":
        return snowflake_time(native)
    if source == "bluesky":
        return tid_time(native.rpartition("/")[2])
    return None

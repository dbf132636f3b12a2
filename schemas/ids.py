"""Post ids, author hashes, and the times inside platforms' ids."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

X_EPOCH_MS = 1_288_834_974_657
"""Epoch of X's snowflake ids, milliseconds (docs.x.com, "X IDs")."""
_TID = re.compile("[2-7a-j][2-7a-z]{12}")
_TID_DIGITS = str.maketrans("234567abcdefghijklmnopqrstuvwxyz", "0123456789abcdefghijklmnopqrstuv")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_ID_BYTES = 512
"""Elasticsearch's limit on ``_id``."""


def post_id(source: str, native_id: str) -> str:
    """``source:native id``: the Kafka key and the Elasticsearch ``_id``.

    A longer id (a feed with URLs for ids) is replaced by its BLAKE2b hash.
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
    """The time in an id of X, to the millisecond; None if it is not a snowflake."""
    if not (native_id.isascii() and native_id.isdigit() and 15 <= len(native_id) <= 19):
        return None
    return EPOCH + timedelta(milliseconds=(int(native_id) >> 22) + X_EPOCH_MS)


def tid_microseconds(tid: str) -> int | None:
    """Microseconds since 1970 in an AT Protocol TID (atproto.com/specs/tid), else None."""
    return int(tid.translate(_TID_DIGITS), 32) >> 10 if _TID.fullmatch(tid) else None


def tid_time(tid: str) -> datetime | None:
    """The time in a TID; None if it is not a TID."""
    value = tid_microseconds(tid)
    return None if value is None else EPOCH + timedelta(microseconds=value)


def time_of(id_: str) -> datetime | None:
    """The time inside a post id of X or Bluesky.

    A client can invent a Bluesky record key: check that the time is plausible before use.
    """
    source, _, native = id_.partition(":")
    if source == "x":
        return snowflake_time(native)
    if source == "bluesky":
        return tid_time(native.rpartition("/")[2])
    return None

"""Reads JSON from strangers: a value of an unexpected type counts as absent.

Every function accepts any JSON value and returns one type. Only :func:`parse` raises:
``ValueError`` or ``RecursionError`` for what is not JSON or too large to read.

Any payload costs at most 50 ms of processor time: bytes and values are counted before they are
parsed, and no list is read to its end.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec

MAX_JSON_BYTES = 2 * 2**20
"""A longer payload is refused; the longest post with every letter escaped has 1.2 MB."""
MAX_VALUES = 10_000
"""Values in one payload. A post of X with all that it includes has about 1,000."""
MAX_LISTED = 1_000
"""Entries read of one list; a post keeps 100 of them."""
_STRUCTURE = (b",", b"[", b"{")
# Python's float() is slower than msgspec's for most numbers and 20 times faster for the worst.
_decode = msgspec.json.Decoder(float_hook=float).decode


def parse(payload: bytes) -> object:
    """Parse JSON, with lone surrogates too, which msgspec refuses."""
    if len(payload) > MAX_JSON_BYTES:
        raise ValueError(f"longer than {MAX_JSON_BYTES} bytes")
    if has_more_values(payload, MAX_VALUES):
        raise ValueError(f"more than {MAX_VALUES} values, so it is no post")
    try:
        return _decode(payload)
    except RecursionError:
        raise
    except (ValueError, UnicodeDecodeError):  # msgspec's errors are ValueErrors
        return json.loads(payload)


def has_more_values(payload: bytes, limit: int) -> bool:
    """Whether JSON has more values than that; what its strings hold does not count."""
    if len(payload) <= limit or sum(map(payload.count, _STRUCTURE)) <= limit:
        return False
    # An escaped quote ends no string. A backslash that is escaped itself must not hide one.
    plain = payload.replace(b"\\\\", b"") if b"\\" in payload else payload
    plain = plain.replace(b'\\"', b"") if b"\\" in plain else plain
    pieces = plain.split(b'"', 4 * limit)
    if len(pieces) > 4 * limit:  # each value has at most one string, and one for its name
        return True
    outside = b"".join(pieces[::2])
    return sum(map(outside.count, _STRUCTURE)) > limit


def as_mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The first ``MAX_LISTED`` entries."""
    return value[:MAX_LISTED] if isinstance(value, list) else []


def as_mappings(value: object) -> Iterator[Mapping[str, object]]:
    return (item for item in as_list(value) if isinstance(item, dict))


def as_string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def as_strings(value: object) -> Iterator[str]:
    return (item for item in as_list(value) if isinstance(item, str) and item)


def as_links(value: object) -> list[str]:
    """The http(s) URLs in the list; other schemes may run code in a browser."""
    return [text for text in as_strings(value) if text.startswith(("https://", "http://"))]


def as_count(value: object) -> int | None:
    """A count from 0 to 2**53, which a float holds exactly; a bool is not a count."""
    return value if type(value) is int and 0 <= value <= 2**53 else None


def as_time(text: object) -> datetime | None:
    """An RFC 3339 time with an offset, converted to UTC."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        when = datetime.fromisoformat(text)
        return None if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))

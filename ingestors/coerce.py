"""Reads JSON from strangers: a value of an unexpected type counts as absent.

Every function accepts any JSON value and returns one type. Only :func:`parse` raises:
``ValueError`` or ``RecursionError`` for what is not JSON.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec


def parse(payload: bytes) -> object:
    """Parse JSON, with lone surrogates too, which msgspec refuses."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return json.loads(payload)


def as_mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


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

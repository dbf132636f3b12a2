"""JSON that strangers wrote, read without surprises: what is not as expected is as if absent.

Every function takes anything that JSON can be and gives one type; none raises, but for
:func:`parse`, which raises ``ValueError`` (or ``RecursionError``) for what is no JSON.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec


def parse(payload: bytes) -> object:
    """JSON as Python objects; lone surrogates, which msgspec refuses, are let in (and replaced)."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return json.loads(payload)


def as_mapping(value: object) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def as_mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects in the list."""
    return (item for item in as_list(value) if isinstance(item, dict))


def as_string(value: object) -> str | None:
    """The text, where it has any."""
    return value if isinstance(value, str) and value else None


def as_strings(value: object) -> Iterator[str]:
    """The texts in the list that are not empty."""
    return (item for item in as_list(value) if isinstance(item, str) and item)


def as_links(value: object) -> list[str]:
    """The texts in the list that are links to which a browser may be sent."""
    return [text for text in as_strings(value) if text.startswith(("https://", "http://"))]


def as_count(value: object) -> int | None:
    """A number of things; no bool, and none that a float could not hold."""
    return value if type(value) is int and 0 <= value <= 2**53 else None


def as_time(text: object) -> datetime | None:
    """An RFC 3339 time with an offset, in UTC."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        when = datetime.fromisoformat(text)
        return None if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unique(values: Iterable[str]) -> list[str]:
    """Each text once, in order."""
    return list(dict.fromkeys(values))

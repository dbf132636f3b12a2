"""Writes a JSON value as rison, the notation of the state in Kibana's addresses.

Rison is JSON for addresses: ``(a:1,b:!(x,!t,!n))`` is ``{"a": 1, "b": ["x", true, null]}``. A
string stands in single quotes unless it is a plain word; in quotes, ``!`` escapes ``!`` and ``'``.

Source: https://github.com/Nanonid/rison, as Kibana's own package ``@kbn/rison`` reads it.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import quote

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

# A part of what rison allows without quotes; quotes are never wrong.
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ESCAPED: Final = re.compile(r"[!']")
# Kibana leaves these as they are. A quotation mark would end an attribute of a page.
_SAFE: Final = "!(),:*@$/;"


def rison(value: Json) -> str:
    """The value in rison, not yet escaped for an address.

    Raises:
        TypeError: something in it is no JSON value.
    """
    match value:
        case None:
            return "!n"
        case bool():
            return "!t" if value else "!f"
        case str():
            return _string(value)
        case int() | float():
            return _number(value)
        case Mapping():
            pairs = (f"{_string(key)}:{rison(inner)}" for key, inner in value.items())
            return f"({','.join(pairs)})"
        case Sequence():
            return f"!({','.join(map(rison, value))})"
    raise TypeError(f"{type(value).__name__} is no JSON value")


def in_address(text: str) -> str:
    """Percent-encoded for what follows the ``#`` of an address; a lone surrogate becomes ``?``."""
    return quote(text, safe=_SAFE, errors="replace")


def _string(text: str) -> str:
    if _WORD.fullmatch(text):
        return text
    return "'" + _ESCAPED.sub(r"!\g<0>", text) + "'"


def _number(value: int | float) -> str:
    """Without a plus sign, which rison's numbers do not have; null where JSON has no number."""
    if isinstance(value, float) and not math.isfinite(value):
        return "!n"
    return repr(value).replace("+", "")

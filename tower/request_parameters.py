"""Reads the parameters of a request: of a page, of a question, and of a form."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

import msgspec

from schemas.errors import ConfigurationError
from tower.questions.question import Ask
from tower.questions.scope import BadParameter

MAX_PARAMETERS: Final = 40
MAX_FIELDS: Final = 20
_PAGE: Final = ("q", "last", "since", "until", "tz")
A = TypeVar("A", bound=Ask)


def ask_of(kind: type[A], given: Mapping[str, Any]) -> A:
    """The parameters as a Struct; numbers and times may be text.

    :raises BadParameter: one is unknown, missing, or has a wrong value.
    """
    if len(given) > MAX_PARAMETERS:
        raise BadParameter("", "there are too many parameters")
    kept = {name: value for name, value in given.items() if value != "" or name == "q"}
    try:
        return msgspec.convert(kept, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadParameter(_name_in(str(error)), _told(str(error))) from None


def page_ask(given: Mapping[str, str], time_zone: str) -> Ask:
    """The parameters that a page passes to all of its questions."""
    kept = {name: given[name] for name in _PAGE if given.get(name)}
    kept.setdefault("tz", time_zone)
    return ask_of(Ask, kept)


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form, the first value of each.

    :raises ConfigurationError: there are more than ``MAX_FIELDS``.
    """
    try:
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=MAX_FIELDS)
    except ValueError:
        raise ConfigurationError(f"a form has at most {MAX_FIELDS} fields") from None
    return {name: values[0] for name, values in found.items()}


def _name_in(message: str) -> str:
    """The parameter that msgspec's message is about: ``... - at `$.size```."""
    _, _, path = message.rpartition("`$.")
    return path.rstrip("`") if path != message else ""


def _told(message: str) -> str:
    text, _, path = message.partition(" - at `$.")
    return f"{path.rstrip('`')}: {text}" if path else text

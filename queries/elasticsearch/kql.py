"""Writes a compiled query as KQL, the language of Kibana's search bar, where KQL can say it.

KQL has no distances, no patterns within a phrase and no patterns but ``*``; such a query is pasted
into Kibana as query DSL.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from queries.elasticsearch.index_compiler import Query

_SIGNS: Final = re.compile(r'([\\():<>"*{}])')
"""Signs that mean something outside quotes."""
_WORDS: Final = re.compile(r"(?:and|or|not)", re.IGNORECASE)


class _NotInKql(Exception):
    """A clause that KQL has no form for."""


def kql_of(query: Query) -> str | None:
    """The KQL that finds what a filter of ``index_compiler`` finds, or None if there is none."""
    try:
        return _written(query)
    except _NotInKql:
        return None


def _written(query: Query) -> str:
    (kind, body), *others = query.items()
    if others:
        raise _NotInKql
    if kind == "bool":
        return _bool(body)
    ((field, value),) = body.items()
    match kind:
        case "term":
            return f"{field}: {_quoted(value)}"
        case "match_phrase":
            return f"{field}: {_quoted(value)}"
        case "terms":
            return f"{field}: ({' or '.join(map(_quoted, value))})"
        case "prefix":
            return f"{field}: {_unquoted(value)}*"
        case "wildcard" if not re.search(r"[?\\]", value):
            return f"{field}: {'*'.join(map(_unquoted, value.split('*')))}"
        case "range":
            return _joined(
                [f"{field} {_COMPARED[end]} {_quoted(bound)}" for end, bound in value.items()],
                "and",
            )
        case "exists":
            return f"{value}: *"
    raise _NotInKql


_COMPARED: Final = {"gte": ">=", "lte": "<="}


def _bool(body: dict[str, list[Query]]) -> str:
    if "should" in body:
        # Beside a filter, Elasticsearch would not require it; the compiler never writes that.
        if body.keys() != {"should"}:
            raise _NotInKql
        return _joined([_group(part) for part in body["should"]], "or")
    wanted = [_group(part) for part in body.get("filter", [])]
    unwanted = [f"not {_group(part)}" for part in body.get("must_not", [])]
    return _joined([*wanted, *unwanted], "and")


def _group(query: Query) -> str:
    """A clause, in parentheses if it is more than one."""
    written = _written(query)
    is_one = "bool" not in query and all(len(ends) == 1 for ends in query.get("range", {}).values())
    return written if is_one else f"({written})"


def _joined(clauses: Iterable[str], word: str) -> str:
    return f" {word} ".join(clauses)


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unquoted(value: str) -> str:
    if _WORDS.fullmatch(value):
        raise _NotInKql
    return _SIGNS.sub(r"\\\1", value)

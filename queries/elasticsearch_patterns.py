"""Patterns of a query as Lucene's, within what its automata take."""

from typing import Literal

from queries.ast import Term, Value
from queries.errors import QueryError

MOST_BEHIND = 64
"""Letters behind the first ``*``."""
MOST_UNKNOWN = 6
"""``?`` among those: each may double what an automaton has to keep apart."""


def lucene_pattern(node: Term | Value, form: str) -> tuple[Literal["prefix", "wildcard"], str]:
    """The kind of query for a pattern, and the pattern; refuses one that Lucene would refuse."""
    stem, _, behind = form.partition("*")
    if len(behind) > MOST_BEHIND or behind.count("?") > MOST_UNKNOWN:
        raise QueryError(
            f"there are more than {MOST_BEHIND} letters or {MOST_UNKNOWN} '?' behind a '*'",
            *node.span,
            "leave out what stands behind it",
        )
    if form.endswith("*") and not behind and "?" not in stem:
        return "prefix", stem
    return "wildcard", form.replace("\\", "\\\\")

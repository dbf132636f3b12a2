"""What a grammar cannot say: which trees are no query, though each part of them is one."""

from queries.language.ast import (
    And,
    Field,
    Named,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Range,
    Term,
    Value,
    children,
    walk,
)
from queries.language.errors import QueryError
from queries.language.fields import FIELDS, Holds

MAX_SCATTERED = 20
"""Words of a phrase with a distance."""
MAX_COMBINATIONS = 1_000
"""Ways to choose one of each OR and one order of each NEAR, in a NEAR that holds another one."""
_NO_WORDS = ("NEAR finds words, and these are values", "write AND or OR")
_NOT_BESIDE_NEAR: dict[type[Node], tuple[str, str]] = {
    And: (
        "AND has no place beside NEAR",
        "write one NEAR for each: (a NEAR/5 c) AND (b NEAR/5 c), or a NEAR/5 (b OR c)",
    ),
    Not: ("NOT has no place beside NEAR", "write it outside: (a NEAR/5 b) AND NOT c"),
    Named: ("another query has no place beside NEAR", "write its words, or AND"),
    Value: _NO_WORDS,
    Range: _NO_WORDS,
}
"""What is wrong, and what to write instead."""


def check(node: Node) -> None:
    """Refuse a tree that no back end may be given."""
    _check_parts(node)
    wide = _unbounded(node)
    if wide is not None:
        raise QueryError(
            "this would match every post but those that it excludes",
            *wide.span,
            "say what a post must hold, such as orange AND NOT (…)"
            + ("" if wide is node else "; beside OR, a NOT needs an AND of its own"),
        )


def _unbounded(node: Node) -> Not | None:
    """The NOT that makes a tree match nearly every post, if one does."""
    match node:
        case Not():
            return node
        case And(parts):
            found = [_unbounded(part) for part in parts]
            return None if None in found else found[0]
        case Or(parts):
            return next((wide for part in parts if (wide := _unbounded(part)) is not None), None)
        case _:
            return None


def _check_parts(node: Node) -> None:
    match node:
        case Near():
            _check_beside_near(node)
            _check_combinations(node)
            return
        case Field(name, child):
            _check_field(name, child)
        case Phrase():
            _check_scattered(node)
    for child in children(node):
        _check_parts(child)


def _check_beside_near(node: Node) -> None:
    match node:
        case Term():
            return
        case Phrase():
            _check_scattered(node)
        case Or() | Near():
            for child in children(node):
                _check_beside_near(child)
        case Field(name, _):
            is_text = FIELDS[name].holds is Holds.TEXT
            hint = f"write {name}:(a NEAR/5 b)" if is_text else "write AND"
            raise QueryError(f"'{name}:' has no place beside NEAR", *node.span, hint)
        case _:
            message, hint = _NOT_BESIDE_NEAR[type(node)]
            raise QueryError(message, *node.span, hint)


def _check_scattered(phrase: Phrase) -> None:
    """Words in any order are tried in every order."""
    if phrase.slop is not None and len(phrase.terms) > MAX_SCATTERED:
        raise QueryError(
            f"{len(phrase.terms)} words in any order are too many", *phrase.span,
            f"keep to {MAX_SCATTERED}, or leave the ~{phrase.slop} out for words in a row",
        )  # fmt: skip


def _check_combinations(node: Near) -> None:
    """A NEAR within a NEAR is read one combination at a time: their number has to be bounded."""
    many = _combinations(node)
    inner = (part for part in walk(node) if part is not node)
    if many > MAX_COMBINATIONS and any(isinstance(part, Near) for part in inner):
        raise QueryError(
            f"the OR and NEAR in this NEAR make {many:,} combinations of words"
            if many < 10**9 else "the OR and NEAR in this NEAR make too many combinations of words",
            *node.span,
            f"keep to {MAX_COMBINATIONS:,}: fewer alternatives, NEAR/5f for one order, or AND "
            "instead of the outer NEAR",
        )  # fmt: skip


def _combinations(node: Node) -> int:
    match node:
        case Or(parts):
            return sum(map(_combinations, parts))
        case Near(left, right, _, ordered):
            return _combinations(left) * _combinations(right) * (1 if ordered else 2)
        case _:
            return 1


def _check_field(name: str, child: Node) -> None:
    field = FIELDS[name]
    wide = _unbounded(child)
    if wide is not None:
        raise QueryError(
            f"'{name}:' has nothing but a NOT in it", *wide.span, f"write NOT {name}:…"
        )
    if field.holds is Holds.VALUE:
        _check_values(name, child, single=field.single)


def _check_values(name: str, node: Node, *, single: bool) -> None:
    match node:
        case And() if single:
            raise QueryError(
                f"a post has one value of '{name}:' at most, so that no post can have all of these",
                *node.span,
                f"write {name}:(… OR …); terms side by side in a field's parentheses mean AND",
            )
        case Near():
            message, hint = _NO_WORDS
            raise QueryError(message, *node.span, hint)
        case Not() if single:
            raise QueryError(
                f"a NOT inside '{name}:' says nothing", *node.span, f"write NOT {name}:…"
            )
    for child in children(node):
        _check_values(name, child, single=single)

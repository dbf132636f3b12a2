"""Refuses trees that the grammar allows and no back end can run."""

from queries.language.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.errors import QueryError
from queries.language.fields import FIELDS, Holds
from queries.language.tree import children, walk

MAX_SCATTERED = 20
"""Words of a phrase with a distance, which matches in every order."""
MAX_COMBINATIONS = 1_000
"""Ways to choose one part of each OR and one order of each NEAR in a nested NEAR."""
_NO_WORDS = ("NEAR takes words, and these are values", "write AND or OR")
_NOT_BESIDE_NEAR: dict[type[Node], tuple[str, str]] = {
    And: (
        "AND cannot be an operand of NEAR",
        "write one NEAR for each: (a NEAR/5 c) AND (b NEAR/5 c), or a NEAR/5 (b OR c)",
    ),
    Not: ("NOT cannot be an operand of NEAR", "write it outside: (a NEAR/5 b) AND NOT c"),
    Value: _NO_WORDS,
    Range: _NO_WORDS,
}
"""Message and hint."""


def check(node: Node) -> None:
    """Raise ``QueryError`` for a tree that no back end can run."""
    _check_parts(node)
    if wide := _unbounded(node):
        hint = "add what a post must contain, such as orange AND NOT (…)"
        hint += "" if wide is node else "; beside OR, a NOT needs an AND of its own"
        message = "this would match every post except those that it excludes"
        raise QueryError(message, *wide.span, hint)


def check_near(node: Near) -> None:
    """Raise ``QueryError`` for operands that no back end can run beside NEAR."""
    _check_beside_near(node)
    _check_combinations(node)


def _unbounded(node: Node) -> Not | None:
    """The NOT that makes a tree match nearly every post, if any."""
    match node:
        case Not():
            return node
        case And(parts):
            wide = [_unbounded(part) for part in parts]
            return None if None in wide else wide[0]
        case Or(parts):
            return next(filter(None, map(_unbounded, parts)), None)
        case _:
            return None


def _check_parts(node: Node) -> None:
    match node:
        case Near():
            check_near(node)
            return
        case Field(name, child):
            _check_field(name, child)
        case Phrase():
            _check_scattered(node)
    for child in children(node):
        _check_parts(child)


def _check_beside_near(node: Node) -> None:
    match node:
        case Term() | Named():
            # What a name stands for is checked where it is resolved.
            return
        case Phrase():
            _check_scattered(node)
        case Or() | Near():
            for child in children(node):
                _check_beside_near(child)
        case Field(name, _):
            is_text = FIELDS[name].holds is Holds.TEXT
            hint = f"write {name}:(a NEAR/5 b)" if is_text else "write AND"
            raise QueryError(f"'{name}:' cannot be an operand of NEAR", *node.span, hint)
        case _:
            message, hint = _NOT_BESIDE_NEAR[type(node)]
            raise QueryError(message, *node.span, hint)


def _check_scattered(phrase: Phrase) -> None:
    if phrase.slop is not None and len(phrase.terms) > MAX_SCATTERED:
        message = f"{len(phrase.terms)} words in any order are too many"
        hint = f"write at most {MAX_SCATTERED}, or leave out ~{phrase.slop} for words in a row"
        raise QueryError(message, *phrase.span, hint)


def _check_combinations(node: Near) -> None:
    """Back ends try the combinations of nested NEARs one at a time: bound their number."""
    count = _combinations(node)
    inner = (part for part in walk(node) if part is not node)
    if count > MAX_COMBINATIONS and any(isinstance(part, Near) for part in inner):
        shown = f"{count:,}" if count < 10**9 else "too many"
        raise QueryError(
            f"the OR and NEAR in this NEAR make {shown} combinations of words", *node.span,
            f"make at most {MAX_COMBINATIONS:,}: write fewer alternatives, NEAR/5f for one order, "
            "or AND instead of the outer NEAR",
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
    if wide := _unbounded(child):
        raise QueryError(f"'{name}:' contains only a NOT", *wide.span, f"write NOT {name}:…")
    if field.holds is Holds.VALUE:
        _check_values(name, child, single=field.single)


def _check_values(name: str, node: Node, *, single: bool) -> None:
    match node:
        case And() if single:
            message = f"a post has at most one value of '{name}:', so none can have all of these"
            hint = f"write {name}:(… OR …); no operator in a field's parentheses means AND"
            raise QueryError(message, *node.span, hint)
        case Near():
            message, hint = _NO_WORDS
            raise QueryError(message, *node.span, hint)
        case Not() if single:
            message = f"a NOT inside '{name}:' has no effect"
            raise QueryError(message, *node.span, f"write NOT {name}:…")
    for child in children(node):
        _check_values(name, child, single=single)

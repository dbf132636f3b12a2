"""Parses a query: text to tree, or one ``QueryError`` that says where and what to write instead.

The grammar is ``grammar.lark``. What a grammar cannot say (which queries are too wide, what may
stand beside NEAR) is in ``queries.language.validate``. Total: any text gives a tree or a
``QueryError``.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from queries.language.ast import And, Field, Near, Node, Not, Or
from queries.language.errors import QueryError, shorten
from queries.language.lexer import QueryLexer
from queries.language.validate import check

MAX_QUERY = 100_000
"""Code points of a query."""
_Group = TypeVar("_Group", And, Or)


class _Given(Lexer):
    """Passes on the tokens that ``QueryLexer`` makes."""

    def __init__(self, conf: object) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any = None) -> Iterator[Token]:
        """What lark asks for; its state is our lexer."""
        yield from lexer_state.tokens()


@v_args(inline=True)
class _Build(Transformer[Token, Node]):
    """Makes each node as its rule is recognised."""

    def start(self, node: Node) -> Node:
        return node

    def conjunction(self, *parts: Node) -> And:
        return And(parts, _around(parts))

    def disjunction(self, *parts: Node) -> Or:
        return Or(parts, _around(parts))

    def negation(self, sign: Token, child: Node) -> Not:
        return Not(child, (sign.start_pos or 0, child.span[1]))

    def proximity(self, left: Node, sign: Token, right: Node) -> Near:
        distance, ordered = sign.value
        return Near(left, right, distance, ordered, (left.span[0], right.span[1]))

    def field(self, name: Token, child: Node) -> Field:
        return Field(name.value, child, (name.start_pos or 0, child.span[1]))

    def group(self, left: Token, node: Node, right: Token) -> Node:
        return node

    def leaf(self, token: Token) -> Any:
        return token.value


def _around(parts: tuple[Node, ...]) -> tuple[int, int]:
    return parts[0].span[0], parts[-1].span[1]


@cache
def _parser() -> Lark:
    grammar = files("queries.language").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer=_Given, transformer=_Build())


def parse(text: str) -> Node:
    """The tree of a query."""
    if len(text) > MAX_QUERY:
        raise QueryError(
            f"the query has {len(text):,} characters, and {MAX_QUERY:,} are the most",
            MAX_QUERY,
            len(text),
            'save a part as a query of its own, and use it as query:"its name"',
        )
    lexer = QueryLexer(text)
    try:
        node: Node = _parser().parse(lexer)  # type: ignore[assignment]
    except UnexpectedToken as error:
        raise _unexpected(text, error.token, lexer) from None
    check(node)
    return node


def _unexpected(text: str, token: Token, lexer: QueryLexer) -> QueryError:
    """What the grammar did not expect, said in the writer's terms."""
    # An AND that was written out comes before the lexer gives the next token.
    before = lexer.last if token.type == "_AND" and not str(token) else lexer.before
    if before is None and token.type == "$END":
        return QueryError(
            "the query is empty", 0, len(text), 'write what to find, such as orange OR "ma box"'
        )
    start = len(text) if token.type == "$END" else (token.start_pos or 0)
    end = start + 1 if token.type == "$END" else (token.end_pos or start)
    after = _written(before)
    if before is not None and before.type in _COMPLETE:
        return _between(token, start, end, before, meant_and=lexer.meant_and)
    if token.type == "$END":
        place = (before.start_pos or 0, before.end_pos or 0) if before else (start, end)
        return QueryError(f"there is nothing after {after}", *place, "write a term after it")
    if before is not None and before.type == "LPAR" and token.type == "RPAR":
        return QueryError(
            "there is nothing in these parentheses", before.start_pos or 0, end,
            "write a term in them, or leave them out",
        )  # fmt: skip
    if token.type == "NOT" and after == "NOT":
        return QueryError("NOT NOT says nothing", start, end, "leave both out")
    if token.type == "NOT":
        return QueryError(
            f"NOT has no place after {after}", start, end,
            "write it outside: (a NEAR/5 b) AND NOT c",
        )  # fmt: skip
    return QueryError(
        f"there is no term between {after} and {_written(token)}" if before
        else f"there is no term before {_written(token)}",
        start, end, "write a term there, or leave the operator out",
    )  # fmt: skip


_COMPLETE = frozenset({"TERM", "VALUE", "RANGE", "QUERY", "RPAR"})


def _between(token: Token, start: int, end: int, before: Token, *, meant_and: bool) -> QueryError:
    """An operator after an operand, which the operators before do not allow."""
    if token.type == "NEAR":
        return QueryError(
            "two NEAR in a row can be read in two ways", start, end,
            "put parentheses around one of them: (a NEAR/5 b) NEAR/5 c",
        )  # fmt: skip
    if token.type in ("_AND", "_OR"):
        return QueryError(
            "AND and OR are mixed without parentheses", start, end,
            "say which belong together: (a OR b) AND c, or a OR (b AND c)"
            + ("" if not meant_and else "; side by side in a field's parentheses, or before NOT, "
               "AND is meant"),
        )  # fmt: skip
    return QueryError(
        f"{_written(token)} has no place after {_written(before)}", start, end,
        "write AND or OR between terms",
    )  # fmt: skip


def _written(token: Token | None) -> str:
    """A token as a sentence names it."""
    if token is None:
        return "the beginning"
    if token.type == "$END":
        return "the end"
    if token.type in ("_AND", "_OR") and not str(token):
        return "the AND that is meant"
    return "NEAR" if token.type == "NEAR" else shorten(str(token), 20)

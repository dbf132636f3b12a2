"""Parses a query by precedence climbing: any text gives a tree or a ``QueryError``.

NEAR binds before NOT, NOT before AND and OR; AND and OR do not mix without parentheses. The grammar
is in ``docs/queries.md``.
"""

from queries.language.ast import And, Field, Near, Node, Not, Or, Phrase, Term
from queries.language.errors import QueryError, shorten
from queries.language.fields import FIELDS, FieldType
from queries.language.foreign_operators import glued_operator, word_operator
from queries.language.lexer import QueryLexer, Token
from queries.language.validate import check

MAX_QUERY = 100_000
"""Code points."""
MAX_NESTING = 50
"""Nested parentheses. People write five; functions that traverse the tree recurse."""
_SINGLE_QUOTES = "'‘’‚‹›`´"
_SAVE_A_PART = 'save a part as a query of its own, and use it as query:"its name"'


def parse(text: str) -> Node:
    if len(text) > MAX_QUERY:
        message = f"the query has {len(text):,} characters, more than {MAX_QUERY:,}"
        raise QueryError(message, MAX_QUERY, len(text), _SAVE_A_PART)
    node = _Parser(text).expression(None)
    check(node)
    return node


class _Parser:
    """The ``field`` of a method is the one whose parentheses enclose the token."""

    def __init__(self, text: str) -> None:
        self._lexer = QueryLexer(text)
        self._open: list[Token] = []
        self._before: Token | None = None
        self._implied_and = False
        self._token = self._lexed(None)

    def expression(self, field: FieldType | None) -> Node:
        """Terms with AND or OR between, up to a closing parenthesis or the end of the query."""
        parts = [self._unary(field)]
        joined: type[And | Or] | None = None
        while operator := self._operator(field):
            if joined not in (None, operator):
                raise self._mixed()
            joined = operator
            if self._token.kind in ("and", "or"):
                self._advance(field)
            parts.append(self._unary(field))
        if joined is None:
            return parts[0]
        return joined(tuple(parts), span=(parts[0].span[0], parts[-1].span[1]))

    def _operator(self, field: FieldType | None) -> type[And | Or] | None:
        """AND or OR, explicit or implied; None at the end of an expression."""
        match self._token.kind:
            case "and":
                return And
            case "or":
                return Or
            case ")" | "end":
                return None
        if self._token.kind != "not" and field is None:
            raise self._nothing_between()
        self._implied_and = True
        return And

    def _unary(self, field: FieldType | None) -> Node:
        sign = self._token
        if sign.kind != "not":
            return self._near(field)
        self._advance(field)
        child = self._near(field)
        return Not(child, span=(sign.start, child.span[1]))

    def _near(self, field: FieldType | None) -> Node:
        left, sign = self._operand(field), self._token
        if sign.kind != "near":
            return left
        self._advance(field)
        right = self._operand(field)
        if self._token.kind == "near":
            hint = "put parentheses around one of them: (a NEAR/5 b) NEAR/5 c"
            raise QueryError("two NEAR in a row are ambiguous", *self._token.span, hint)
        return Near(left, right, sign.distance, sign.ordered, span=(left.span[0], right.span[1]))

    def _operand(self, field: FieldType | None) -> Node:
        if self._token.kind != "field":
            return self._primary(field, field)
        name = self._token
        inner = FIELDS[name.text]
        self._advance(inner, after_colon=True)
        child = self._primary(inner, field)
        return Field(name.text, child, span=(name.start, child.span[1]))

    def _primary(self, inner: FieldType | None, field: FieldType | None) -> Node:
        """A leaf or an expression in parentheses, both in the field ``inner``."""
        token = self._token
        if token.node is not None:
            self._advance(field)
            return token.node
        if token.kind != "(":
            raise self._no_operand()
        self._open.append(token)
        self._advance(inner)
        node = self.expression(inner)
        self._open.pop()
        self._advance(field)
        return node

    def _advance(self, field: FieldType | None, *, after_colon: bool = False) -> None:
        self._before = self._token
        self._token = self._lexed(field, after_colon=after_colon)

    def _lexed(self, field: FieldType | None, *, after_colon: bool = False) -> Token:
        token = self._lexer.next(field, after_colon=after_colon)
        if token.kind == "end" and self._open:
            place = self._open[-1].span
            raise QueryError("this parenthesis is never closed", *place, "close it with )")
        if token.kind == ")" and not self._open:
            hint = "leave it out, or open it with ("
            raise QueryError("this parenthesis closes nothing", *token.span, hint)
        if token.kind == "(" and len(self._open) == MAX_NESTING:
            message = f"more than {MAX_NESTING} nested parentheses"
            raise QueryError(message, *token.span, _SAVE_A_PART)
        return token

    def _mixed(self) -> QueryError:
        token = self._token
        end = token.end if token.kind in ("and", "or") else token.start
        hint = "group them: (a OR b) AND c, or a OR (b AND c)"
        if self._implied_and:
            hint += "; in a field's parentheses and before NOT, no operator means AND"
        return QueryError("AND and OR are mixed without parentheses", token.start, end, hint)

    def _nothing_between(self) -> QueryError:
        before, token = self._before, self._token
        assert before is not None
        first, second = shorten(before.text, 20), shorten(token.text, 20)
        if (meant := word_operator(token.text)) and isinstance(token.node, Term | Phrase):
            hint = f'write {meant} for the operator, or quotes around the words: "{first} {second}"'
            raise QueryError(f"'{second}' is not an operator", *token.span, hint)
        if glued := glued_operator(token.text):
            message = f"'{second}' has no space behind its operator"
            raise QueryError(message, *token.span, f"write {shorten(glued, 30)}")
        if first[0] in _SINGLE_QUOTES or second[0] in _SINGLE_QUOTES:
            row = f"{first} {second}".strip(_SINGLE_QUOTES)
            hint = f'words in a row stand between double quotation marks: "{row}"'
            raise QueryError(
                "single quotation marks hold no words together", before.start, token.end, hint
            )
        hint = "write AND or OR between them"
        words = isinstance(before.node, Term | Phrase) and isinstance(token.node, Term | Phrase)
        if words and '"' not in first + second:
            hint = f'write {first} AND {second}, {first} OR {second}, or "{first} {second}"'
        return QueryError("there is no operator between these", before.start, token.end, hint)

    def _no_operand(self) -> QueryError:
        before, token = self._before, self._token
        if before is None and token.kind == "end":
            hint = 'write what to find, such as orange OR "ma box"'
            return QueryError("the query is empty", 0, token.start, hint)
        leave_out = "write a term there, or leave the operator out: it stands between two terms"
        if before is None:
            return QueryError(f"there is no term before {_written(token)}", *token.span, leave_out)
        after = _written(before)
        if token.kind == "end":
            hint = "write a term after it"
            return QueryError(f"there is nothing after {after}", *before.span, hint)
        if before.kind == "(" and token.kind == ")":
            hint = "write a term in them, or leave them out"
            return QueryError("these parentheses are empty", before.start, token.end, hint)
        if token.kind == "not" and before.kind == "not":
            return QueryError("two NOT cancel each other out", *token.span, "leave both out")
        if token.kind == "not":
            hint = "write it outside: (a NEAR/5 b) AND NOT c"
            return QueryError(f"NOT cannot follow {after}", *token.span, hint)
        message = f"there is no term between {after} and {_written(token)}"
        return QueryError(message, *token.span, leave_out)


def _written(token: Token) -> str:
    return "NEAR" if token.kind == "near" else shorten(token.text, 20)

"""Cuts a query into the tokens of its grammar, and knows what each may be where it stands.

A term's token carries the nodes that it is read as. The lexer counts parentheses, reads quotes,
comments and the values of fields, and writes out each AND that is meant and not written. Lazy: the
first mistake of a query is the one that is told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lark import Token

from queries.language.ast import Named, Node, Phrase, Term
from queries.language.errors import QueryError, shorten
from queries.language.fields import FIELDS, QUERY, FieldType, Holds, field_name
from queries.language.literals import bare_end, read_range, read_value
from queries.language.terms import read_address, read_bare, read_quoted

MAX_NESTING = 50
"""Parentheses within parentheses. People write five; the walks over the tree may recurse."""
FARTHEST = 100
"""Words that a proximity may allow between."""

_SPACE = re.compile(r"\s+")
_OPERATOR = re.compile(r"(AND|OR|NOT)(?![^\s()\"“”„{}\[\]<>])")
# Most of a long query is plain words: they need no look at what else a term may be.
_PLAIN = re.compile(r"[A-Za-z0-9]{1,50}(?=[\s)])")
_NO_WORDS = frozenset({"and", "or", "not", "near", "onear"})
_NEAR = re.compile(r"(O?NEAR)(?:/([0-9]*)([^\s()\"]*))?(?![^\s()\"“”„{}\[\]<>])", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-z][A-Za-z_]*)[:：](?!//)\s*")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"()]+")
_BARE = re.compile(r"[^\s()\"“”„{}\[\]<>]+")
_SLOP = re.compile(r"~([0-9]*)")
_CLOSING = {'"': re.compile('"'), "“": re.compile('[”“"]'), "”": re.compile('[”“"]'),
            "„": re.compile('[“”"]'), "{": re.compile("}")}  # fmt: skip
_WORDS = frozenset({"text", "title", "authorName"})
"""Fields whose terms are those of the text."""
_OPERAND_ENDS = frozenset({"TERM", "VALUE", "RANGE", "QUERY", "RPAR"})
_AFTER_AND = frozenset({"TERM", "VALUE", "RANGE", "QUERY", "FIELD", "LPAR", "NOT"})


@dataclass(frozen=True, slots=True)
class _Open:
    """A parenthesis that is open, and the field whose list it is in."""

    start: int
    field: FieldType | None


class QueryLexer:
    """One pass over one query."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[_Open] = []
        self._field: FieldType | None = None  # whose value has to come next
        self._last: Token | None = None
        self._before: Token | None = None
        self.meant_and = False
        """Whether an AND was written out so far that the query does not have."""

    @property
    def last(self) -> Token | None:
        """The token that was just given."""
        return self._last

    @property
    def before(self) -> Token | None:
        """The token before the one that was just given."""
        return self._before

    def tokens(self) -> Iterator[Token]:
        """The tokens in their order; raises ``QueryError`` at the first mistake."""
        for token in self._read():
            before = self._last
            if before is not None and before.type in _OPERAND_ENDS and token.type in _AFTER_AND:
                self.meant_and = True
                yield self._meant_and(before, token)
            # Only now: a parser that gets the token looks at the one before.
            self._before, self._last = before, token
            yield token
        self._before = self._last
        if self._open:
            raise QueryError(
                "this parenthesis is never closed",
                self._open[-1].start,
                self._open[-1].start + 1,
                "close it with )",
            )

    def _meant_and(self, before: Token, token: Token) -> Token:
        if token.type == "NOT":
            return _token("_AND", "", _start(token), _start(token))
        listed = self._open[-1].field if self._open else None
        if token.type == "LPAR" and len(self._open) > 1:
            listed = self._open[-2].field
        elif token.type == "LPAR":
            listed = None
        if listed is not None:
            return _token("_AND", "", _start(token), _start(token))
        first, second = shorten(str(before), 20), shorten(str(token), 20)
        hint = "write AND or OR between them"
        if before.type == token.type == "TERM" and '"' not in first + second:
            hint = f'write {first} AND {second}, {first} OR {second}, or "{first} {second}"'
        raise QueryError("there is no operator between these", _start(before), _end(token), hint)

    def _read(self) -> Iterator[Token]:
        text, length = self._text, len(self._text)
        while self._skip() < length:
            if self._field is not None:
                field, self._field = self._field, None
                if text[self._at] == "(":
                    yield self._parenthesis(field)
                elif field.holds is Holds.VALUE:
                    yield from self._values(field)
                else:
                    yield from self._next(field)
            else:
                yield from self._next(self._open[-1].field if self._open else None)

    def _skip(self) -> int:
        """Past spaces and comments."""
        text = self._text
        if text[self._at : self._at + 1].isalnum():
            return self._at
        while True:
            space = _SPACE.match(text, self._at)
            if space:
                self._at = space.end()
            if not text.startswith("<<<", self._at):
                return self._at
            end = text.find(">>>", self._at)
            if end < 0:
                raise QueryError(
                    "this comment is never closed", self._at, self._at + 3, "close it with >>>"
                )
            self._at = end + 3

    def _next(self, listed: FieldType | None) -> Iterator[Token]:
        text, start = self._text, self._at
        letter = text[start]
        words = listed is None or listed.name in _WORDS
        plain = _PLAIN.match(text, start) if words else None
        if plain and plain[0].lower() not in _NO_WORDS:
            self._at = plain.end()
            term = Term(plain[0], span=(start, self._at))
            yield _of_node("TERM", plain[0], term, start, self._at)
        elif letter == "(":
            yield self._parenthesis(listed)
        elif letter == ")":
            yield self._close()
        elif found := _OPERATOR.match(text, start):
            self._at = found.end()
            yield _token("NOT" if found[1] == "NOT" else f"_{found[1]}", found[1], start, self._at)
        elif listed is not None and listed.holds is Holds.VALUE:
            yield from self._listed_value(listed)
        elif letter in _CLOSING:
            yield self._quoted(letter, listed)
        elif found := _URL.match(text, start):
            yield self._bare(found, listed)
        elif found := _NEAR.match(text, start):
            yield self._near(found)
        elif found := _FIELD.match(text, start):
            yield from self._field_value(found, listed)
        elif found := _BARE.match(text, start):
            yield self._bare(found, listed)
        else:
            raise _stray(text, start)

    def _parenthesis(self, listed: FieldType | None) -> Token:
        start = self._at
        if len(self._open) == MAX_NESTING:
            raise QueryError(
                f"more than {MAX_NESTING} parentheses within each other", start, start + 1,
                'save a part as a query of its own, and use it as query:"its name"',
            )  # fmt: skip
        self._open.append(_Open(start, listed))
        self._at += 1
        return _token("LPAR", "(", start, self._at)

    def _close(self) -> Token:
        start = self._at
        if not self._open:
            raise QueryError(
                "this parenthesis closes nothing",
                start,
                start + 1,
                "leave it out, or open it with (",
            )
        self._open.pop()
        self._at += 1
        return _token("RPAR", ")", start, self._at)

    def _inside(self, letter: str) -> str:
        """What stands between the quotes or braces that open here; goes past them."""
        start = self._at
        found = _CLOSING[letter].search(self._text, start + 1)
        if found is None:
            what, closing = ("brace", "}") if letter == "{" else ("quotation mark", '"')
            raise QueryError(
                f"this {what} is never closed", start, start + 1, f"close it with {closing}"
            )
        self._at = found.end()
        return self._text[start + 1 : found.start()]

    def _bare(self, found: re.Match[str], listed: FieldType | None) -> Token:
        start, self._at = found.span()
        if listed is not None and listed.name == "url":
            node = read_address(found[0], start, self._at)
        else:
            node = read_bare(found[0], start)
        return _of_node("TERM", found[0], node, start, self._at)

    def _quoted(self, letter: str, listed: FieldType | None) -> Token:
        start = self._at
        inside = self._inside(letter)
        if listed is not None and listed.name == "url" and letter != "{":
            node = read_address(inside, start, self._at)
        else:
            node = read_quoted(inside, start, self._at, exact=letter == "{")
        slop = _SLOP.match(self._text, self._at)
        if slop:
            self._at = slop.end()
            if not isinstance(node, Phrase):
                raise QueryError("one word has no distance", *slop.span(), f"leave {slop[0]} out")
            node = Phrase(node.terms, _distance(slop[1], *slop.span()), (start, self._at))
        return _of_node("TERM", self._text[start : self._at], node, start, self._at)

    def _near(self, found: re.Match[str]) -> Token:
        word, number, flag = found[1], found[2], found[3] or ""
        start, self._at = found.span()
        ordered = word == "ONEAR" or flag in ("f", "F")
        meant = f"NEAR/{(number or '5')[:3]}{'f' if ordered else ''}"
        if number is None and word != word.upper():
            # An everyday word: "near me".
            return _of_node("TERM", found[0], read_bare(found[0], start), start, self._at)
        if word != "NEAR" or not number or flag not in ("", "f"):
            raise QueryError(
                f"'{shorten(found[0])}' is no operator", *found.span(), f"write {meant}"
            )
        token = _token("NEAR", found[0], *found.span())
        token.value = (_distance(number, *found.span()), flag == "f")
        return token

    def _field_value(self, found: re.Match[str], listed: FieldType | None) -> Iterator[Token]:
        start, self._at = found.span()
        name = field_name(found[1], start)
        end = start + len(found[1]) + 1
        if listed is not None:
            raise QueryError(
                f"'{name}:' stands inside '{listed.name}:'", start, end,
                f'write {listed.name}:… AND {name}:…, or "{name}: …" in quotes for the words',
            )  # fmt: skip
        if self._at == len(self._text):
            raise _nothing_behind(name, start, end)
        if name == QUERY:
            yield self._named(start, end)
            return
        field = FIELDS[name]
        if field.holds in (Holds.NUMBER, Holds.TIME):
            node, self._at = read_range(field, self._text, start, self._at)
            yield _of_node("RANGE", self._text[start : self._at], node, start, self._at)
            return
        if _OPERATOR.match(self._text, self._at):
            raise _nothing_behind(name, start, end)
        self._field = field
        yield _of_node("FIELD", name, name, start, end)

    def _named(self, start: int, end: int) -> Token:
        letter = self._text[self._at]
        if letter in _CLOSING and letter != "{":
            name = self._inside(letter)
        else:
            found = _BARE.match(self._text, self._at)
            name = found[0] if found else ""
            self._at += len(name)
        name = " ".join(name.split())
        if not name:
            raise QueryError("'query:' names no query", start, end, 'write query:"its name"')
        return _of_node(
            "QUERY", self._text[start : self._at], Named(name, (start, self._at)), start, self._at
        )

    def _listed_value(self, field: FieldType) -> Iterator[Token]:
        """One value of a list in parentheses, where | means OR."""
        start = self._at
        if self._text[start] == "|":
            self._at += 1
            yield _token("_OR", "|", start, self._at)
            return
        yield self._value(field, listed=True)

    def _values(self, field: FieldType) -> Iterator[Token]:
        """The value behind a colon, or several with | between."""
        found = [self._value(field, listed=False)]
        while self._text.startswith("|", self._at):
            self._at += 1
            found.append(self._value(field, listed=False))
        if len(found) == 1:
            yield found[0]
            return
        yield _token("LPAR", "(", _start(found[0]), _start(found[0]))
        for number, token in enumerate(found):
            if number:
                yield _token("_OR", "|", _start(token), _start(token))
            yield token
        yield _token("RPAR", ")", self._at, self._at)

    def _value(self, field: FieldType, *, listed: bool) -> Token:
        start = self._at
        letter = self._text[start : start + 1]
        if letter in _CLOSING and letter != "{":
            node = read_value(field, self._inside(letter), start, quoted=True)
        else:
            end = bare_end(self._text, start)
            raw = self._text[start:end]
            if not raw:
                raise QueryError(
                    f"'{field.name}:' has an empty value", start, start + 1,
                    f'write a value, or quotes around it: {field.name}:"…"',
                )  # fmt: skip
            if listed and raw.lower() in ("and", "or", "not"):
                raise QueryError(
                    f"'{raw}' is an operator only in upper case", start, end, f"write {raw.upper()}"
                )
            nested = _FIELD.match(raw)
            if listed and nested and nested[1].lower() in {name.lower() for name in FIELDS}:
                raise QueryError(
                    f"'{nested[0]}' stands inside '{field.name}:'", start, end,
                    "close the parenthesis first",
                )  # fmt: skip
            self._at = end
            node = read_value(field, raw, start, quoted=False)
        return _of_node("VALUE", self._text[start : self._at], node, start, self._at)


def _token(kind: str, text: str, start: int, end: int) -> Token:
    return Token(kind, text, start, end_pos=end)


def _of_node(kind: str, text: str, node: Node | str, start: int, end: int) -> Token:
    token = _token(kind, text, start, end)
    token.value = node
    return token


def _start(token: Token) -> int:
    return token.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or 0


def _distance(digits: str, start: int, end: int) -> int:
    if not digits or len(digits) > 9 or int(digits) > FARTHEST:
        raise QueryError(
            f"a distance is a number from 0 to {FARTHEST}", start, end,
            "5 finds most of what belongs together; for anywhere in the post, write AND",
        )  # fmt: skip
    return int(digits)


def _nothing_behind(name: str, start: int, end: int) -> QueryError:
    example = f'{name}:orange or {name}:(orange OR "ma box")' if name in FIELDS else f'{name}:"…"'
    return QueryError(f"'{name}:' is followed by nothing", start, end, f"write {example}")


def _stray(text: str, start: int) -> QueryError:
    letter = text[start]
    if text.startswith(">>>", start):
        return QueryError("this closes no comment", start, start + 3, "open it with <<<")
    hints = {
        "[": "a range stands behind a field's colon, such as likes:[10 TO *]",
        "]": "leave it out, or open a range before it, such as likes:[10 TO *]",
        "}": "leave it out, or open it with {",
        "<": "a comparison stands behind a field's colon, such as likes:<10",
        ">": "a comparison stands behind a field's colon, such as likes:>10",
    }
    return QueryError(f"'{letter}' has no meaning here", start, start + 1, hints[letter])

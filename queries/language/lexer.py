"""Lexer: the next token of a query, on demand, since a token's kind depends on its field."""

import re
from typing import Literal, NamedTuple

from queries.language.ast import Named, Node, Or, Phrase, Span, Term, Value
from queries.language.errors import QueryError, shorten
from queries.language.fields import FIELDS, QUERY, FieldType, Holds, field_name
from queries.language.foreign_fields import is_foreign
from queries.language.foreign_operators import refuse_after_group
from queries.language.literals import bare_end, read_range, read_value
from queries.language.terms import read_address, read_bare, read_quoted

MAX_DISTANCE = 100
"""The largest number of words of a NEAR or ``"…"~n``."""

_SPACE = re.compile(r"\s+")
_STOPS = '\\s()（）"“”„＂«»「」{}\\[\\]<>'
"""What ends a bare term, in a class of a pattern."""
_OPERATOR = re.compile(rf"(AND|OR|NOT)(?![^{_STOPS}])")
# A shortcut: most tokens of a long query are plain words.
_PLAIN = re.compile(r"[A-Za-z0-9]{1,50}(?=[\s)])")
_NO_WORDS = frozenset({"and", "or", "not", "near", "onear"})
_NEAR = re.compile(rf"(O?NEAR)(?:/([0-9]*)([^{_STOPS}]*))?(?![^{_STOPS}])", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-z][A-Za-z_]*)[:：](?!//)\s*")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"()]+")
_FOREIGN = re.compile(rf"([^\W\d][^{_STOPS}:：=,|]{{0,40}})[:：](?!//)")
"""The name of a field as other tools and the index have them."""
_ASSIGNED = re.compile(rf"([A-Za-z][A-Za-z_.]*)={{1,2}}([^{_STOPS}=]+)")
_BARE = re.compile(rf"[^{_STOPS}]+")
_SLOP = re.compile(r"~([0-9]*)")
_CLOSING = {'"': re.compile('"'), "“": re.compile('[”“"]'), "”": re.compile('[”“"]'),
            "„": re.compile('[“”"]'), "＂": re.compile('[＂"]'), "«": re.compile("»"),
            "»": re.compile("«"), "「": re.compile("」"), "{": re.compile("}")}  # fmt: skip
_WORDS = frozenset({"text", "title", "authorName"})
"""Fields with the terms of plain text."""
Kind = Literal["leaf", "field", "near", "not", "and", "or", "(", ")", "end"]


class Token(NamedTuple):
    """A token at ``[start:end]`` of the query; the text of a field is its name."""

    kind: Kind
    text: str
    start: int
    end: int
    node: Node | None = None
    """The parsed leaf."""
    distance: int = 0
    ordered: bool = False

    @property
    def span(self) -> Span:
        return self.start, self.end


class QueryLexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def next(self, field: FieldType | None, *, after_colon: bool = False) -> Token:
        """The next token, in ``field``; raises ``QueryError`` for a mistake in it."""
        text, start = self._text, self._skip()
        if start == len(text):
            return Token("end", "", start, start + 1)
        letter = text[start]
        holds_values = field is not None and field.holds is Holds.VALUE
        plain = _PLAIN.match(text, start) if field is None or field.name in _WORDS else None
        if plain and plain[0].lower() not in _NO_WORDS:
            return self._leaf(start, plain.end(), Term(plain[0], span=plain.span()))
        if letter in "(（" or (letter in ")）" and not (after_colon and holds_values)):
            return self._token("(" if letter in "(（" else ")", start, start + 1)
        if field is not None and holds_values and after_colon:
            return self._values(field)
        if operator := _OPERATOR.match(text, start):
            kinds: dict[str, Kind] = {"AND": "and", "OR": "or", "NOT": "not"}
            return self._token(kinds[operator[1]], start, operator.end())
        if field is not None and holds_values:
            if letter == "|":
                return self._token("or", start, start + 1)
            value = self._value(field, listed=True)
            return self._leaf(start, self._at, value)
        if letter in _CLOSING:
            return self._quoted(letter, field)
        if url := _URL.match(text, start):
            return self._bare(url, field)
        if near := _NEAR.match(text, start):
            return self._near(near)
        if name := _FIELD.match(text, start):
            return self._field(name, field)
        if (foreign := _FOREIGN.match(text, start)) and is_foreign(foreign[1]):
            field_name(foreign[1], start)
        if (equal := _ASSIGNED.match(text, start)) and field is None:
            _refuse_assignment(equal)
        if bare := _BARE.match(text, start):
            return self._bare(bare, field)
        raise _stray(text, start)

    def _skip(self) -> int:
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
                place = self._at, self._at + 3
                raise QueryError("this comment is never closed", *place, "close it with >>>")
            self._at = end + 3

    def _token(self, kind: Kind, start: int, end: int) -> Token:
        self._at = end
        return Token(kind, self._text[start:end], start, end)

    def _leaf(self, start: int, end: int, node: Node) -> Token:
        self._at = end
        return Token("leaf", self._text[start:end], start, end, node)

    def _inside(self, letter: str) -> str:
        """The text between the quotes or braces that open here; moves past them."""
        start = self._at
        end = _CLOSING[letter].search(self._text, start + 1)
        if end is None:
            sign, closing = ("brace", "}") if letter == "{" else ("quotation mark", '"')
            hint = f"close it with {closing}"
            raise QueryError(f"this {sign} is never closed", start, start + 1, hint)
        self._at = end.end()
        return self._text[start + 1 : end.start()]

    def _bare(self, bare: re.Match[str], field: FieldType | None) -> Token:
        start, end = bare.span()
        refuse_after_group(self._text, bare[0], start)
        if field is not None and bare[0] == "*":
            hint = f"write words that it must have, such as {field.name}:orange"
            raise QueryError("no query asks whether a field is filled", start, end, hint)
        if field is not None and field.name == "url":
            return self._leaf(start, end, read_address(bare[0], start, end))
        return self._leaf(start, end, read_bare(bare[0], start))

    def _quoted(self, letter: str, field: FieldType | None) -> Token:
        start = self._at
        inside = self._inside(letter)
        node: Term | Phrase
        if field is not None and field.name == "url" and letter != "{":
            node = read_address(inside, start, self._at)
        else:
            node = read_quoted(inside, start, self._at, exact=letter == "{")
        slop = _SLOP.match(self._text, self._at)
        if slop:
            self._at = slop.end()
            if not isinstance(node, Phrase):
                raise QueryError("one word has no distance", *slop.span(), f"leave {slop[0]} out")
            node = Phrase(node.terms, _distance(slop[1], *slop.span()), span=(start, self._at))
        return self._leaf(start, self._at, node)

    def _near(self, near: re.Match[str]) -> Token:
        word, number, flag = near[1], near[2], near[3] or ""
        start, end = near.span()
        ordered = word == "ONEAR" or flag in ("f", "F")
        meant = f"NEAR/{(number or '5')[:3]}{'f' if ordered else ''}"
        if number is None and word != word.upper():
            # An everyday word: "near me".
            return self._leaf(start, end, read_bare(near[0], start))
        if word != "NEAR" or not number or flag not in ("", "f"):
            raise QueryError(
                f"'{shorten(near[0])}' is not an operator",
                start,
                end,
                f"write {meant} between two terms",
            )
        distance = _distance(number, start, end)
        return self._token("near", start, end)._replace(distance=distance, ordered=ordered)

    def _field(self, written: re.Match[str], outer: FieldType | None) -> Token:
        start, self._at = written.span()
        name = field_name(written[1], start)
        end = start + len(written[1]) + 1
        if outer is not None:
            hint = f'write {outer.name}:… AND {name}:…, or "{name}: …" in quotes for the words'
            raise QueryError(f"'{name}:' is inside '{outer.name}:'", start, end, hint)
        if self._at == len(self._text):
            raise _nothing_after(name, start, end)
        if name == QUERY:
            return self._named(start, end)
        field = FIELDS[name]
        if field.holds not in (Holds.TEXT, Holds.VALUE):
            node, range_end = read_range(field, self._text, start, self._at)
            return self._leaf(start, range_end, node)
        if _OPERATOR.match(self._text, self._at):
            raise _nothing_after(name, start, end)
        return Token("field", name, start, end)

    def _named(self, start: int, end: int) -> Token:
        letter = self._text[self._at]
        if letter in _CLOSING and letter != "{":
            name = self._inside(letter)
        else:
            bare = _BARE.match(self._text, self._at)
            name = bare[0] if bare else ""
            self._at += len(name)
        name = " ".join(name.split())
        if not name:
            raise QueryError(
                "'query:' needs the name of a query", start, end, 'write query:"its name"'
            )
        return self._leaf(start, self._at, Named(name, span=(start, self._at)))

    def _values(self, field: FieldType) -> Token:
        """The value after a colon, or several with | between."""
        start = self._at
        values = [self._value(field, listed=False)]
        while self._text.startswith("|", self._at):
            self._at += 1
            values.append(self._value(field, listed=False))
        node = values[0] if len(values) == 1 else Or(tuple(values), span=(start, self._at))
        return self._leaf(start, self._at, node)

    def _value(self, field: FieldType, *, listed: bool) -> Value:
        start = self._at
        letter = self._text[start : start + 1]
        if letter in _CLOSING and letter != "{":
            return read_value(field, self._inside(letter), start, quoted=True)
        self._at = end = bare_end(self._text, start)
        raw = self._text[start:end]
        if not raw and letter and letter in "[<>":
            takes = field.choices[:2] or ("…", "…")
            hint = f"write {field.name}:({' OR '.join(takes)})"
            message = f"'{field.name}:' takes words, not a range"
            raise QueryError(message, start, start + 1, hint)
        if not raw:
            hint = f'write a value, or quotes around it: {field.name}:"…"'
            raise QueryError(f"'{field.name}:' has an empty value", start, start + 1, hint)
        if listed and raw.lower() in ("and", "or", "not"):
            message = f"'{raw}' is an operator only in upper case"
            raise QueryError(message, start, end, f"write {raw.upper()}")
        nested = _FIELD.match(raw)
        if listed and nested and nested[1].lower() in {name.lower() for name in FIELDS}:
            message = f"'{nested[0]}' is inside '{field.name}:'"
            raise QueryError(message, start, end, "close the parenthesis first")
        return read_value(field, raw, start, quoted=False)


def _distance(digits: str, start: int, end: int) -> int:
    if not digits or len(digits) > 9 or int(digits) > MAX_DISTANCE:
        hint = "5 fits most uses; for anywhere in the post, write AND"
        raise QueryError(f"a distance is a number from 0 to {MAX_DISTANCE}", start, end, hint)
    return int(digits)


def _refuse_assignment(equal: re.Match[str]) -> None:
    """Refuse ``lang=fr``, which would be two words in a row."""
    names = {name.lower(): name for name in FIELDS}
    name = names.get(equal[1].lower())
    if name is None and not is_foreign(equal[1]):
        return
    if name is None:
        field_name(equal[1], equal.start())
    message = "a field and its value have a colon between"
    raise QueryError(message, *equal.span(), f"write {name}:{shorten(equal[2], 40)}")


def _nothing_after(name: str, start: int, end: int) -> QueryError:
    example = f'{name}:orange or {name}:(orange OR "ma box")' if name in FIELDS else f'{name}:"…"'
    return QueryError(f"'{name}:' is followed by nothing", start, end, f"write {example}")


def _stray(text: str, start: int) -> QueryError:
    letter = text[start]
    if text.startswith(">>>", start):
        return QueryError("this closes no comment", start, start + 3, "open it with <<<")
    if letter == "[" and text[start - 1 : start].isalpha():
        hint = "write a wildcard, such as oran* or colo?r, or the words with OR"
        raise QueryError("regular expressions are not searched", start, start + 1, hint)
    hints = {
        "[": "write a range after a field's colon, such as likes:[10 TO *]",
        "」": "leave it out, or open it with 「",
        "]": "leave it out, or open a range before it, such as likes:[10 TO *]",
        "}": "leave it out, or open it with {",
        "<": "write a comparison after a field's colon, such as likes:<10",
        ">": "write a comparison after a field's colon, such as likes:>10",
    }
    return QueryError(f"'{letter}' has no meaning here", start, start + 1, hints[letter])

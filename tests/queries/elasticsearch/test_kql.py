"""KQL of compiled queries: read back by a small KQL parser, it is the same tree."""

import re
from typing import Any

import pytest

from queries.elasticsearch.index_compiler import compile_query
from queries.elasticsearch.kql import kql_of
from queries.language.parser import parse

TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|[():]|>=|<=|(?:\\.|[^\s():<>"\\])+)')


class Reader:
    """A parser of the KQL that Kibana documents: not, and, or, parentheses, lists, ranges."""

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", text)

    def take(self, *expected: str) -> str:
        assert not expected or self.tokens[0] in expected, self.tokens
        return str(self.tokens.pop(0))

    def expression(self) -> Any:
        parts = {"or": [self.conjunction()]}
        while self.tokens and self.tokens[0] == "or":
            self.take()
            parts["or"].append(self.conjunction())
        return parts["or"][0] if len(parts["or"]) == 1 else parts

    def conjunction(self) -> Any:
        parts = [self.unary()]
        while self.tokens and self.tokens[0] == "and":
            self.take()
            parts.append(self.unary())
        return parts[0] if len(parts) == 1 else {"and": parts}

    def unary(self) -> Any:
        if self.tokens[0] == "not":
            self.take()
            return {"not": self.unary()}
        if self.tokens[0] == "(":
            self.take()
            inner = self.expression()
            self.take(")")
            return inner
        return self.clause()

    def clause(self) -> Any:
        field, sign = self.take(), self.take(":", ">=", "<=")
        if self.tokens[0] != "(":
            return field, sign, self.value()
        self.take()
        values = [self.value()]
        while self.take("or", ")") == "or":
            values.append(self.value())
        return {"or": [(field, sign, value) for value in values]}

    def value(self) -> str:
        written = self.take()
        if written[0] == '"':
            return "=" + re.sub(r"\\(.)", r"\1", written[1:-1])
        return re.sub(r"\\(.)", r"\1", written)


def tree(query: Any) -> Any:
    """The tree of a compiled query, as the reader gives it."""
    ((kind, body),) = query.items()
    if kind == "bool":
        if "should" in body:
            return {"or": [tree(part) for part in body["should"]]}
        parts = [tree(part) for part in body.get("filter", [])]
        parts += [{"not": tree(part)} for part in body.get("must_not", [])]
        return parts[0] if len(parts) == 1 else {"and": parts}
    ((field, value),) = body.items()
    match kind:
        case "exists":
            return value, ":", "*"
        case "terms":
            return {"or": [(field, ":", f"={each}") for each in value]}
        case "prefix":
            return field, ":", f"{value}*"
        case "wildcard":
            return field, ":", value
        case "range":
            signs = {"gte": ">=", "lte": "<="}
            parts = [(field, signs[end], f"={bound}" if isinstance(bound, str) else str(bound))
                     for end, bound in value.items()]  # fmt: skip
            return parts[0] if len(parts) == 1 else {"and": parts}
    return field, ":", str(value).lower() if isinstance(value, bool) else f"={value}"


@pytest.mark.parametrize(
    "query",
    [
        "orange",
        '"ma box" OR panne',
        "(orange OR sosh OR #orange) AND (panne OR coupure) NOT (jus OR lang:en)",
        "été OR {BT} OR box*",
        "a AND NOT (b AND NOT c)",
        "likes:>10 AND orange",
        "date:[2026-03-01 TO 2026-03-08] AND orange",
        "(likes:[1 TO 5] OR followers:>100) AND orange",
        "towards:negative AND aspect:price=negative NOT towards:velmora=positive",
        "intent:(complaint OR question) AND emotion:anger AND colo*r",
        "rating:<3 OR rating:4..5 OR (score:-5..0 AND a)",
        "community:r/velmora AND bot:false AND format:review AND thread:x:7",
        "verified:true AND site:lemonde.fr AND author:jean",
        "title:(a OR b) AND text:c",
        "#velm* OR https://velmora.example/a",
        "🍊 AND 日本",
    ],
)
def test_kql_says_what_the_filter_says(query: str) -> None:
    compiled = compile_query(parse(query))
    kql = kql_of(compiled)
    assert kql is not None
    assert Reader(kql).expression() == tree(compiled), kql


@pytest.mark.parametrize(
    "query", ["a NEAR/5 b", '"a b c"~3', "colo?r", '"fibre coup*"', "{Free Mobile}"]
)
def test_what_kql_cannot_say_is_left_to_the_filter(query: str) -> None:
    assert kql_of(compile_query(parse(query))) is None


def test_words_of_kql_itself_are_quoted() -> None:
    assert kql_of(compile_query(parse('"and" OR "not"'))) == (
        'words.text: ("and" or "not") or words.title: ("and" or "not")'
    )

"""The parser: the tree of each construct, and total behaviour on any text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.language.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.errors import QueryError
from queries.language.parser import MAX_NESTING, MAX_QUERY, parse
from queries.language.tree import walk
from tests.strategies import ANY_TEXT

A, B, C = Term("a"), Term("b"), Term("c")


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("a", A),
        ("((a))", A),
        ("a AND b AND c", And((A, B, C))),
        ("a AND (b AND c)", And((A, And((B, C))))),
        ("a OR b", Or((A, B))),
        ("a NOT b", And((A, Not(B)))),
        ("(a)NOT(b)", And((A, Not(B)))),
        ("a AND NOT b NEAR/5 c", And((A, Not(Near(B, C, 5))))),
        ("a NEAR/0f b", Near(A, B, 0, True)),
        ("(a OR b) NEAR/5 c", Near(Or((A, B)), C, 5)),
        ('"a b"', Phrase((A, B))),
        ('"a b"~0', Phrase((A, B), 0)),
        ('"a"', A),
        ("a-b", Phrase((A, B))),
        ("{a b}~2", Phrase((Term("a", exact=True), Term("b", exact=True)), 2)),
        ("{BT}", Term("BT", exact=True)),
        ("lang:German", Field("lang", Value("de"))),
        ("lang:(FRA OR pt-BR)", Field("lang", Or((Value("fr"), Value("pt"))))),
        ("lang:und", Field("lang", Value("und"))),
        ("country:UK", Field("country", Value("gb"))),
        ("site:https://Example.org/", Field("site", Value("example.org"))),
        ("box*", Term("box*", wildcard=True)),
        ("#vel*", Term("#vel*", wildcard=True)),
        ("https://a.example/?b=*", Term("https://a.example/?b=*")),
        ("C++", Phrase((Term("C"), Term("++")))),
        ("C#", Phrase((Term("C"), Term("#")))),
        (".NET", Phrase((Term("."), Term("NET")))),
        ("E.ON", Phrase((Term("E"), Term("."), Term("ON")))),
        ("AT&T", Phrase((Term("AT"), Term("&"), Term("T")))),
        ('"AT&amp;T"', Phrase((Term("AT"), Term("&"), Term("T")))),
        ("{C&A}", Phrase((Term("C", True), Term("&", True), Term("A", True)))),
        ("Velmora®", Term("Velmora")),
        ("jean@orange.example", Term("jean@orange.example")),
        ("삼성*", Term("삼성*", wildcard=True)),
        ("ورن*", Term("ورن*", wildcard=True)),
        ("10:30", Phrase((Term("10"), Term("30")))),
        ("1,5", Phrase((Term("1"), Term("5")))),
        ("ANDROID", Term("ANDROID")),
        ('"AND"', Term("AND")),
        ("日本", Phrase((Term("日"), Term("本")))),
        ("🍊🍊", Phrase((Term("🍊"), Term("🍊")))),
        ("title:a", Field("title", A)),
        ("title: (a b)", Field("title", And((A, B)))),
        ("title:(a (b OR c))", Field("title", And((A, Or((B, C)))))),
        ("title:(a NOT b)", Field("title", And((A, Not(B))))),
        ("a AND title:b", And((A, Field("title", B)))),
        ("Lang:FR", Field("lang", Value("fr"))),
        ("lang:fr|en", Field("lang", Or((Value("fr"), Value("en"))))),
        ("lang:(fr | en)", Field("lang", Or((Value("fr"), Value("en"))))),
        ("hashtags:(#a b)", Field("hashtags", And((Value("a"), Value("b"))))),
        ("author:vel*", Field("author", Value("vel*", wildcard=True))),
        ('author:"vel*"', Field("author", Value("vel*"))),
        ("likes:>=5", Range("likes", 5, None)),
        ("likes:<5", Range("likes", None, 4)),
        ("likes:[ 1  TO * ]", Range("likes", 1, None)),
        ('query:"my query"', Named("my query")),
        ("a <<< OR b >>> OR <<<>>> c", Or((A, C))),
        ("a\n\tOR\u00a0b", Or((A, B))),
    ],
)
def test_the_tree(query: str, tree: Node) -> None:
    assert parse(query) == tree


def test_spans() -> None:
    query = '<<<x>>> (orange OR "ma box") AND NOT title:(panne NEAR/5 l\'été) AND likes:>5'

    assert [query[slice(*node.span)] for node in walk(parse(query))] == [
        'orange OR "ma box") AND NOT title:(panne NEAR/5 l\'été) AND likes:>5',
        'orange OR "ma box"',
        "orange",
        '"ma box"',
        "NOT title:(panne NEAR/5 l'été",
        "title:(panne NEAR/5 l'été",
        "panne NEAR/5 l'été",
        "panne",
        "l'été",
        "likes:>5",
    ]


PIECES = st.lists(
    st.sampled_from(
        ["a", "AND", "OR", "NOT", "NEAR/5", "NEAR/", "near", "(", ")", '"', "“", "{", "}", "[", "]",
         "~3", "<<<", ">>>", "<", ">", "*", "?", "abc*", "title:", "lang:", "likes:", "date:", "fr",
         "query:", "url:", "|", "#", "@", "$A", " TO ", "5", "2026-01-01", "9" * 5000, "日", "🍊",
         ":", "https://a", ",", "-", "\\", "\x00", "\ud800"]
    ).flatmap(lambda piece: st.sampled_from([piece, f"{piece} "])),
    max_size=25,
).map("".join)  # fmt: skip


@given(PIECES | ANY_TEXT)
@settings(max_examples=900, deadline=None)
def test_any_text_is_a_tree_or_an_error(text: str) -> None:
    _read(text)


def _read(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        assert 0 <= error.start <= min(error.end, len(text))
        assert error.message
        error.show(text).encode()


MONSTERS = [
    "(" * MAX_QUERY,
    ")" * MAX_QUERY,
    "(" * 10_000 + "a" + ")" * 10_000,
    "NOT " * 25_000,
    "a NOT (" * 10_000,
    "title:(" * 10_000,
    '"' * MAX_QUERY,
    "{" * MAX_QUERY,
    "<<<" * 30_000,
    "<<<>>>" * 16_000 + "a",
    "a" * MAX_QUERY,
    "abc*" * 25_000,
    "abc" + "*" * 98_000,
    "abc" + "?" * 98_000,
    "é" + "\u0315\u0316" * 48_000,
    "a " * 50_000,
    "a OR " * 19_999 + "a",
    "a NEAR/5 " * 11_000 + "a",
    "title:(" + "ab " * 33_000 + ")",
    "lang:" + "fr|" * 33_000 + "fr",
    "likes:" + "9" * 98_000,
    "likes:[" + " " * 98_000,
    "date:[" + "1 TO " * 18_000 + "]",
    '"' + "a " * 48_000 + '"',
    "日" * MAX_QUERY,
    "\x00" * MAX_QUERY,
    "\ud800" * MAX_QUERY,
    "a" * (MAX_QUERY + 1),
]


@pytest.mark.parametrize("monster", MONSTERS, ids=lambda text: f"{text[:12]!r}")
def test_monsters_are_parsed_or_refused_in_time(monster: str) -> None:
    started = time.process_time()
    _read(monster)
    # Generous for a slow machine: detects only worse than linear time.
    assert time.process_time() - started < 20


def test_a_long_query_is_read_whole() -> None:
    node = parse(" OR ".join(f"term{number}" for number in range(8_000)))
    assert isinstance(node, Or)
    assert len(node.children) == 8_000


def test_nesting_to_the_limit_is_fine() -> None:
    deep = "a"
    for _ in range(MAX_NESTING // 2):
        deep = f"b AND NOT (c OR NOT (d AND {deep}))".replace("OR NOT", "OR")
    parse(deep)
    parse("(" * MAX_NESTING + "a" + ")" * MAX_NESTING)
    with pytest.raises(QueryError, match="nested parentheses"):
        parse("(" * (MAX_NESTING + 1) + "a" + ")" * (MAX_NESTING + 1))

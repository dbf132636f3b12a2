"""The live matcher agrees with the reference on any queries and posts."""

import os
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queries.language.ast import Node
from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.language.parser import parse
from queries.matching.document import Document
from queries.matching.query_matcher import QueryMatcher
from schemas.mention import Mention
from schemas.post import Author, Metrics
from tests import make
from tests.queries.agreement_cases import CASES
from tests.queries.asked import RESOLVED, TEXTS, document, whole_document
from tests.queries.language.test_parser import MONSTERS
from tests.queries.reference import evaluate
from tests.queries.test_reference import GOLDEN

PAIRS = 20_000 if os.environ.get("CI") else 80_000
"""Queries asked of posts by the reference and by the matcher, in one run of the tests."""
_QUERIES, _TEXTS = 20, 10
_POSTS = _TEXTS + _TEXTS**2 + 2
_PIECES = st.sampled_from(
    ["l'orange", "Orange™", "orange", "oranges", "ÉTÉ", "e\u0301te", "ete", "été", "BT's", "bt",
     "PANNE", "panne,panne", "5G", "a", "b", "A.B", "日本", "日 本", "กา", "straße", "STRASSE",
     "or", "クラウド", "ｸﾗｳﾄﾞ", "한국", "snake_case", "2026", "#Orange", "#ÉTÉ", "#日本",
     "#velmora_down", "@Velmora", "@ana.bsky.example", "x@velmora", "$aapl", "$AAPLE", "🍊", "🍊🍊",
     "👍🏽", "👍", "❤", "❤️", "🇫🇷", "https://a.example/x?y=1", "https://A.example/X?y=1",
     "www.b.example/(c)*",
     "abonner", "Abolition", "abolir", "boxe", "box", "\u0301", "½", "ﷺ", "—", "...", "ab\u00adcd",
     "C&A", "c & a", "c&amp;a", "C à", "E.ON", "e on", "C++", "C#", ".NET", "M&M's", "m&ms", "LG가",
     "삼성은", "vel\u00admora", "Orange®", "ソニーA7", "ー", "YAPI", "yapı", "Ørsted", "łódź",
     "لأورنج", "اورنج", "شركه", "jean@orange.example", "#VelmoraDown", "#velmoragate",
     "همراه\u200cاول", "ｶﾞｽ"]
)  # fmt: skip
_POST_TEXTS = st.lists(_PIECES, max_size=8).map(" ".join) | TEXTS
compared: Counter[str] = Counter()


def posts_of(texts: list[str]) -> list[Document]:
    """The texts, all pairs of them, and two posts with every field."""
    plain = map(document, (*texts, *(f"{first} {second}" for first in texts for second in texts)))
    return [*plain, whole(texts[0], texts[-1]), whole(texts[-1], texts[0])]


def whole(text: str, other: str) -> Document:
    name, metrics = other or "b", Metrics(likes=0, views=10**9)
    author = Author(id="did:plc:1", handle="Velmora", name=name, followers=1000, verified=True)
    return whole_document(text, other or "orange", author=author, metrics=metrics)


def answers(queries: list[Node], posts: list[Document]) -> list[dict[str, Any]]:
    matcher = QueryMatcher({str(number): node for number, node in enumerate(queries)})
    found = matcher.match([post.mention for post in posts])
    return [{match.name: match.spans() for match in matches} for matches in found]


@given(
    st.lists(_POST_TEXTS, min_size=_TEXTS, max_size=_TEXTS),
    st.lists(RESOLVED, min_size=_QUERIES, max_size=_QUERIES),
)
@settings(max_examples=-(-PAIRS // (_QUERIES * _POSTS)), deadline=None,
          suppress_health_check=list(HealthCheck))  # fmt: skip
def compare(texts: list[str], queries: list[Node]) -> None:
    posts = posts_of(texts)
    for post, found in zip(posts, answers(queries, posts), strict=True):
        for number, query in enumerate(queries):
            expected = evaluate(query, post)
            compared[f"matches {expected.matches}"] += 1
            spans = found.get(str(number))
            wanted = expected.spans if expected.matches else None
            assert spans == wanted, (format_query(query), post)
            if expected.matches:
                alone, published = QueryMatcher({"": query}), Mention(post=post.mention.post)
                assert not alone.rules_out(published), (format_query(query), post)


def test_agrees_with_the_reference_on_any_pairs() -> None:
    compare()
    assert compared.total() >= PAIRS
    assert compared["matches True"] > PAIRS / 50


@pytest.mark.parametrize(("query", "text", "expected"), [*GOLDEN, *CASES])
def test_the_examples(query: str, text: str, expected: bool) -> None:
    (found,) = answers([parse(query)], [document(text)])
    assert bool(found) is expected


@pytest.mark.parametrize(
    ("query", "ruled_out"),
    [
        ("velmora", True),
        ("velmora AND lang:fr", True),
        ("corvane", False),
        ("lang:fr", False),
        ("lang:fr OR velmora", False),
        ("likes:>10", False),
        ("source:x", False),
        ("source:reddit", True),
        ("entity:Lyon", False),
    ],
)
def test_a_post_is_ruled_out_before_anything_is_found_in_it(query: str, ruled_out: bool) -> None:
    published = Mention(post=make.post("Corvane at night", source="x"))
    assert QueryMatcher({"": parse(query)}).rules_out(published) is ruled_out


_HOSTILE_QUERIES = [
    "(((a NEAR/100 b) NEAR/100 c) NEAR/100 d) NEAR/100 (a OR b OR c OR d)",
    " NEAR/100 ".join(f"({' OR '.join(f'{letter}{n}*' for n in range(300))})" for letter in
                      ("aaa", "bbb")),
    '"' + "a b " * 10 + '"~100',
    '"' + "aaa* " * 19 + 'b"~100',
    "aaa" + "*a" * 100,
    "orange AND NOT (" + " OR ".join(f"aaa{n}?b*" for n in range(2_000)) + ")",
]  # fmt: skip
_HOSTILE_TEXTS = [
    "a b c d " * 1_250,
    "a" * 10_000,
    " ".join(f"aaa{n} bbb{n}" for n in range(700)),
    "\u0301" * 10_000,
    "日" * 10_000,
    "🍊\u200d" * 5_000,
    "https://a.example/" + "a™" * 4_000,
]


@pytest.mark.parametrize("query", [*_HOSTILE_QUERIES, *MONSTERS], ids=lambda text: f"{text[:12]!r}")
def test_monsters_are_asked_of_monsters_in_bounded_time(query: str) -> None:
    started = time.process_time()
    try:
        node = parse(query)
    except QueryError:
        return
    found = answers([node], [document(text, title=text[:500]) for text in _HOSTILE_TEXTS])
    assert len(found) == len(_HOSTILE_TEXTS)
    # Generous for a slow machine: detects only exponential time.
    assert time.process_time() - started < 60

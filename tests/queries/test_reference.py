"""The reference evaluator: the examples of the documentation, and laws for any post."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.language.ast import And, Near, Node, Not, Or, Phrase, Term
from queries.language.parser import parse
from queries.matching.document import MatchedSpan
from tests.queries.agreement_cases import CASES
from tests.queries.asked import RESOLVED, TERMS, TEXTS, document, whole_document
from tests.queries.reference import evaluate

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text("utf-8")
_ROW = re.compile(r"^\| `([^`]+)` \| (\".*\") \| (\".*\") \|$", re.MULTILINE)
GOLDEN = [
    (query, text, matches)
    for query, *cells in _ROW.findall(PAGE)
    for cell, matches in zip(cells, (True, False), strict=True)
    for text in re.findall(r'"([^"]+)"', cell)
]


def test_the_page_has_tables() -> None:
    assert len({query for query, _, _ in GOLDEN}) > 30


@pytest.mark.parametrize(("query", "text", "expected"), [*GOLDEN, *CASES])
def test_the_examples(query: str, text: str, expected: bool) -> None:
    assert evaluate(parse(query), document(text)).matches is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lang:fr", True),
        ("lang:(en OR fr)", True),
        ("lang:en", False),
        ("title:orange", True),
        ("text:orange", False),
        ("orange", True),
        ("title:(orange panne)", False),
        ("orange AND panne", True),
        ('"orange panne"', False),  # no phrase leaves the title
        ("orange NEAR/100 panne", False),
        ("authorName:(ana NEAR/1 lima)", True),
        ("author:@ANA", True),
        ("author:did?x*", False),
        ("author:did?plc*", True),
        ("author:did*", True),
        ("source:X", True),
        ("site:lemonde.fr", True),
        ("site:fr", True),
        ("site:monde.fr", False),
        ("url:lemonde.fr/panne", True),
        ("url:(lemonde AND été)", True),
        ("url:(lemonde NEAR/5 velmora)", False),  # each address on its own
        ("country:FR", True),
        ("hashtags:(panne fibre)", True),
        ("hashtags:#PANNE", True),
        ("hashtags:pan", False),
        ("mentions:velmora", True),
        ("@velmora", False),
        ('entity:"air france"', True),
        ("entity:Q1", True),
        ("brand:air-volta", True),
        ("sentiment:negative", True),
        ("towards:negative", True),
        ("towards:(negative positive)", True),
        ("towards:neutral", False),
        ("towards:air-volta=negative", True),
        ("towards:VELMORA=positive", True),
        ("towards:velmora=negative", False),
        ("towards:corvane=neutral", False),  # not read closely
        ("aspect:price", True),
        ("aspect:price=negative", True),
        ('aspect:"price = negative"', True),
        ("aspect:price=positive", False),
        ("aspect:(price staff)", True),
        ("aspect:staff=negative|price=negative", True),
        ("aspect:staff=negative", False),
        ("aspect:delay", False),
        ("intent:complaint", True),
        ("intent:(complaint AND threat_to_leave)", True),
        ("intent:praise", False),
        ("emotion:anger", True),
        ("community:c/9", True),
        ('community:"LE CAFE"', True),
        ("community:cafe", False),
        ("thread:x:0", True),
        ("about:app:velmora", True),
        ('about:"velmora mobile"', True),
        ("publisher:lemonde.fr", True),
        ('publisher:"le monde"', True),
        ("format:review", True),
        ("bot:false", True),
        ("rating:1.8", True),  # 2 of 0 to 10
        ("rating:<2", True),
        ("rating:<1.8", False),
        ("rating:<=1.8", True),
        ("rating:>1.79", True),
        ("rating:1..2", True),
        ("rating:2..*", False),
        ("rating:[1.8 TO 5]", True),
        ("score:<0", True),
        ("score:-3", True),
        ("score:-5..-4", False),
        ("saves:0", False),  # unknown
        ("engagementType:reply|quote", True),
        ("engagementType:original", False),
        ("verified:true", True),
        ("followers:>999", True),
        ("followers:>1000", False),
        ("followers:1000", True),
        ("likes:[0 TO 0]", True),
        ("views:[0 TO *]", False),  # unknown
        ("orange NOT views:>1", True),
        ("date:2026-03-02", True),
        ("date:>2026-03-02", False),
        ("date:>2026-03-02T13:00:00.123+01:00", False),
        ("date:[2026-03-02T12:00:00.123Z TO 2026-03-02T12:00:00.123Z]", True),
    ],
)
def test_fields(query: str, expected: bool) -> None:
    asked = whole_document("panne", "Orange")
    assert evaluate(parse(query), asked).matches is expected


@pytest.mark.parametrize(
    ("query", "text", "words"),
    [
        ("orange", "Orange, l'orange", ["Orange", "orange"]),
        ('"ma box"', "ma, box", ["ma, box"]),
        ('"box panne"~2', "panne de ma box", ["panne", "box"]),
        ("box NEAR/2 panne", "box en panne, ma box", ["box", "panne", "box"]),
        ("box NEAR/2f panne", "box en panne, ma box", ["box", "panne"]),
        ("box AND panne", "box panne box", ["box", "panne", "box"]),
        ("box OR (panne AND absent)", "box panne", ["box"]),
        ("box AND NOT absent", "box panne", ["box"]),
        ("(air NEAR/1 france) NEAR/1 retard", "air de france retard", ["air", "france", "retard"]),
        ("กาแฟ", "ชอบกาแฟมาก", ["กาแฟ"]),
    ],
)
def test_the_places_that_matched(query: str, text: str, words: list[str]) -> None:
    spans = sorted(evaluate(parse(query), document(text)).spans)
    assert [text[span.start : span.end] for span in spans] == words


def test_places_say_their_field() -> None:
    found = evaluate(parse("box"), document("a box", title="box"))
    assert sorted(found.spans) == [MatchedSpan("text", 2, 5), MatchedSpan("title", 0, 3)]
    assert not evaluate(parse("lang:fr OR url:x"), document("a", url="https://x.example")).spans


@given(RESOLVED, TEXTS)
@settings(max_examples=200, deadline=None)
def test_places_are_in_the_text_and_only_of_matches(node: Node, text: str) -> None:
    result = evaluate(node, document(text))
    assert result.matches or not result.spans
    assert all(0 <= span.start < span.end <= len(text) for span in result.spans)


@given(RESOLVED, RESOLVED, TEXTS)
@settings(max_examples=200, deadline=None)
def test_the_laws_of_and_or_not(one: Node, other: Node, text: str) -> None:
    asked = document(text)
    first, second = evaluate(one, asked).matches, evaluate(other, asked).matches
    assert evaluate(And((one, other)), asked).matches is (first and second)
    assert evaluate(Or((one, other)), asked).matches is (first or second)
    assert evaluate(Not(one), asked).matches is not first


@given(TERMS, TERMS, st.integers(0, 5), TEXTS)
@settings(max_examples=200, deadline=None)
def test_the_laws_of_distance(one: Term, other: Term, distance: int, text: str) -> None:
    asked = document(text)

    def near(left: Node, right: Node, *, farther: int = 0, ordered: bool = False) -> bool:
        return evaluate(Near(left, right, distance + farther, ordered), asked).matches

    assert near(one, other) is near(other, one)
    assert near(one, other) is (near(one, other, ordered=True) or near(other, one, ordered=True))
    assert near(one, other) <= near(one, other, farther=1)
    assert near(one, other) <= evaluate(And((one, other)), asked).matches
    # Two words with a distance mean the same as NEAR.
    assert near(one, other) is evaluate(Phrase((one, other), distance), asked).matches

"""A printed tree parses to itself."""

import pytest
from hypothesis import given, settings

from queries.language.ast import Node
from queries.language.format import format_query
from queries.language.parser import parse
from tests.queries.asked import QUERIES


@given(QUERIES)
@settings(max_examples=400, deadline=None)
def test_a_printed_tree_parses_to_itself(node: Node) -> None:
    assert parse(format_query(node)) == node


@pytest.mark.parametrize(
    ("query", "printed"),
    [
        ("  orange   OR(sosh) ", "orange OR sosh"),
        ("a NOT b", "a AND NOT b"),
        ("a AND NOT(b OR c)", "a AND NOT (b OR c)"),
        ("(a OR b) AND ((c))", "(a OR b) AND c"),
        ("(a AND b) AND c", "(a AND b) AND c"),
        ("a NEAR/5 b AND c", "(a NEAR/5 b) AND c"),
        ('"orange"', "orange"),
        ('"and"', '"and"'),
        ("l'orange", '"l orange"'),
        ("“ma box”~3", '"ma box"~3'),
        ('"C & A"', '"C&A"'),
        ('"revenu .NET" OR "vu .NET 8"', '"revenu .NET" OR "vu.NET 8"'),
        ("{E.ON} OR C++17 OR Canal+", '{E.ON} OR "C++17" OR "Canal+"'),
        ("{Free Mobile}", "{Free Mobile}"),
        ("LANG:FR|en", "lang:(fr OR en)"),
        ('source:"my feed"', 'source:"my feed"'),
        ("author:@Velmora", "author:Velmora"),
        ("title:(a b)", "title:(a AND b)"),
        ("followers:>1000", "followers:[1001 TO *]"),
        ("likes:<=5", "likes:[* TO 5]"),
        ("likes:7", "likes:[7 TO 7]"),
        ("likes:5..7", "likes:[5 TO 7]"),
        ("likes:*..7", "likes:[* TO 7]"),
        ("score:>-2", "score:[-1 TO *]"),
        ("rating:<3", "rating:[* TO 2.99]"),
        ("rating:>=4", "rating:[4 TO *]"),
        ("rating:3.50", "rating:[3.5 TO 3.5]"),
        ("rating:1..2", "rating:[1 TO 2]"),
        ("date:2026-03-01..2026-03-31", "date:[2026-03-01 TO 2026-03-31]"),
        ("aspect:PRICE=Negative", "aspect:price=negative"),
        ('aspect:"delay = negative"', "aspect:delay=negative"),
        ("towards:negative|velmora=positive", "towards:(negative OR velmora=positive)"),
        ('community:"r/velmora"', 'community:"r/velmora"'),
        ("date:2026-03-01", "date:[2026-03-01 TO 2026-03-01]"),
        ("date:>2026-03-01", "date:[2026-03-02 TO *]"),
        ("date:<2026-03-01T12:00+02:00", "date:[* TO 2026-03-01T09:59:59.999Z]"),
        ("query:outages AND a", 'query:"outages" AND a'),
        ("https://a.example/x?y=1", "https://a.example/x?y=1"),
        ('"https://a.example/(x)"', '"https://a.example/(x)"'),
        ("url:https://a.example/x", 'url:"a example x"'),
    ],
)
def test_the_canonical_form(query: str, printed: str) -> None:
    assert format_query(parse(query)) == printed
    assert parse(printed) == parse(query)

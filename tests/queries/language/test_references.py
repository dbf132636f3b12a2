"""References to saved queries: replaced, never circular, never too large."""

import pytest

from queries.language.ast import Node, Or
from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.language.parser import parse
from queries.language.references import resolve
from queries.language.tree import children, walk, with_children

SAVED = {
    "outages": "panne OR coupure",
    "mine": 'velmora NEAR/5 box AND query:"outages"',
    "a": "query:b",
    "b": "x OR query:c",
    "c": "query:a AND y",
    "self": "query:self",
    "broken": "a AND",
    "uses broken": "x AND query:broken",
}


@pytest.mark.parametrize(
    ("query", "resolved"),
    [
        ("a", "a"),
        ("query:outages", "panne OR coupure"),
        ('a AND query:"outages"', "a AND (panne OR coupure)"),
        ("a NOT query:mine", "a AND NOT ((velmora NEAR/5 box) AND (panne OR coupure))"),
        ("query:outages OR query:outages", "(panne OR coupure) OR (panne OR coupure)"),
    ],
)
def test_names_are_replaced(query: str, resolved: str) -> None:
    assert format_query(resolve(parse(query), SAVED)) == resolved


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("x AND «query:outage»", "there is no query 'outage'; did you mean 'outages'?"),
        ("«query:zzz»", "there is no query 'zzz'; save it first"),
        ("«query:self»", "in a circle: 'self' → 'self'"),
        ("x OR «query:a»", "in a circle: 'a' → 'b' → 'c' → 'a'"),
        ("x OR «query:b»", "in a circle: 'b' → 'c' → 'a' → 'b'"),
        ("x OR «query:broken»", "the query 'broken' has a mistake: there is nothing after AND"),
        ('«query:"uses broken"»', "the query 'broken' has a mistake"),
    ],
)
def test_mistakes_point_at_the_name(query: str, says: str) -> None:
    text = query.replace("«", "").replace("»", "")
    with pytest.raises(QueryError) as caught:
        resolve(parse(text), SAVED)
    assert says in str(caught.value)
    assert (caught.value.start, caught.value.end) == (query.index("«"), query.index("»") - 1)


@pytest.mark.parametrize(
    ("link", "fine", "large"),
    [("query:{0} OR query:{0}", 5, 60), ("a AND query:{0}", 40, 19_999), ("query:{0}", 40, 19_999)],
)
def test_queries_that_double_and_long_chains_are_refused(link: str, fine: int, large: int) -> None:
    saved = {"0": "x OR y"} | {str(n): link.format(n - 1) for n in range(1, 20_000)}
    resolve(parse(f"query:{fine}"), saved)
    with pytest.raises(QueryError, match="too large"):
        resolve(parse(f"query:{large}"), saved)


def test_clauses_of_a_saved_query_have_the_place_of_its_name() -> None:
    query = 'abc AND (query:mine OR "a b") NOT query:outages'
    nodes = walk(resolve(parse(query), SAVED))
    assert [query[slice(*node.span)] for node in nodes] == [
        query,
        "abc",
        'query:mine OR "a b"',
        *["query:mine"] * 7,
        '"a b"',
        "NOT query:outages",
        *["query:outages"] * 3,
    ]


def test_a_saved_query_of_words_may_stand_beside_near() -> None:
    saved = {"outages": 'panne OR "plus de réseau"', "brand": "orange OR sosh", "both": "a AND b",
             "field": "title:panne", "nested": 'query:"outages" OR coupure'}  # fmt: skip
    outages = 'panne OR "plus de réseau"'
    for query, whole in (
        ("(orange OR sosh) NEAR/8 query:outages", f"(orange OR sosh) NEAR/8 ({outages})"),
        ("query:brand NEAR/8f query:nested", f"(orange OR sosh) NEAR/8f ({outages} OR coupure)"),
    ):
        assert equivalent(resolve(parse(query), saved), parse(whole)), query
    for name, why in (("both", "AND cannot be"), ("field", "'title:' cannot be")):
        query = f"(orange OR sosh) NEAR/8 query:{name}"
        with pytest.raises(QueryError) as caught:
            resolve(parse(query), saved)
        error = caught.value
        assert query[error.start : error.end] == f"query:{name}"
        assert error.message == f"the query '{name}' cannot be an operand of NEAR"
        assert why in error.hint


def equivalent(one: Node, other: Node) -> bool:
    """Whether two queries are alike but for an OR in an OR."""
    return format_query(_flat(one)) == format_query(_flat(other))


def _flat(node: Node) -> Node:
    node = with_children(node, [_flat(child) for child in children(node)])
    if not isinstance(node, Or):
        return node
    return Or(
        tuple(
            p
            for part in node.children
            for p in (part.children if isinstance(part, Or) else (part,))
        )
    )

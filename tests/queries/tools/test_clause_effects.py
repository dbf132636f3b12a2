"""Clause effects, counted by matching the query without each clause."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.language.ast import And, Node, Or, Term
from queries.language.format import format_query
from queries.language.parser import parse
from queries.language.validate import check
from queries.matching.query_matcher import QueryMatcher
from queries.tools.clause_effects import WHOLE, Clauses, Effect
from schemas.mention import Language
from tests.queries.asked import RESOLVED, document
from tests.queries.reference import evaluate


def effects_on(query: str, *texts: str, limit: int = 60) -> list[Effect]:
    """The effects on posts with these texts; ``[fr] `` before a text is its language."""
    parts = Clauses(parse(query), limit)
    mentions = []
    for text in texts:
        code, _, rest = text.partition("] ")
        mention = document(rest or text).mention
        mention.language = Language(code=code[1:], confidence=1) if rest else None
        mentions.append(mention)
    counts = Counter(
        match.name for found in QueryMatcher(parts.queries).match(mentions) for match in found
    )
    return parts.effects(counts)


def table(effects: list[Effect]) -> list[tuple[str, int, int]]:
    return [
        ("  " * effect.level + format_query(effect.clause), effect.adds, effect.removes)
        for effect in effects
    ]


TEXTS = ("velmora panne", "corvane panne", "corvane velmora coupure", "velmora panne jus",
         "corvane", "panne", "velmora panne jus fruit", "velmora fruit panne")  # fmt: skip


def test_the_usual_shape() -> None:
    found = effects_on("(velmora OR corvane) AND (panne OR coupure) NOT (jus OR fruit)", *TEXTS)
    assert {effect.matches for effect in found} == {3}
    assert table(found) == [
        ("velmora OR corvane", 0, 1),
        ("  velmora", 1, 0),
        ("  corvane", 1, 0),
        ("panne OR coupure", 0, 1),
        ("  panne", 2, 0),
        ("  coupure", 1, 0),
        ("NOT (jus OR fruit)", 0, 3),
        ("  jus", 0, 1),
        ("  fruit", 0, 1),
    ]
    assert [effect.kind for effect in found[:2]] == ["condition", "alternative"]
    assert {effect.kind for effect in found[6:]} == {"exclusion"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("velmora", []),
        ("velmora OR corvane", [("velmora", 4, 0), ("corvane", 2, 0)]),
        ("velmora OR velmora", [("velmora", 0, 0), ("velmora", 0, 0)]),
        # Without "velmora", nearly every post would match: only the NOT is measured.
        ("velmora NOT jus", [("NOT jus", 0, 2)]),
        (
            "(velmora OR corvane) NOT jus",
            [
                ("velmora OR corvane", 0, 0),
                ("  velmora", 2, 0),
                ("  corvane", 2, 0),
                ("NOT jus", 0, 2),
            ],
        ),
        (
            "(velmora OR corvane) NEAR/1 (panne OR coupure)",
            [("velmora", 4, 0), ("corvane", 1, 0), ("panne", 5, 0), ("coupure", 1, 0)],
        ),
        (
            "(velmora AND panne) OR (corvane AND coupure)",
            [
                ("velmora AND panne", 4, 0),
                ("  velmora", 0, 2),
                ("  panne", 0, 0),
                ("corvane AND coupure", 1, 0),
                ("  coupure", 0, 2),
                ("  corvane", 0, 0),
            ],
        ),
        ("text:(velmora OR box)", [("text:velmora", 5, 0), ("text:box", 0, 0)]),
        # Without one part, the exclusion excludes more.
        ("panne NOT (jus AND fruit)", [("NOT (jus AND fruit)", 0, 1), ("  jus", 1, 0),
                                       ("  fruit", 1, 0)]),
    ],
)  # fmt: skip
def test_clauses_of_every_kind(query: str, expected: list[tuple[str, int, int]]) -> None:
    assert table(effects_on(query, *TEXTS)) == expected


def test_the_values_of_a_field_are_clauses() -> None:
    found = effects_on("panne AND lang:(fr OR en)", "[fr] panne", "[en] panne", "[de] panne")
    assert table(found) == [
        ("lang:(fr OR en)", 0, 1),
        ("  lang:fr", 1, 0),
        ("  lang:en", 1, 0),
        ("panne", 0, 0),
    ]


def test_a_clause_has_its_place_in_the_text() -> None:
    query = "(velmora OR corvane) AND lang:fr|en NOT jus"
    spans = {query[slice(*effect.clause.span)] for effect in effects_on(query, "velmora")}
    assert {"velmora", "corvane", "fr", "en", "NOT jus"} <= spans


def test_too_many_clauses_are_counted_and_the_querys_own_come_first() -> None:
    many = Or(tuple(Term(f"w{number}") for number in range(5_000)))
    parts = Clauses(And((many, Term("panne"), Or((Term("a"), Term("b"))))), limit=10)
    assert len(parts.queries) == 11
    assert parts.left_out == 5_000 + 2 + 3 - 10
    shown = [effect for effect in parts.effects({WHOLE: 1}) if effect.level == 0]
    assert len(shown) == 3
    # Both groups have their turn.
    assert {format_query(effect.clause) for effect in parts.effects({})} >= {"w0", "a", "b"}


@given(RESOLVED, st.lists(st.sampled_from(["orange été", "bt panne", "a b", "5g #orange"])))
@settings(max_examples=150, deadline=None)
def test_queries_are_valid_and_alternatives_only_add(node: Node, texts: list[str]) -> None:
    parts = Clauses(node)
    for each in parts.queries.values():
        check(each)
    counts = {
        name: sum(evaluate(each, document(text)).matches for text in texts)
        for name, each in parts.queries.items()
    }
    for effect in parts.effects(counts):
        assert not (effect.removes if effect.kind == "alternative" else 0)
        assert not (effect.adds if effect.kind == "condition" else 0)

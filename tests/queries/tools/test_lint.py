"""Lint warnings and explanations."""

import time

import pytest
from hypothesis import given, settings

from queries.language.ast import Node
from queries.language.parser import parse
from queries.tools.explain import explain
from queries.tools.lint import lint, lint_sample
from tests.queries.asked import QUERIES, RESOLVED, document
from text.everyday import everyday_words


@pytest.mark.parametrize(
    ("query", "warned"),
    [
        ("velmora", []),
        ("orange", [("everyday-word", "orange")]),
        ("Été", []),  # the accent tells it from "ete"
        ("tomorrow", [("everyday-word", "tomorrow")]),
        ("gap OR free OR apple OR target", [("everyday-word", w) for w in
                                            ("gap", "free", "apple", "target")]),
        ("orange AND lang:fr", [("everyday-word", "orange")]),
        ("orange NOT jus", [("everyday-word", "orange")]),
        ("title:orange", [("everyday-word", "orange")]),
        ("orange AND panne", []),
        ("orange NEAR/5 panne", []),
        ('"orange bank"', []),
        ("{Orange}", [("everyday-word", "{Orange}")]),
        ("{FREE} OR {Free}", [("everyday-word", "{FREE}"), ("everyday-word", "{Free}")]),
        ("{BT} OR {Free Mobile}", []),
        ("{Free} NEAR/5 mobile", []),
        ("#orange", []),
        ("T-X OR C&A OR E.ON", [("few-letters", "T-X")]),
        ("{T-X} OR T-Mobile", []),
        ("T-X AND panne", []),
        ("author:orange AND velmora", []),
        ("velmora OR VELMORA", [("duplicate", "VELMORA")]),
        ('velmora OR "velmora"', [("duplicate", '"velmora"')]),
        ("velmora OR {velmora}", []),
        ("velmora OR vélmora", []),
        ("(velmora AND box) OR (box AND velmora)", [("duplicate", "box AND velmora")]),
        ("velmora AND lang:(fr OR FR)", [("duplicate", "FR")]),
        ("vel*", [("wide-wildcard", "vel*")]),
        ("velm*", []),
        ("vel?ora", []),
        ("cont*", [("wide-wildcard", "cont*")]),
        ('"ma vel*"', [("wide-wildcard", "vel*")]),
        ("(velmora OR corvane) NOT velmora", [("excludes-itself", "velmora")]),
        ("velmora AND box NOT (panne OR box)", [("excludes-itself", "box")]),
        ("velmora NOT (velmora AND box)", []),
        ("velmora AND (box OR lang:fr) NOT lang:fr", [("excludes-itself", "lang:fr")]),
        ("lang:fr AND likes:>5", [("no-words", "lang:fr AND likes:>5")]),
        ('query:"outages"', []),
    ],
)  # fmt: skip
def test_what_is_warned_of(query: str, warned: list[tuple[str, str]]) -> None:
    found = lint(parse(query))
    assert [(each.code, query[each.start : each.end]) for each in found] == warned
    for each in found:
        assert each.message in each.show(query)
        assert each.hint


def test_only_watched_languages_have_everyday_words() -> None:
    assert not lint(parse("demain"), ["en"])
    assert lint(parse("demain"), ["en", "fr"])
    assert lint(parse("orange"), [])  # a brand's name, whatever is watched


def test_the_lists_are_there() -> None:
    lists = everyday_words()
    assert lists.keys() == {"fr", "en", "es", "de", "it", "pt", "brands"}
    assert all(len(words) >= 150 for words in lists.values())
    assert lists["brands"] >= {"orange", "free", "apple", "target", "gap"}


@given(QUERIES)
@settings(max_examples=150, deadline=None)
def test_every_query_can_be_judged_and_explained(node: Node) -> None:
    lint(node)
    assert len(explain(node)) >= 1


def test_a_monster_is_judged_in_time() -> None:
    clause = '(velmora OR "ma box" OR corv* OR #x) NEAR/5 (panne OR coupure) NOT (jus OR fruit)'
    query = " OR ".join(f"({clause})" for _ in range(1_000))
    started = time.process_time()
    assert lint(parse(query))
    assert time.process_time() - started < 20


def test_an_explanation_says_each_clause() -> None:
    said = explain(parse('(box OR "en rade") NEAR/5f {BT} AND lang:fr NOT likes:>10'))
    assert said == [
        "all of",
        "├─ both, with at most 5 words between them, the first before the second",
        "│  ├─ at least one of",
        "│  │  ├─ the word “box”",
        "│  │  └─ the words “en rade” in a row",
        "│  └─ the word “BT”, in these capitals and accents",
        "├─ in lang (the language that the text was found to be in)",
        "│  └─ the value “fr”",
        "└─ not",
        "   └─ likes (likes when the post was read): 11 or more",
    ]


def warned_on(query: str, *texts: str) -> list[tuple[str, str]]:
    found = lint_sample(parse(query), (document(text).mention for text in texts))
    # Spans may end with or without the closing parenthesis.
    return [(each.code, query[each.start : each.end].rstrip(")")) for each in found]


@pytest.mark.parametrize(
    ("query", "warned"),
    [
        ("velmora", []),
        ("zorglub", [("matches-nothing", "zorglub")]),
        ("velmora AND zorglub", [("matches-nothing", "velmora AND zorglub")]),
        ("velmora OR zorglub", [("adds-nothing", "zorglub")]),
        ("(velmora OR zorglub) AND panne", [("adds-nothing", "zorglub")]),
        ("(velmora OR zorglub) NEAR/9 panne", [("adds-nothing", "zorglub")]),
        ("velmora OR coupure", [("adds-nothing", "coupure")]),
        ("velmora NOT panne", [("removes-most", "NOT panne")]),
        ("velmora NOT coupure", []),
        ("velmora NOT (jus OR panne)", [("removes-most", "panne")]),
        ("velmora NOT (rouge OR bleu)", [("removes-most", "NOT (rouge OR bleu")]),
        (
            "velmora NOT (velmora OR jus)",
            [("matches-nothing", "velmora NOT (velmora OR jus"), ("removes-most", "velmora")],
        ),
        ("box NOT panne", []),  # too few to say
    ],
)
def test_what_a_sample_warns_of(query: str, warned: list[tuple[str, str]]) -> None:
    texts = ["velmora panne rouge"] * 12 + ["velmora coupure"] * 12 + ["velmora panne bleu"] * 12
    texts += ["box panne"] * 18 + ["box"]
    assert warned_on(query, *texts) == warned
    assert warned_on("velmora OR corvane") == [("matches-nothing", "velmora OR corvane")]


def test_a_warning_has_counts() -> None:
    texts = ["velmora panne"] * 15 + ["velmora"] * 10
    (warning,) = lint_sample(parse("velmora NOT panne"), [document(t).mention for t in texts])
    assert "removes 15 of the 25 posts" in warning.message
    assert warning.hint


@given(RESOLVED)
@settings(max_examples=50, deadline=None)
def test_every_query_can_be_judged_on_a_sample(node: Node) -> None:
    lint_sample(node, [document("orange bt panne").mention])

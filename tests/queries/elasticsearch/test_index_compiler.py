"""Queries as Elasticsearch JSON. ``tests/engines`` compares the matches with the reference."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queries.elasticsearch.index_compiler import MAX_TERMS, compile_query, refusal
from queries.elasticsearch.index_fields import SAME, query_fields
from queries.language.ast import And, Named, Near, Node, Not, Or, Phrase, Term
from queries.language.errors import QueryError
from queries.language.parser import parse
from tests.queries.asked import RESOLVED, TERMS, document
from text.tokens import cased_form, folded_form, tokenize

TEXT, TITLE = "words.text", "words.title"


def either(make: Any) -> dict[str, Any]:
    return {"bool": {"should": [make(TEXT), make(TITLE)]}}


def match(word: str, field: str | None = None) -> dict[str, Any]:
    return {"match": {"query": word, **({"use_field": field} if field else {})}}


def in_order(gaps: int, *rules: dict[str, Any], ordered: bool = True) -> dict[str, Any]:
    return {"all_of": {"intervals": list(rules), "ordered": ordered, "max_gaps": gaps}}


def any_of(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"any_of": {"intervals": list(rules)}}


def intervals(rule: dict[str, Any]) -> dict[str, Any]:
    return {"intervals": {TEXT: rule}}


def present(*queries: dict[str, Any], **unwanted: Any) -> dict[str, Any]:
    return {"bool": {"filter": [*queries, {"exists": {"field": "values.source"}}], **unwanted}}


A, B, E = match("a"), match("b"), match("e")
SAME_EXACT = match(SAME, f"{TEXT}_exact")
DAY = {"gte": "2026-03-02T00:00:00.000Z", "lte": "2026-03-02T23:59:59.999Z"}

GOLDEN: list[tuple[str, dict[str, Any]]] = [
    ("orange", either(lambda f: {"term": {f: "orange"}})),
    ("Été", either(lambda f: {"term": {f"{f}_accented": "été"}})),
    ("{BT}", either(lambda f: {"term": {f"{f}_exact": "BT"}})),
    ("abonn*", either(lambda f: {"prefix": {f: "abonn"}})),
    ("colo?r*", either(lambda f: {"wildcard": {f: "colo?r*"}})),
    ('"ma box"', either(lambda f: {"match_phrase": {f: "ma box"}})),
    ("title:orange", {"term": {TITLE: "orange"}}),
    ("url:velmora.example", {"match_phrase": {"words.url": "velmora example"}}),
    ("text:(a OR b OR c)", {"terms": {TEXT: ["a", "b", "c"]}}),
    (
        "a OR b OR text:c",
        {"bool": {"should": [{"terms": {TEXT: ["a", "b", "c"]}}, {"terms": {TITLE: ["a", "b"]}}]}},
    ),
    (
        "text:{bt}",
        intervals(
            any_of(
                {"any_of": {"intervals": [match("bt")], "filter": {"contained_by": SAME_EXACT}}},
                match("bt", f"{TEXT}_exact"),
            )
        ),
    ),
    ('text:"l\'été"', intervals(in_order(0, match("l"), match("été", f"{TEXT}_accented")))),
    ('text:"a b e"~5', intervals(in_order(5, A, B, E, ordered=False))),
    ("text:((a OR b) NEAR/5f e)", intervals(in_order(5, any_of(A, B), E))),
    ("text:((a OR b) NEAR/5 e)", intervals(in_order(5, any_of(A, B), E, ordered=False))),
    (
        # A token could be both, and two are wanted.
        "text:((a OR e) NEAR/5 (b OR e))",
        intervals(
            any_of(in_order(5, any_of(A, E), any_of(B, E)), in_order(5, any_of(B, E), any_of(A, E)))
        ),
    ),
    (
        # Only the end that the outer NEAR sees is written out.
        "text:(((a OR b) NEAR/1f (c OR d)) NEAR/2f e)",
        intervals(
            any_of(*(in_order(2, in_order(1, any_of(A, B), match(last)), E) for last in "cd"))
        ),
    ),
    ("lang:fr|en", present({"terms": {"language": ["fr", "en"]}})),
    ('entity:"Air France"', {"term": {"values.entity": "air france"}}),
    ("hashtags:vel*", {"prefix": {"values.hashtags": "vel"}}),
    ("aspect:price", present({"term": {"aspects.label": "price"}})),
    ("aspect:price=negative", present({"term": {"aspect_sentiment": "price=negative"}})),
    (
        "aspect:(delay OR price OR price=negative)",
        present(
            {
                "bool": {
                    "should": [
                        {"terms": {"aspects.label": ["delay", "price"]}},
                        {"term": {"aspect_sentiment": "price=negative"}},
                    ]
                }
            }
        ),
    ),
    ("towards:velmora=negative", present({"term": {"brand_sentiment": "velmora=negative"}})),
    ("towards:negative", present({"wildcard": {"brand_sentiment": "*=negative"}})),
    ("intent:complaint", present({"term": {"intents": "complaint"}})),
    ("emotion:anger", present({"term": {"emotion.label": "anger"}})),
    ('community:"Le Café"', {"term": {"values.community": "le cafe"}}),
    ("rating:<3", present({"range": {"rating.share": {"lte": 0.4975}}})),
    ("rating:4..5", present({"range": {"rating.share": {"gte": 0.75, "lte": 1.0}}})),
    ("score:<0", present({"range": {"metrics.score": {"lte": -1}}})),
    ("likes:>10", present({"range": {"metrics.likes": {"gte": 11}}})),
    ("date:2026-03-02", present({"range": {"created_at": DAY}})),
    (
        "text:a AND text:b NOT text:(c OR d)",
        present(
            {"term": {TEXT: "a"}}, {"term": {TEXT: "b"}}, must_not=[{"terms": {TEXT: ["c", "d"]}}]
        ),
    ),
]


@pytest.mark.parametrize(("query", "expected"), GOLDEN, ids=[query for query, _ in GOLDEN])
def test_what_a_query_becomes(query: str, expected: dict[str, Any]) -> None:
    assert compile_query(parse(query)) == expected


@given(RESOLVED)
@settings(max_examples=200, deadline=None)
def test_any_query_is_compiled_or_refused(node: Node) -> None:
    try:
        compiled = compile_query(node)
    except QueryError as error:
        assert error.hint
    else:
        assert len(compiled) == 1


def test_a_long_query_is_compiled_at_once() -> None:
    words = [f"w{number}" for number in range(13_000)]
    long = parse(" OR ".join(words)[:100_000].rsplit(" OR ", 1)[0])
    phrases = parse(" OR ".join(f'"velmora w{number}"' for number in range(4_500)))
    began = time.process_time()
    compiled = compile_query(long)
    compile_query(phrases)
    assert time.process_time() - began < 2  # a fifth of a second, but machines are busy
    (text, title) = compiled["bool"]["should"]
    assert text["terms"].keys() == {TEXT}
    assert title["terms"].keys() == {TITLE}


def test_words_beyond_one_query_for_terms_get_another() -> None:
    every = Or(tuple(Term(f"w{number}") for number in range(MAX_TERMS + 1)))
    sizes = [
        len(query["terms"][TEXT]) if "terms" in query else 1
        for query in compile_query(every)["bool"]["should"]
        if TEXT in query.get("terms", query.get("term"))
    ]
    assert sizes == [MAX_TERMS, 1]


def listed(letter: str, count: int) -> Or:
    return Or(tuple(Term(f"{letter}{number}") for number in range(count)))


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (
            Near(Near(listed("a", 60), listed("b", 60), 5), listed("c", 60), 5),
            "NEAR has too many alternatives here; write fewer",
        ),
        (
            Phrase(tuple(map(Term, "aabcdefg")), 5),
            "a phrase of 8 words with a distance is too long if a token can be two of them",
        ),
        (
            Or((Near(Near(listed("a", 20), listed("b", 20), 5), listed("c", 20), 5),) * 10),
            "with its distances written out, the query exceeds 50,000 words",
        ),
        (Term("abc*" + "a" * 65, wildcard=True), "more than 64 letters or 6 '\\?' after a '\\*'"),
        (Term("abc*d???????", wildcard=True), "more than 64 letters or 6 '\\?' after a '\\*'"),
        (Term("\u0640" * 100 + "x" * 200), "this word is too long"),
    ],
)
def test_what_the_engine_could_not_run_is_refused(node: Node, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        compile_query(node)


def test_a_list_beside_a_list_and_a_word_that_folds_short_are_no_problem() -> None:
    compile_query(Term("a" * 300 + "é"))
    compile_query(Near(listed("a", 1_900), listed("b", 1_900), 5))
    compile_query(Near(Near(listed("a", 20), listed("b", 20), 5), listed("c", 20), 5))


def test_depth_counts_where_and_and_or_alternate() -> None:
    deep: Node = Term("a")
    for _ in range(60):
        deep = And((deep, Term("b")))
    compile_query(deep)
    for number in range(30):
        deep = And((Or((deep, Term("c"))), Term(f"d{number}")))
    with pytest.raises(QueryError, match="more than 25 levels"):
        compile_query(deep)


def test_names_are_resolved_before() -> None:
    with pytest.raises(ValueError, match="resolve"):
        compile_query(And((Term("a"), Not(Named("b")))))


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("failed to create query: Query contains too many nested clauses; maxClauseCount is set to "
         "8192", "more words and phrases"),
        ("Automaton [x*] expanded to too many terms (limit 8192)", "stands for too many words"),
        ("Determinizing automaton with 22 states and 23 transitions would require more than 10000",
         "too complicated"),
    ],
)  # fmt: skip
def test_what_the_engine_refuses_is_said_in_our_words(reason: str, says: str) -> None:
    error = refusal(reason)
    assert error is not None
    assert says in error.message
    assert error.hint
    assert refusal("all shards failed") is None


_ODD = st.text(
    st.sampled_from(list("aBéÉßıİſΑᾳйЙ日กिीْـ＠＃ﷺ㌖ﬁ𝐎゙́̈ͅ️🍊\u200d🏽 .'#@$")), max_size=20
) | st.text(max_size=20)
_LONG = st.builds(lambda text, times: text * times, _ODD, st.integers(1, 60))


@given(_ODD | _LONG)
@settings(max_examples=500, deadline=None)
def test_the_forms_stand_at_the_same_positions(text: str) -> None:
    words = query_fields(document(text)).get("words", {})
    tokens = tokenize(text)
    if not len(tokens):
        assert not words
        return
    # What the whitespace tokenizer makes of it (see text.tokens on 255).
    forms = {name: line.split(" ") for name, line in words.items()}
    assert forms["text"] == tokens.folded
    assert {len(line) for line in forms.values()} == {len(tokens)}
    assert all(
        form and not any(map(str.isspace, form)) and len(form.encode("utf-16-le")) <= 2 * 256
        for line in forms.values()
        for form in line
    )


@given(TERMS | st.builds(Term, _ODD.map(lambda text: (tokenize(text).exact or ["a"])[0]),
                         exact=st.booleans()), _ODD)  # fmt: skip
@settings(max_examples=500, deadline=None)
def test_a_form_that_is_left_out_is_never_missed(term: Term, text: str) -> None:
    """Where a token has SAME, no term with an accent means it, and its folded form is its own."""
    asked = document(f"{text} {term.text}")
    words = query_fields(asked)["words"]
    tokens = asked.texts_of("text")[0]
    count = len(tokens)
    folded = words["text"].split(" ")
    accented = words.get("text_accented", " ".join([SAME] * count)).split(" ")
    exact = words["text_exact"].split(" ")
    for place in range(count):
        form = term.form_of(tokens.exact[place])
        if term.exact:
            kept = folded[place] if exact[place] == SAME else exact[place]
            assert kept == form
        elif not term.accented:
            assert folded[place] == form
        elif accented[place] == SAME:
            assert form != term.form
        else:
            assert accented[place] == form


def test_no_letter_is_folded_to_what_folds_to_another() -> None:
    """Else a term in braces could mean a folded form that is not looked at."""
    for letter in map(chr, (*range(0xD800), *range(0xE000, 0x110000))):
        if (folded := folded_form(letter)) != letter:
            assert all(folded_form(part) == part for part in folded)
            assert SAME not in (folded, cased_form(letter)) or not len(tokenize(letter))


def test_addresses_stand_apart() -> None:
    asked = document("a", url="https://a.example/É", links=["https://b.example", "…"])
    words = query_fields(asked)["words"]
    assert words["url"] == ["a example e", "b example"]
    assert words["url_accented"] == [". . é", ". ."]
    assert words["url_exact"] == [". . É", ". ."]


def test_a_value_that_lucene_cannot_hold_is_left_out() -> None:
    huge = " ".join(["x" * 200] * 200)
    values = query_fields(document("a", hashtags=[huge, "b"]))["values"]
    assert values["hashtags"] == ["b"]

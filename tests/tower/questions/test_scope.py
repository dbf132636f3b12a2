"""The parameters of a question: windows, ticks, time zones, and the query that a click makes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queries.language.ast import And, Node, Or
from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.language.parser import parse
from queries.matching.document import Document
from tests import make
from tests.queries.asked import QUERIES, VALUED, WHEN, document
from tests.queries.reference import evaluate
from tests.strategies import ANY_TEXT, TEXT
from tower.questions.question import Ask, Context
from tower.questions.scope import (
    STEPS,
    BadParameter,
    brand_of,
    scope_of,
    step_of,
    value_clause,
    window,
    with_clause,
)
from tower.questions.volume_series import bucket_starts

NOW = datetime(2026, 3, 2, 12, 0, 7, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "since", "until"),
    [
        ({}, "2026-03-01T12:00:00+00:00", "2026-03-02T12:00:00+00:00"),
        ({"last": "30m"}, "2026-03-02T11:30:00+00:00", "2026-03-02T12:00:00+00:00"),
        ({"last": "7d"}, "2026-02-23T12:00:00+00:00", "2026-03-02T12:00:00+00:00"),
        (
            {"since": datetime(2026, 3, 1, tzinfo=UTC)},
            "2026-03-01T00:00:00+00:00",
            "2026-03-02T12:00:00+00:00",
        ),
        (
            {"until": datetime(2026, 3, 1, tzinfo=UTC)},
            "2026-02-28T00:00:00+00:00",
            "2026-03-01T00:00:00+00:00",
        ),
    ],
)
def test_a_window_is_as_given_or_ends_at_the_last_tick(
    given: dict[str, Any], since: str, until: str
) -> None:
    found = window(Ask(**given), NOW)
    assert [at.isoformat() for at in found] == [since, until]


@pytest.mark.parametrize(
    ("given", "name", "message"),
    [
        ({"last": "1h", "since": NOW}, "last", "not both"),
        ({"last": "1h", "until": NOW}, "last", "not both"),
        ({"last": "9999d"}, "last", "longer than 400 days"),
        ({"last": "1w"}, "last", "'1w' is not a length of time; write 30m, 16h or 7d"),
        ({"since": NOW, "until": NOW}, "until", "after since"),
        ({"since": NOW + timedelta(hours=1)}, "until", "after since"),
        ({"since": NOW - timedelta(days=401), "until": NOW}, "since", "longer than 400 days"),
        ({"until": datetime.min.replace(tzinfo=UTC)}, "until", "too early"),
        ({"tz": "Europe/Pariss"}, "tz", "'Europe/Pariss' is not a time zone"),
        ({"tz": "../../etc/passwd"}, "tz", "is not a time zone"),
        ({"tz": "\x00"}, "tz", "is not a time zone"),
        ({"tz": ""}, "tz", "is not a time zone"),
        ({"tz": "Europe"}, "tz", "is not a time zone"),
    ],
)
def test_a_wrong_parameter_is_named_with_a_remedy(
    given: dict[str, Any], name: str, message: str
) -> None:
    with pytest.raises(BadParameter, match=message) as raised:
        scope_of(Ask(**given), Context(NOW))
    assert raised.value.name == name


@example(datetime.min.replace(tzinfo=UTC), datetime(1, 1, 9, tzinfo=UTC))
@example(datetime(9999, 12, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
@given(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))])),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-12))])),
)
def test_any_two_times_are_a_window_or_a_wrong_parameter(since: datetime, until: datetime) -> None:
    try:
        first, end = window(Ask(since=since, until=until), NOW)
    except BadParameter:
        return
    assert first < end
    # Every question can look at the time before, and count buckets to the end.
    assert first - (end - first) < first
    step = step_of(first, end, 96)
    starts = list(bucket_starts(first, end, step))
    assert starts[0] <= first < starts[0] + step
    assert starts[-1] < end <= starts[-1] + step


@given(st.integers(1, 399 * 86_400), st.integers(0, 10**9), st.integers(2, 1_000))
def test_a_step_gives_at_most_so_many_buckets(length_s: int, from_s: int, most: int) -> None:
    since = datetime.fromtimestamp(from_s, UTC)
    until = since + timedelta(seconds=length_s)
    step = step_of(since, until, most)
    assert step in STEPS
    starts = list(bucket_starts(since, until, step))
    assert len(starts) <= most or step == STEPS[-1]
    # Weeks begin at the epoch's weekday, as the engines round them.
    assert all(at.timestamp() % step.total_seconds() == 0 for at in starts)


@given(st.integers(0, 9_999_999))
def test_all_who_ask_within_a_tick_ask_for_the_same_window(milliseconds: int) -> None:
    now = NOW + timedelta(milliseconds=milliseconds)
    for last, tick in (("24h", 8), ("2d", 8), ("49h", 60), ("7d", 60)):
        since, until = window(Ask(last=last), now)
        assert until.timestamp() % tick == 0
        assert timedelta() <= now - until < timedelta(seconds=tick)
        assert window(Ask(last=last), until) == (since, until)


@pytest.mark.parametrize(
    ("query", "brand"),
    [
        ("brand:velmora", "velmora"),
        ("brand:Velmora AND lang:fr", "velmora"),
        ("brand:velmora AND brand:velmora", "velmora"),
        ("brand:velmora AND brand:corvane", None),
        ("brand:velmora OR brand:corvane", None),
        ("panne AND NOT brand:velmora", None),
        ("(brand:velmora OR lang:fr) AND panne", None),
        ("panne", None),
    ],
)
def test_a_query_asks_for_a_brand_if_every_match_has_it(query: str, brand: str | None) -> None:
    assert brand_of(parse(query)) == brand
    assert scope_of(Ask(q=query), Context(NOW)).brand == brand


def test_a_query_that_is_wrong_is_an_error_with_its_place() -> None:
    with pytest.raises(QueryError) as raised:
        scope_of(Ask(q="brand:velmora AND (panne"), Context(NOW))
    assert raised.value.start >= 0


CLAUSES = st.sampled_from(
    ["lang:fr", "country:FR", "towards:velmora=negative", 'entity:"Air France"', "aspect:price"]
)


@given(VALUED, CLAUSES)
def test_adding_a_clause_narrows_the_query_and_taking_it_out_gives_it_back(
    query: Node, clause: str
) -> None:
    text = format_query(query)
    parts = query.children if isinstance(query, And) else (query,)
    if format_query(parse(clause)) in {format_query(part) for part in parts}:
        return
    added = with_clause(text, clause)
    for asked in DOCUMENTS:
        wanted = evaluate(query, asked).matches and evaluate(parse(clause), asked).matches
        assert evaluate(parse(added), asked).matches == wanted, added
    back = parse(with_clause(added, clause))
    for asked in DOCUMENTS:
        assert evaluate(back, asked).matches == evaluate(query, asked).matches


DOCUMENTS = [
    document("Velmora en panne", language=None, country=country, author="17")
    for country in ("FR", "US", None)
] + [Document(make.mention(make.post("x", id="x:2", created_at=WHEN), language="fr"))]


@settings(max_examples=50)
@given(QUERIES, CLAUSES)
def test_a_query_with_a_clause_always_parses(query: Node, clause: str) -> None:
    added = with_clause(format_query(query), clause)
    parse(added)
    if again := with_clause(added, clause):
        parse(again)


@pytest.mark.parametrize(
    ("query", "clause", "wanted"),
    [
        ("", "lang:fr", "lang:fr"),
        ("   ", "lang:fr", "lang:fr"),
        ("panne", "lang:fr", "panne AND lang:fr"),
        ("a OR b", "lang:fr", "(a OR b) AND lang:fr"),
        ("panne AND lang:fr", "lang:fr", "panne"),
        ("lang:fr", "lang:fr", ""),
        ("lang:FR", "lang:fr", ""),
        ("panne AND NOT lang:fr", "lang:fr", "panne AND NOT lang:fr AND lang:fr"),
        ("panne", "lang:fr OR lang:en", "panne AND (lang:fr OR lang:en)"),
        # A query that is wrong stays, and its mistake is shown.
        ("(panne", "lang:fr", "((panne) AND lang:fr"),
    ],
)
def test_a_click_adds_its_clause_or_takes_it_out(query: str, clause: str, wanted: str) -> None:
    assert with_clause(query, clause) == wanted


def test_a_clause_added_to_an_or_binds_all_of_it() -> None:
    node = parse(with_clause("a OR b", "c OR d"))
    assert isinstance(node, And)
    assert all(isinstance(part, Or) for part in node.children)


@pytest.mark.parametrize("field", ["entity", "hashtags", "community", "author", "source", "lang"])
@given(value=ANY_TEXT | TEXT)
def test_a_clause_of_any_value_parses_or_there_is_none(field: str, value: str) -> None:
    clause = value_clause(field, value)
    if clause is not None:
        parse(clause)


@given(TEXT)
def test_a_clause_of_a_value_finds_the_post_that_has_it(name: str) -> None:
    clause = value_clause("hashtags", name)
    if clause is not None:
        asked = document("x", hashtags=[name])
        assert evaluate(parse(clause), asked).matches

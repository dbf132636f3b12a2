"""Values that the language takes and that no post can have."""

import pytest

from ingestors.bluesky.posts import SOURCE as BLUESKY
from ingestors.x.posts import SOURCE as X
from queries.language.parser import parse
from queries.tools.lint import lint
from queries.tools.value_lint import KNOWN_SOURCES, source_doubt
from schemas.source_names import INGESTED


def doubts(query: str, sources: tuple[str, ...] | None = ()) -> list[tuple[str, str]]:
    found = lint(parse(query), sources=sources)
    return [
        (query[each.start : each.end], each.hint) for each in found if each.code == "doubtful-value"
    ]


@pytest.mark.parametrize(
    ("query", "place", "hint"),
    [
        ("velmora AND source:Twitter", "Twitter", "source:x"),
        ("velmora AND source:(x OR bsky)", "bsky", "source:bluesky"),
        ("velmora AND source:trustpilott", "trustpilott", "source:trustpilot"),
        ("velmora AND source:a.example", "a.example", "site:a.example"),
        ("velmora AND source:pt", "pt", "lang:pt"),
        ("velmora AND source:reply", "reply", "engagementType:reply"),
        ("velmora AND source:intranet", "intranet", "your own files"),
        ('velmora AND hashtags:"velmora is down"', '"velmora is down"', "hashtags:velmoraisdown"),
        ("velmora AND hashtags:vel-mora", "vel-mora", "hashtags:velmora"),
        ("velmora AND hashtags:(#ok OR vel.mora)", "vel.mora", "hashtags:velmora"),
        ("velmora AND hashtags:@velmora", "@velmora", "mentions:velmora"),
        ("velmora AND hashtags:911", "911", '"#911"'),
        ("velmora AND mentions:#velmora", "#velmora", "hashtags:velmora"),
        ('velmora AND mentions:"velmora help"', '"velmora help"', "mentions:velmorahelp"),
        ('velmora AND author:"Ana Ruiz"', '"Ana Ruiz"', 'authorName:"Ana Ruiz"'),
        ("velmora AND site:liberation", "liberation", "site:liberation.com"),
        ("velmora AND site:bluesky", "bluesky", "source:bluesky"),
        ("velmora AND site:@velmora", "@velmora", "author:velmora"),
        (
            "velmora AND author:https://x.example/velmora?a",
            "https://x.example/velmora?a",
            "author:velmora",
        ),
        (
            "velmora AND hashtags:https://x.example/hashtag/vel",
            "https://x.example/hashtag/vel",
            "hashtags:vel",
        ),
        ("velmora AND thread:42", "42", 'thread:"x:42"'),
    ],
)
def test_a_value_that_no_post_has_is_told_with_the_nearest(
    query: str, place: str, hint: str
) -> None:
    ((found, told),) = doubts(query)
    assert found == place
    assert hint in told


@pytest.mark.parametrize(
    "query",
    [
        "velmora AND source:(x OR bluesky OR reddit)",
        "velmora AND source:velmo*",
        "velmora AND hashtags:(velmora OR Été OR ソニー OR velmor* OR a2b)",
        "velmora AND mentions:(velmora OR velmora.bsky.social OR a@b.example)",
        "velmora AND mentions:did:plc:abc123",
        "velmora AND author:velmora",
        "velmora AND site:(fr OR info OR a.example)",
    ],
)
def test_a_value_that_posts_can_have_is_not_told(query: str) -> None:
    assert doubts(query) == []


def test_a_source_that_is_said_to_be_known_is_not_told() -> None:
    assert doubts("velmora AND source:Intranet", ("intranet",)) == []
    assert source_doubt("intranet", ["intranet"]) is None


def test_where_the_sources_are_not_known_only_what_looks_like_something_else_is_told() -> None:
    assert doubts("velmora AND source:intranet", None) == []
    assert doubts("velmora AND source:twitter", None) != []
    assert doubts("velmora AND source:fr", None) != []


def test_the_known_sources_hold_those_that_ingestors_write() -> None:
    assert set(INGESTED) == {X, BLUESKY}
    assert set(KNOWN_SOURCES) >= {X, BLUESKY}


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ('"velmora OR corvane"', ["quoted-operator"]),
        ('title:"velmora AND box"', ["quoted-operator"]),
        ('"velmora and box"', []),
        ('"VELMORA AND BOX"', []),
        ("{Velmora AND Sons}", []),
        ("{velmora OR corvane}", ["quoted-operator"]),
        ('"OR velmora"', []),
    ],
)
def test_an_operator_between_quotation_marks_is_told(query: str, codes: list[str]) -> None:
    assert [each.code for each in lint(parse(query))] == codes

"""``tocsin watch``: the terms that are watched, and how a post is shown."""

from datetime import UTC, datetime

import pytest

from queries.names import BrandMatcher
from runtime.errors import ConfigurationError
from schemas.post import Author, Post
from tocsin.cli.watch import brand_of, line_of


def post(text: str) -> Post:
    return Post(
        id="bluesky:1",
        source="bluesky",
        author=Author(id="did:plc:1", handle="odile.example"),
        text=text,
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        language="fr",
    )


@pytest.mark.parametrize(
    ("query", "names", "handles"),
    [
        ("orange", ["orange"], []),
        ("orange OR sosh", ["orange", "sosh"], []),
        ('orange OR "ma box" OR @orange_conseil', ["orange", "ma box"], ["orange_conseil"]),
        ('"OR" OR or', ["OR", "or"], []),
        ("  日本  OR  🍊 ", ["日本", "🍊"], []),
        ("#orange OR $ORA", ["#orange", "$ORA"], []),
    ],
)
def test_terms_are_read(query: str, names: list[str], handles: list[str]) -> None:
    brand = brand_of(query)
    assert (brand.names, brand.handles) == (names, handles)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "names nothing to watch"),
        ("   ", "names nothing to watch"),
        ("orange OR", "names nothing to watch"),
        ("OR orange", "cannot be watched"),
        ("orange OR OR sosh", "cannot be watched"),
        ("orange sosh", "cannot be watched"),
        ("orange AND sosh", "cannot be watched"),
        ("orange OR NOT sosh", "cannot be watched"),
        ("(orange)", "cannot be watched"),
        ('"orange" "sosh"', "cannot be watched"),
        ('""', "names nothing to watch"),
        ("!!!", "names nothing to watch"),
        ("orange OR ...", "names nothing to watch"),
        ("@", "names nothing to watch"),
    ],
)
def test_what_cannot_be_watched_is_a_sentence(query: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        brand_of(query)
    assert str(caught.value).startswith(f"'{query}' ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("query", "text", "matches"),
    [
        ("orange", "l'Orange !", True),
        ("orange", "watch the Orangeade", False),
        ('"ma box"', "Ma Box est morte", True),
        ('"ma box"', "ma grande box", False),
        ("@orange", "@orange aide", True),
        ("@orange", "orange aide, watch", False),
    ],
)
def test_the_terms_match_as_brands_do(query: str, text: str, matches: bool) -> None:
    assert bool(BrandMatcher([brand_of(query)]).match(post(text))) == matches


def test_a_post_is_shown_with_its_matches_marked() -> None:
    shown = line_of(
        post("😡 l'Orange [bold]est[/bold] en panne"), BrandMatcher([brand_of("orange")])
    )
    assert shown.plain == "03:04:05 @odile.example 😡 l'Orange [bold]est[/bold] en panne [fr]"
    marked = [
        shown.plain[span.start : span.end] for span in shown.spans if "yellow" in str(span.style)
    ]
    assert marked == ["Orange"]


def test_a_post_of_nobody_in_no_language_is_shown() -> None:
    found = Post(
        id="bluesky:1",
        source="bluesky",
        author=Author(id="did:plc:1"),
        text="",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    assert line_of(found, BrandMatcher([])).plain == "00:00:00 @did:plc:1  [?]"

"""Spread: sources and countries where a brand is usually not talked about."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from processors.detector.signals.new_places import new_places
from schemas.activity import Activity
from schemas.alert import Signal
from tests.processors.detector.days import minutes_of, posts, usual_of
from tests.processors.detector.storms import calm, record

_BEFORE = [
    record(n, one.at, source="x" if n % 4 else "bluesky", country="FR" if n % 2 else None)
    for n, one in enumerate(calm(39, 2))
]
USUAL = usual_of(_BEFORE)


def told(records: Sequence[Activity]) -> dict[str, Signal]:
    found = new_places(minutes_of(records), USUAL)
    assert {signal.name for signal in found} <= {"spread"}
    return {signal.unit: signal for signal in found}


def test_a_brand_of_two_sources_that_is_talked_about_on_five() -> None:
    new = [
        *posts(12, "a", source="reddit"),
        *posts(9, "b", source="lemmy"),
        *posts(8, "c", source="mastodon"),
    ]
    found = told([*posts(60), *posts(20, "d", source="bluesky"), *new])["sources"]
    assert (found.observed, found.baseline) == (5, 2)
    assert found.about == "reddit, lemmy, mastodon"
    assert found.significance is not None and found.significance > 5


def test_new_countries_are_told_beside_new_sources() -> None:
    records = [*posts(60, country="FR"), *posts(12, "a", country="DE", source="reddit")]
    found = told(records)
    assert found.keys() == {"sources", "countries"}
    assert (found["countries"].observed, found["countries"].baseline) == (2, 1)
    assert found["countries"].about == "DE"


def test_usual_places_are_no_spread() -> None:
    assert told([*posts(60, country="FR"), *posts(60, "b", source="bluesky")]) == {}


def test_two_posts_from_elsewhere_are_no_spread() -> None:
    assert told([*posts(60), *posts(2, "a", source="reddit")]) == {}


def test_what_is_usual_has_to_be_known() -> None:
    young = usual_of(posts(10, "before"))
    assert new_places(minutes_of(posts(30, "a", source="reddit")), young) == []


@given(st.integers(6, 40), st.integers(1, 20))
def test_significance_grows_with_the_evidence(count: int, more: int) -> None:
    few = told([*posts(60), *posts(count, "a", source="reddit")])["sources"]
    many = told([*posts(60), *posts(count + more, "a", source="reddit")])["sources"]
    assert (many.significance or 0) > (few.significance or 0)

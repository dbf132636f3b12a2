"""The posts that the accurate annotators read are those that tell most, the same each time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.enrichment.annotators.sentiment import to_sentiment
from processors.enrichment.encoder_choice import ALL, NONE, RECENT, BrandShares, Choice
from schemas.mention import BrandMatch, Influence, Mention
from tests.processors.enrichment.fakes import mention

PLAIN = (0.02, 0.96, 0.02)


def post(
    shares: tuple[float, float, float] = PLAIN, reach: int = 0, brands: tuple[str, ...] = ("a",)
) -> Mention:
    found = mention("text")
    found.sentiment = to_sentiment(shares)
    found.influence = Influence(reach=reach)
    found.brands = [BrandMatch(id=brand) for brand in brands]
    return found


SHARES = st.tuples(*[st.floats(0.01, 1)] * 3).map(
    lambda values: tuple(value / sum(values) for value in values)
)
POSTS = st.lists(
    st.builds(post, SHARES, st.integers(0, 10**7), st.sampled_from([("a",), ("b",), ("a", "b")])),
    max_size=12,
)
RISING = st.sampled_from([frozenset(), frozenset({"a"}), frozenset({"b"})])


def test_where_all_may_be_read_nothing_is_chosen() -> None:
    posts = [post(), post()]
    assert ALL.chosen(posts) == Choice(2).chosen(posts) == {0: "all", 1: "all"}
    assert NONE.chosen(posts) == {}
    assert ALL.chosen([]) == NONE.chosen([]) == {}


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"shares": (0.9, 0.08, 0.02)}, "negative"),
        ({"shares": (0.30, 0.35, 0.35)}, "unsure"),
        ({"reach": 500_000}, "reach"),
        ({"brands": ("a", "risen")}, "rising"),
    ],
)
def test_what_speaks_for_a_post(other: dict[str, Any], reason: str) -> None:
    posts = [post(), post(**other), post()]
    assert Choice(1, frozenset({"risen"})).chosen(posts) == {1: reason}


def test_fields_that_no_annotator_filled_speak_for_nothing() -> None:
    bare = mention("text")
    assert Choice(1).chosen([bare, post(reach=9)]) == {1: "reach"}
    assert Choice(1).chosen([bare, bare]) == {0: "rising"}, "of equal ones the first"


@given(POSTS, RISING, st.integers(0, 12))
def test_fewer_are_the_best_of_more(
    posts: list[Mention], rising: frozenset[str], most: int
) -> None:
    chosen = Choice(most, rising).chosen(posts)
    assert list(chosen) == sorted(chosen) and len(chosen) == min(most, len(posts))
    assert chosen.keys() <= Choice(most + 1, rising).chosen(posts).keys()
    assert chosen == Choice(most, rising).chosen(posts)


@given(POSTS, st.integers(1, 6), st.data())
def test_more_of_what_counts_never_speaks_against_a_post(
    posts: list[Mention], most: int, data: st.DataObject
) -> None:
    for at in Choice(most).chosen(posts):
        influence = posts[at].influence
        assert influence
        posts[at].influence = replace(influence, reach=2 * influence.reach + 1)
        assert at in Choice(most).chosen(posts)
        assert at in Choice(most, frozenset({posts[at].brands[0].id})).chosen(posts[: at + 1])


def test_a_brand_rises_when_its_share_does() -> None:
    shares = BrandShares()
    for _ in range(300):
        shares.count([("large", 90), ("small", 10)])
    assert shares.rising() == frozenset()
    for _ in range(6):
        shares.count([("large", 50), ("small", 50)])
    assert shares.rising() == {"small"}
    for _ in range(40):
        shares.count([("large", 90), ("small", 10)])
    assert shares.rising() == frozenset()


def test_a_backlog_and_a_brand_alone_raise_nothing() -> None:
    shares = BrandShares()
    for size in (1, 1, 1, 100, 100, 100):
        shares.count([("large", 9 * size), ("small", size)])
        assert shares.rising() == frozenset()
    alone = BrandShares()
    for size in (1, 1, 500, 0):
        alone.count([("one", size)])
        assert alone.rising() == frozenset()


def test_a_few_mentions_are_no_rise() -> None:
    shares = BrandShares()
    for _ in range(100):
        shares.count([("large", 500)])
    shares.count([("small", 5)])
    assert shares.rising() == frozenset()
    shares.count([("small", 5)])
    assert shares.rising() == {"small"}
    shares.count([("large", 3 * RECENT)])
    assert shares.rising() == frozenset(), "it rose, and is named no more"


def test_memory_is_bounded() -> None:
    shares = BrandShares()
    for number in range(12_000):
        shares.count([(f"brand-{number}", 1)])
    assert len(shares._brands) == 10_000
    assert "brand-0" not in shares._brands and "brand-11999" in shares._brands

"""Posts of an alert: what is marked, and how much of a long text is shown."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Evidence, Lift
from schemas.mention import BrandMatch, Match
from schemas.post import Author
from sinks.alerts.message.post_texts import (
    MAX_EXCERPT,
    PublishedPost,
    author_of,
    excerpt,
    lifted_of,
    published_post,
)
from tests import make
from tests.strategies import HOSTILE_TEXT


def marked(post: PublishedPost) -> list[str]:
    return [post.text[start:end] for start, end in post.marks]


def test_the_brand_and_the_terms_are_marked_as_they_are_written() -> None:
    match = Match(text="Velmora", start=0, end=7)
    mention = make.mention(
        "Velmora : ÉNORME panne à Saint Nazaire, #VelmoraDown",
        brands=[BrandMatch(id="velmora", matches=[match]), BrandMatch(id="corvo")],
    )
    post = published_post(mention, "velmora", ["enorme", "saint nazaire", "#velmoradown", "absent"])
    assert marked(post) == ["Velmora", "ÉNORME", "Saint Nazaire", "#VelmoraDown"]
    assert marked(published_post(mention, "corvo", [])) == []


def test_matches_that_overlap_are_one_mark() -> None:
    matches = [Match(text="Velmora", start=0, end=7), Match(text="ora en", start=4, end=10)]
    matches.append(Match(text="x", field="title", start=0, end=1))
    mention = make.mention("Velmora en panne", brands=[BrandMatch(id="v", matches=matches)])
    assert marked(published_post(mention, "v", ["velmora"])) == ["Velmora en"]


def test_a_long_text_is_cut_around_its_first_mark() -> None:
    mention = make.mention("a " * 500 + "panne " + "b " * 500)
    post = published_post(mention, "v", ["panne"])
    shown = excerpt(post)
    assert marked(shown) == ["panne"]
    assert shown.text.startswith("…") and shown.text.endswith("…")
    assert len(shown.text) == MAX_EXCERPT + 2
    assert post.text == mention.post.text


def test_an_author_is_a_handle_if_there_is_one() -> None:
    assert author_of(make.mention(make.post(author=Author(id="9", handle="odile")))) == "@odile"
    assert author_of(make.mention(make.post(author=Author(id="did:plc:9")))) == "did:plc:9"


def test_the_most_significant_lift_comes_first() -> None:
    lift = {"count": 5, "expected": 0.0}
    evidence = Evidence(
        lifted=[Lift(term="a", significance=20, **lift)],
        lifted_entities=[Lift(term="b", significance=40, **lift)],
    )
    assert lifted_of(evidence) == ["b", "a"]


@given(
    HOSTILE_TEXT,
    st.lists(HOSTILE_TEXT, max_size=4),
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), max_size=5),
)
def test_any_marks_are_apart_and_within_the_text(
    text: str, terms: list[str], places: list[tuple[int, int]]
) -> None:
    matches = [Match(text="x", start=start, end=end) for start, end in places]
    mention = make.mention(text, brands=[BrandMatch(id="v", matches=matches)])
    post = published_post(mention, "v", [*terms, *text.split()[:3]])
    for each in (post, excerpt(post)):
        assert all(0 <= start < end <= len(each.text) for start, end in each.marks)
        assert all(before[1] < after[0] for before, after in pairwise(each.marks))

"""New topics: what is suddenly said by many, and was hardly ever said of the brand before."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.brand_detector import HISTORY
from processors.detector.signals.new_topic import MIN_VOICES, new_topics
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import BrandCounts, minute_of, voices
from schemas.activity import Activity
from schemas.alert import Signal
from schemas.brand import AlertPolicy, Brand
from tests.processors.detector.days import LENGTH, NOW, minutes_of, posts, usual_of
from tests.processors.detector.storms import START, calm, record, said, storm, together
from tests.processors.detector.test_brand_detector import alerts_of

USUAL = usual_of(calm(39, 2))


def topic(records: Sequence[Activity], usual: Baseline = USUAL) -> Signal | None:
    found = new_topics(minutes_of(records), usual, LENGTH)
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("field", "what"),
    [("terms", "#boycott"), ("terms", "news.example/velmora"), ("terms", "rappel"),
     ("entities", "Greenpeace")],
)  # fmt: skip
def test_a_hashtag_a_link_a_word_and_a_name_arrive(field: str, what: str) -> None:
    fields: dict[str, Any] = {field: [what]}
    found = topic([*posts(60, terms=["offre"]), *posts(20, "new", **fields)])
    assert found is not None
    assert (found.name, found.about, found.observed) == ("topic", what, 20)
    assert found.unit == "posts/30min"
    assert found.baseline == 0
    assert found.significance is not None and found.significance > 5


def test_what_is_often_said_does_not_arrive() -> None:
    assert topic(posts(80, terms=["livraison"])) is None


def test_what_was_said_once_before_is_still_new() -> None:
    once = record("once", START, terms=["#boycott"])
    usual = usual_of(together(iter([once]), calm(39, 2)))
    assert usual.terms["#boycott"] > 0
    assert topic([*posts(60), *posts(20, "new", terms=["#boycott"])], usual) is not None


def test_an_author_alone_makes_no_topic() -> None:
    loud = posts(30, "loud", terms=["#buy"], author="00000000000loud0")
    assert topic([*posts(60), *loud]) is None


def test_few_of_very_many_make_no_topic() -> None:
    few = posts(10, "new", terms=["#boycott"])
    assert topic([*posts(60), *few]) is not None
    assert topic([*posts(3_000), *few]) is None


def test_a_brand_of_which_little_is_known_has_no_new_topics() -> None:
    young = usual_of(posts(10, "before"))
    assert topic([*posts(40), *posts(15, "new", terms=["#boycott"])], young) is None


@given(st.integers(1, MIN_VOICES - 1), st.integers(0, 60))
def test_a_shift_on_few_posts_is_no_shift(few: int, others: int) -> None:
    new = posts(few, "new", terms=["#boycott"])
    assert topic([*new, *(posts(others) if others else [])]) is None


@given(st.integers(10, 40), st.integers(10, 40))
def test_the_more_say_it_the_surer_it_is(count: int, more: int) -> None:
    few = topic([*posts(60), *posts(count, "new", terms=["#boycott"])])
    many = topic([*posts(60), *posts(count + more, "new", terms=["#boycott"])])
    assert few is not None and many is not None
    assert (many.significance or 0) > (few.significance or 0)


def test_among_many_terms_the_same_one_is_less_sure() -> None:
    new = posts(12, "new", terms=["#boycott"])
    alone = topic([*posts(60), *new])
    among = [record(f"r{n}", one.at, terms=[f"w{n}-{m}" for m in range(24)])
             for n, one in enumerate(posts(60))]  # fmt: skip
    crowded = topic([*among, *new])
    assert alone is not None and crowded is not None
    assert (crowded.significance or 0) < (alone.significance or 0)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_authors_of_a_term_are_about_counted(authors: list[int]) -> None:
    counts = BrandCounts()
    for number, who in enumerate(authors):
        counts.add(record(number, NOW, author=f"{who:016x}", terms=["#boycott"]))
    now = minute_of(NOW)
    about = voices(counts.between(now, now + 1), "#boycott")
    there = len(set(authors))
    assert about == pytest.approx(there, rel=0.6, abs=2)
    assert (about > 0) == (there > 0)


def test_a_new_topic_is_told_beside_what_moved_and_wakes_nobody_alone() -> None:
    brand = Brand(id="velmora", name="Velmora", alerts=AlertPolicy(minimum_volume=10))
    calm_days = list(calm(60, 2))
    (first, *_) = alerts_of(together(iter(calm_days), storm(40, 30, per_minute=30)), brand)
    told = {signal.name: signal for signal in first.signals}
    assert told["topic"].about in ("#velmoradown", "panne")
    # The same topic, said with joy in what are as many posts as ever.
    cheerful = [
        record(one.post_id, one.at, terms=["#velmorarocks"], **said("positive"))
        if one.at >= NOW and number % 3 == 0
        else one
        for number, one in enumerate(calm_days)
    ]
    assert len(cheerful) > HISTORY
    assert alerts_of(cheerful, brand) == []

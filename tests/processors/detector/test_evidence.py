"""What an alert shows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.detector.evidence import evidence, headline
from processors.detector.signals.novelty import signal
from processors.detector.signals.summary import WindowSummary, summarize
from processors.detector.state.volume import VolumeBaselines
from processors.detector.state.window import LONG, WindowTotals
from schemas.activity import Activity
from schemas.alert import Evidence, Headline, Lift
from tests.processors.detector.days import NOW, baseline_of, posts, window_of
from tests.processors.detector.storms import calm, record, said

BASELINE = baseline_of(
    record(n, one.at, terms=["offre"], entities=["Paris"] if n % 3 == 0 else [], **said("neutral"))
    for n, one in enumerate(calm(39, 2))
)


def shown(records: Sequence[Activity], since: int = 0) -> Evidence:
    window = window_of(records)
    return evidence(window, BASELINE, window.minutes[since:])


def terms_of(lifts: Sequence[Lift]) -> list[str]:
    return [lift.term for lift in lifts]


def summary_of(records: Sequence[Activity]) -> WindowSummary:
    return summarize(window_of(records), BASELINE, VolumeBaselines())


def test_names_are_told_apart_from_words_and_not_lifted_where_named_as_ever() -> None:
    new = posts(20, "new", terms=["panne"], entities=["Nantes", "Paris"])
    lifted = shown([*posts(60, entities=["Paris"]), *new])
    assert terms_of(lifted.lifted) == ["panne"]
    lift = lifted.lifted_entities[0]
    assert (lift.term, lift.count, lift.expected) == ("Nantes", 20, 0)
    assert lift.significance > 15.1
    assert shown([*posts(40), *posts(20, "p", entities=["Paris"])]).lifted_entities == []


def test_a_word_of_a_lifted_name_is_no_term_beside_it() -> None:
    # Recognised as a name in most posts, and in some not.
    lifted = shown([
        *posts(60), *posts(30, "name", entities=["Nantes"]), *posts(30, "word", terms=["nantes"]),
    ])  # fmt: skip
    assert (terms_of(lifted.lifted_entities), lifted.lifted) == (["Nantes"], [])


def test_the_authors_who_carried_it_are_those_who_wrote_most_and_are_seen_most() -> None:
    busy = posts(5, "busy", author="00000000000busy0")
    wide = posts(1, "wide", reach=90_000, url="https://x.example/1")
    carriers = shown([*posts(40, reach=10), *busy, *wide]).carriers
    first, second = carriers[:2]
    assert (first.author, first.mentions) == ("00000000000busy0", 5)
    assert (second.reach, second.url) == (90_000, "https://x.example/1")
    assert len(carriers) == 10


def test_the_first_and_the_most_seen_posts_are_shown_with_their_links() -> None:
    first = record("first", NOW - timedelta(minutes=30), url="https://x.example/first")
    wide = record("wide", NOW - timedelta(minutes=9), url="https://x.example/wide", reach=70_000)
    earliest, widest, *_ = shown([first, wide, *posts(40)[1:]]).shown
    assert (earliest.role, earliest.url) == ("first", "https://x.example/first")
    assert (widest.role, widest.url) == ("most_seen", "https://x.example/wide")
    assert (earliest.at, widest.reach) == (first.at, 70_000)
    # The first is that of the shift, not of the half hour.
    (since,) = [post.at for post in shown(posts(60), since=10).shown if post.role == "first"]
    assert since == NOW - timedelta(minutes=20)


def test_copies_and_where_it_is_said_are_shown_as_shares_of_the_whole() -> None:
    copies = posts(30, "copy", duplicate_keys=["wsame", "wxsame"], source="bluesky", country="FR",
                   language="en")  # fmt: skip
    split = shown([*posts(30, country="DE"), *copies])
    assert split.duplicate_share == round(29 / 60, 3)
    assert split.sources == {"bluesky": 30, "x": 30}
    assert split.languages == {"en": 30, "fr": 30}
    assert split.countries == {"DE": 30, "FR": 30}


def test_a_headline_has_the_numbers_of_the_half_hour() -> None:
    records = [*posts(60, **said("neutral")), *posts(180, "new", **said("negative"))]
    facts = headline("Velmora", summary_of(records))
    assert (facts.mentions, facts.authors, facts.minutes) == (240, 240, LONG)
    assert facts.negative_share == 0.75
    assert facts.times is not None and facts.times > 1.5
    assert headline("Velmora", summary_of([])) == Headline(name="Velmora", minutes=LONG)


def authenticity(copies: int, reposts: int = 0, others: int = 10, **fields: Any) -> str | None:
    """Of a half hour with so many posts of one text; each author writes once."""
    of_text: dict[str, Any] = {"duplicate_keys": ["wlong"], "account_age_days": 900, **fields}
    records = [
        *posts(others, "other", account_age_days=900),
        *posts(copies, "copy", **of_text),
        *posts(reposts, "repost", **{**of_text, "kind": "repost"}),
    ]
    return shown(records).authenticity


def test_many_people_who_say_one_short_thing_are_no_campaign() -> None:
    short = {"duplicate_keys": ["sdown"]}
    assert authenticity(60, **short) == "organic"
    assert authenticity(60, **short, account_age_days=None) == "organic"
    assert authenticity(60, **short, account_age_days=6) == "coordinated"
    assert authenticity(60, **short, author="00000000000busy0") == "coordinated"


def test_copies_of_a_longer_text_are_a_campaign_unless_they_say_that_they_are_copies() -> None:
    assert authenticity(60, account_age_days=None) == "coordinated"
    assert authenticity(0, reposts=60) == "amplified"
    # A repost is one copy, not two: a quarter of the mentions are reposts here.
    assert authenticity(0, reposts=15, others=45) == "organic"
    assert authenticity(4, reposts=3, others=21) == "organic"


def test_what_many_people_say_alike_is_counted_in_full_and_copies_are_not() -> None:
    for keys, least in ((["sdown"], 60), (["wlong"], 10)):
        window = window_of([*posts(60, "copy", duplicate_keys=keys, account_age_days=900)])
        assert abs(window.long.discounted - least) < 6


NAMES = st.lists(st.text(min_size=1, max_size=5), max_size=4)


@given(st.lists(st.tuples(NAMES, NAMES), max_size=60))
def test_what_is_shown_is_bounded_and_counts_no_more_than_there_is(
    said_in: list[tuple[list[str], list[str]]],
) -> None:
    records = [
        record(n, NOW - timedelta(minutes=1 + n % 29), terms=terms, entities=entities)
        for n, (terms, entities) in enumerate(said_in)
    ]
    limits = shown(records)
    for lifts in (limits.lifted, limits.lifted_entities):
        assert len(lifts) <= 12
        for lift in lifts:
            assert 3 <= lift.count <= 4 * len(records)
            assert lift.count > lift.expected
    mentions = sum(carrier.mentions for carrier in limits.carriers)
    assert mentions <= limits.mentions == len(records)


def test_the_numbers_of_a_title_are_of_one_window() -> None:
    burst = signal("volume", 15.0, 1.24, "posts/5min", 9.0)
    summary = WindowSummary(
        WindowTotals(5, mentions=15), WindowTotals(30, mentions=30), {"volume": burst}, expected=7.5
    )
    facts = headline("Delta", summary)
    assert (facts.minutes, facts.mentions, facts.times) == (30, 30, 4.0)

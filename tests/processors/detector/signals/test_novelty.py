"""New topics are said by many and hardly ever before; new places are those of no usual source."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.backtest import replay
from processors.detector.signals.novelty import (
    MIN_VOICES,
    deviate,
    log_likelihood,
    new_places,
    new_topics,
)  # fmt: skip
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import BrandCounts, minute_of, voices
from schemas.activity import Activity
from schemas.alert import Signal
from tests.processors.detector.days import NOW, baseline_of, posts, window_of
from tests.processors.detector.storms import START, VELMORA, calm, record, said, storm, together

BASELINE = baseline_of(calm(39, 2))
OF_TWO_PLACES = baseline_of(
    record(n, one.at, source="x" if n % 4 else "bluesky", country="FR" if n % 2 else None)
    for n, one in enumerate(calm(39, 2))
)
YOUNG = baseline_of(posts(10, "before"))


def topic(records: Sequence[Activity], baseline: Baseline = BASELINE) -> Signal | None:
    signals = new_topics(window_of(records), baseline)
    assert len(signals) <= 1
    return signals[0] if signals else None


def sure(signal: Signal | None) -> float:
    assert signal is not None and signal.significance is not None
    return signal.significance


@pytest.mark.parametrize(
    ("field", "what"),
    [("terms", "#boycott"), ("terms", "news.example/velmora"), ("terms", "rappel"),
     ("entities", "Greenpeace")],
)  # fmt: skip
def test_a_hashtag_a_link_a_word_and_a_name_arrive(field: str, what: str) -> None:
    signal = topic([*posts(60, terms=["offre"]), *posts(20, "new", **{field: [what]})])
    assert sure(signal) > 5
    assert signal is not None
    assert (signal.name, signal.about, signal.observed) == ("topic", what, 20)
    assert (signal.unit, signal.baseline) == ("posts/30min", 0)
    # What was said once before is still new.
    baseline = baseline_of(together([record("once", START, terms=["#boycott"])], calm(39, 2)))
    assert baseline.terms.get("#boycott") > 0
    assert topic([*posts(60), *posts(20, "new", **NEW)], baseline) is not None


NEW = {"terms": ["#boycott"]}


@pytest.mark.parametrize(
    ("records", "baseline"),
    [
        pytest.param(posts(80, terms=["livraison"]), BASELINE, id="often said"),
        pytest.param(
            [*posts(60), *posts(30, "loud", author="00000000000loud0", **NEW)], BASELINE,
            id="by an author alone",
        ),
        pytest.param([*posts(40), *posts(15, "new", **NEW)], YOUNG, id="of a brand hardly known"),
        pytest.param([*posts(3_000), *posts(10, "new", **NEW)], BASELINE, id="few of very many"),
    ],
)  # fmt: skip
def test_what_is_not_a_new_topic(records: list[Activity], baseline: Baseline) -> None:
    assert topic(records, baseline) is None


@given(st.integers(1, MIN_VOICES - 1), st.integers(0, 60))
def test_a_shift_on_few_posts_is_no_shift(few: int, others: int) -> None:
    assert topic([*posts(few, "new", **NEW), *posts(others)]) is None


@given(st.integers(10, 40), st.integers(10, 40))
def test_the_more_say_it_the_surer_it_is(count: int, more: int) -> None:
    few, many = (topic([*posts(60), *posts(n, "new", **NEW)]) for n in (count, count + more))
    assert sure(many) > sure(few)


def test_among_many_terms_the_same_one_is_less_sure() -> None:
    new = posts(12, "new", **NEW)
    crowd = [record(f"r{n}", one.at, terms=[f"w{n}-{m}" for m in range(24)])
             for n, one in enumerate(posts(60))]  # fmt: skip
    assert sure(topic([*crowd, *new])) < sure(topic([*posts(60), *new]))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_authors_of_a_term_are_about_counted(authors: list[int]) -> None:
    counts, now = BrandCounts(), minute_of(NOW)
    for number, who in enumerate(authors):
        counts.add(record(number, NOW, author=f"{who:016x}", terms=["#boycott"]))
    about = voices(counts.between(now, now + 1), "#boycott")
    assert about == pytest.approx(len(set(authors)), rel=0.6, abs=2)
    assert about > 0


def test_a_new_topic_is_told_beside_what_moved_and_wakes_nobody_alone() -> None:
    days = list(calm(60, 2))
    (first, *_) = replay(together(days, storm(40, 30, per_minute=30)), [VELMORA])
    about = {signal.name: signal.about for signal in first.signals}
    assert about["topic"] in ("#velmoradown", "panne")
    # The same topic, said with joy in what are as many posts as ever.
    cheerful = [
        record(one.post_id, one.at, terms=["#velmorarocks"], **said("positive"))
        if one.at >= NOW and number % 3 == 0
        else one
        for number, one in enumerate(days)
    ]
    assert replay(cheerful, [VELMORA]) == []


def places(records: Sequence[Activity], baseline: Baseline = OF_TWO_PLACES) -> dict[str, Signal]:
    window = window_of(records)
    signals = [
        *new_places(window, baseline, "sources"), *new_places(window, baseline, "countries"),
    ]  # fmt: skip
    assert {signal.name for signal in signals} <= {"spread"}
    return {signal.unit: signal for signal in signals}


def test_a_brand_of_two_sources_that_is_talked_about_on_five() -> None:
    usual = [*posts(60), *posts(20, "d", source="bluesky")]
    new = [(12, "a", "reddit"), (9, "b", "lemmy"), (8, "c", "mastodon")]
    signal = places(
        [*usual, *(one for n, name, where in new for one in posts(n, name, source=where))]
    )["sources"]
    assert (signal.observed, signal.baseline) == (5, 2)
    assert signal.about == "reddit, lemmy, mastodon"
    assert sure(signal) > 5


def test_new_countries_are_told_beside_new_sources() -> None:
    records = [*posts(60, country="FR"), *posts(12, "a", country="DE", source="reddit")]
    signals = places(records)
    assert signals.keys() == {"sources", "countries"}
    assert (signals["countries"].observed, signals["countries"].baseline) == (2, 1)
    assert signals["countries"].about == "DE"


@pytest.mark.parametrize(
    ("records", "baseline"),
    [
        pytest.param(
            [*posts(60, country="FR"), *posts(60, "b", source="bluesky")], OF_TWO_PLACES, id="usual"
        ),
        pytest.param([*posts(60), *posts(2, "a", source="reddit")], OF_TWO_PLACES, id="two posts"),
        pytest.param(posts(30, "a", source="reddit"), YOUNG, id="a brand hardly known"),
    ],
)
def test_what_is_not_a_spread(records: list[Activity], baseline: Baseline) -> None:
    assert places(records, baseline) == {}


@given(st.integers(6, 40), st.integers(1, 20))
def test_significance_grows_with_the_evidence(count: int, more: int) -> None:
    few, many = (
        places([*posts(60), *posts(n, "a", source="reddit")])["sources"]
        for n in (count, count + more)
    )
    assert sure(many) > sure(few)


COUNTS = st.integers(1, 1_000)


def test_it_is_dunnings_ratio() -> None:
    # By hand: 2 (10 ln(10 / (110/11)) + 100 ln(100 / (1100/11))) is nothing,
    assert log_likelihood(10, 100, 100, 1_000) == pytest.approx(0, abs=1e-9)
    # and 2 (10 ln(10 / (10 · 100/1100))).
    assert log_likelihood(10, 100, 0, 1_000) == pytest.approx(47.957, abs=0.001)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_only_a_share_that_has_risen_is_surprising(
    count: int, others: int, usually: int, of_usual: int
) -> None:
    of, before = count + others, usually + of_usual
    significance = deviate(count, of, usually, before)
    assert significance >= 0
    if count / of <= usually / before:
        assert significance == 0


@given(st.integers(1, 50), st.integers(1, 50), st.integers(2, 20))
def test_more_evidence_for_the_same_share_is_surer(count: int, others: int, times: int) -> None:
    few = deviate(count, count + others, 0, 1_000)
    many = deviate(times * count, times * (count + others), 0, times * 1_000)
    assert many > few


@given(COUNTS, COUNTS, st.integers(1, 10_000), st.integers(1, 10_000))
def test_looking_at_more_makes_it_less_sure(count: int, others: int, few: int, more: int) -> None:
    fewer, most = (deviate(count, count + others, 0, 1_000, n) for n in (few, few + more))
    assert most <= fewer

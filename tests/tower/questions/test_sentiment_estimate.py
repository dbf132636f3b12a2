"""The share of negatives: what it corrects, and how often its interval holds the truth."""

import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tower.questions import oracle_estimate
from tower.questions.sentiment_estimate import (
    MIN_SCORED,
    Rates,
    Share,
    estimate,
    published_rates,
)

FAIR = Rates(true_positive=160, false_negative=40, false_positive=20, true_negative=180)
COUNTS = st.integers(0, 400).flatmap(
    lambda of: st.tuples(st.integers(0, of), st.just(of)) if of else st.just((0, 1))
)


def found(counts: dict[str, tuple[int, int]]) -> Share:
    share = estimate(counts, published_rates())
    assert share is not None
    return share


def _binomial(rng: random.Random, of: int, probability: float) -> int:
    return sum(rng.random() < probability for _ in range(of))


def _interval(rng: random.Random, truth: float, posts: int) -> Share:
    """One study of the classifier, and one sample that it labels; both with chance."""
    sensitivity, specificity = 0.8, 0.9
    positive, negative = _binomial(rng, 200, sensitivity), _binomial(rng, 200, specificity)
    rates = Rates(positive, 200 - positive, 200 - negative, negative)
    negatives = _binomial(rng, posts, truth)
    labelled = _binomial(rng, negatives, sensitivity)
    labelled += _binomial(rng, posts - negatives, 1 - specificity)
    share = estimate({"fr": (labelled, posts)}, {"fr": rates})
    assert share is not None
    return share


@pytest.mark.parametrize("truth", [0.05, 0.3, 0.7, 0.95])
def test_the_interval_holds_the_truth_as_often_as_it_says(truth: float) -> None:
    rng = random.Random(3)
    shares = [_interval(rng, truth, posts=150) for _ in range(400)]
    held = mean(
        one.low is not None and one.high is not None and one.low <= truth <= one.high
        for one in shares
    )
    assert held > 0.92
    # And the labels alone do not: they are biased, whatever the number of posts.
    labelled = mean(one.labelled for one in shares)
    corrected = mean(one.estimate for one in shares if one.estimate is not None)
    assert abs(corrected - truth) < 0.02
    assert abs(corrected - truth) < abs(labelled - truth)


def test_a_classifier_without_errors_changes_nothing() -> None:
    perfect = Rates(10**9, 0, 0, 10**9)
    share = estimate({"fr": (300, 1_000)}, {"fr": perfect})
    assert share is not None
    assert share.estimate == pytest.approx(0.3, abs=1e-6)
    assert share.low == pytest.approx(0.2717, abs=2e-3)
    assert share.high == pytest.approx(0.3291, abs=2e-3)


def test_few_posts_have_no_share() -> None:
    assert estimate({}, published_rates()) is None
    assert estimate({"fr": (3, 20), "en": (2, 9)}, published_rates()) is None
    assert found({"fr": (3, 20), "en": (2, 10)}).scored == MIN_SCORED


def test_languages_that_nobody_measured_have_labels_only() -> None:
    share = found({"fr": (10, 60), "ja": (30, 40)})
    assert share == Share(labelled=0.4, scored=100)
    # Some posts of others are taken to be like all measured languages together.
    assert found({"fr": (10, 90), "ja": (3, 10)}).estimate is not None
    assert estimate({"fr": (10, 90)}, {}) == Share(labelled=10 / 90, scored=90)


def test_a_classifier_that_guesses_says_nothing() -> None:
    share = estimate({"fr": (50, 100)}, {"fr": Rates(50, 50, 50, 50)})
    assert share is not None
    assert (share.low, share.high) == (0.0, 1.0)


@given(st.dictionaries(st.sampled_from(["fr", "en", "es", "ja", "und"]), COUNTS, min_size=1))
def test_any_share_is_a_part_of_one_within_its_interval(
    counts: dict[str, tuple[int, int]],
) -> None:
    share = estimate(counts, published_rates())
    if share is None:
        assert sum(of for _, of in counts.values()) < MIN_SCORED
        return
    assert 0 <= share.labelled <= 1
    if share.estimate is not None:
        assert share.low is not None
        assert share.high is not None
        assert 0 <= share.low <= share.estimate <= share.high <= 1
    wanted = oracle_estimate.share(counts)
    assert wanted is not None
    for name in Share.__struct_fields__:
        assert getattr(share, name) == pytest.approx(getattr(wanted, name))


@given(st.integers(30, 500), st.data())
def test_more_negatives_never_lower_the_estimate(of: int, data: st.DataObject) -> None:
    few = data.draw(st.integers(0, of - 1))
    more = data.draw(st.integers(few + 1, of))
    first, second = found({"fr": (few, of)}), found({"fr": (more, of)})
    assert first.estimate is not None
    assert second.estimate is not None
    assert first.estimate <= second.estimate


@given(st.integers(30, 400), st.integers(0, 100))
def test_more_posts_never_widen_the_interval(of: int, percent: int) -> None:
    few = estimate({"fr": (of * percent // 100, of)}, {"fr": FAIR})
    many = estimate({"fr": (of * percent // 100 * 10, of * 10)}, {"fr": FAIR})
    assert few is not None
    assert many is not None
    assert few.high is not None and few.low is not None
    assert many.high is not None and many.low is not None
    assert many.high - many.low <= few.high - few.low + 1e-9

"""Scores against their definitions, counted by hand."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import scores
from benchmarks.scores import accuracy, bootstrap, bootstrap_spans, confusion, f1_of, macro_f1

CLASSES = ("a", "b", "c")
PAIRS = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from([*CLASSES, "none"])), min_size=1
)


def f1(pairs: list[tuple[str, str]], name: str) -> float | None:
    right = sum(meant == said == name for meant, said in pairs)
    both = sum(meant == name for meant, _ in pairs) + sum(said == name for _, said in pairs)
    return 2 * right / both if both else None


def test_guesses_outside_the_classes_are_in_the_last_column() -> None:
    table = confusion(["a", "a", "b"], ["a", "x", "c"], CLASSES)
    assert table.tolist() == [[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    with pytest.raises(ValueError, match="one guess"):
        confusion(["a"], [], CLASSES)


@given(PAIRS)
def test_scores_are_what_their_definitions_say(pairs: list[tuple[str, str]]) -> None:
    table = confusion([meant for meant, _ in pairs], [said for _, said in pairs], CLASSES)
    f1s = [score for name in CLASSES if (score := f1(pairs, name)) is not None]
    assert float(macro_f1(table)) == pytest.approx(sum(f1s) / len(f1s) if f1s else 0)
    assert float(f1_of(1)(table)) == pytest.approx(f1(pairs, "b") or 0)
    assert float(accuracy(table)) == pytest.approx(sum(m == s for m, s in pairs) / len(pairs))
    recalls = [
        sum(m == s == name for m, s in pairs) / sum(m == name for m, _ in pairs)
        for name in CLASSES
        if any(m == name for m, _ in pairs)
    ]
    assert float(scores.macro_recall(table)) == pytest.approx(sum(recalls) / len(recalls))


def test_many_tables_are_scored_as_each_of_them() -> None:
    tables = np.random.default_rng(0).integers(0, 9, (50, 3, 4))
    for metric in (accuracy, macro_f1, scores.macro_recall, f1_of(2)):
        one_by_one = [float(metric(table)) for table in tables]
        assert metric(tables).tolist() == pytest.approx(one_by_one)


def test_an_interval_is_that_of_resampled_posts() -> None:
    order = random.Random(1)
    pairs = [
        (meant, meant if order.random() < 0.7 else order.choice(CLASSES))
        for meant in order.choices(CLASSES, (5, 3, 1), k=300)
    ]
    table = confusion([m for m, _ in pairs], [s for _, s in pairs], CLASSES)
    interval = bootstrap([table], macro_f1)
    resamples = [zip(*order.choices(pairs, k=len(pairs)), strict=True) for _ in range(1_000)]
    drawn = [100 * float(macro_f1(confusion(*resample, CLASSES))) for resample in resamples]
    assert interval.low < interval.value < interval.high
    assert interval[1:] == pytest.approx(np.percentile(drawn, (2.5, 97.5)).tolist(), abs=1.0)
    assert bootstrap([table], macro_f1) == interval


def test_a_mean_of_tables_is_surer_than_each() -> None:
    table = confusion(["a", "b"] * 50, ["a", "b", "a", "a"] * 25, CLASSES)
    one, mean = bootstrap([table], accuracy), bootstrap([table] * 8, accuracy)
    assert one.value == mean.value == 75
    assert mean.high - mean.low < one.high - one.low


def test_an_empty_table_has_no_score() -> None:
    empty = confusion([], [], CLASSES)
    assert str(bootstrap([empty], macro_f1)) == "–"
    assert str(bootstrap_spans(scores.span_counts([], []))) == "–"
    assert np.isnan(scores.calibration_error(scores.reliability([], [])))
    assert str(scores.Interval(61.24, 60, 62.96)) == "61.2 (60.0–63.0)"


def test_spans_must_be_exact() -> None:
    gold = [{(0, 5, "ORG"), (9, 12, "LOC")}, {(0, 3, "PERSON")}, set()]
    found = [{(0, 5, "ORG"), (9, 13, "LOC")}, {(0, 3, "ORG")}, {(1, 2, "LOC")}]
    counts = scores.span_counts(found, gold)
    assert counts.tolist() == [[1, 2, 2], [0, 1, 1], [0, 1, 0]]
    assert float(scores.span_f1(counts.sum(0))) == pytest.approx(2 / 7)
    perfect = bootstrap_spans(scores.span_counts(gold * 9, gold * 9))
    assert perfect == (100, 100, 100)


def test_reliability_tells_confidence_from_being_right() -> None:
    bins = scores.reliability([0.05, 0.95, 0.95, 1.0, 0.96], [False, True, True, False, True])
    assert [(each.low, each.posts) for each in bins] == [(0.0, 1), (0.9, 4)]
    assert bins[1].confidence == pytest.approx(0.965)
    assert bins[1].accuracy == 0.75
    assert scores.calibration_error(bins) == pytest.approx((1 * 0.05 + 4 * 0.215) / 5)
    exact = scores.reliability([0.75] * 4, [True, True, True, False])
    assert scores.calibration_error(exact) == pytest.approx(0)

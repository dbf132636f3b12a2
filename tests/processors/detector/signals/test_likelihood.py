"""How surprising it is that something is said more than before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.signals.likelihood import deviate, log_likelihood

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
    found = deviate(count, of, usually, before)
    assert found >= 0
    if count / of <= usually / before:
        assert found == 0


@given(st.integers(1, 50), st.integers(1, 50), st.integers(2, 20))
def test_more_evidence_for_the_same_share_is_surer(count: int, others: int, times: int) -> None:
    few = deviate(count, count + others, 0, 1_000)
    many = deviate(times * count, times * (count + others), 0, times * 1_000)
    assert many > few


@given(COUNTS, COUNTS, st.integers(1, 10_000), st.integers(1, 10_000))
def test_looking_at_more_makes_it_less_sure(count: int, others: int, few: int, more: int) -> None:
    of = count + others
    fewer, most = sorted((few, few + more))
    assert deviate(count, of, 0, 1_000, most) <= deviate(count, of, 0, 1_000, fewer)

"""The compiled sums of the fast sentiment equal those of its reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.kernels.compiler import COMPILES
from processors.models.sentiment_model import (
    SentimentModel,
    Weights,
    chunks,
    normalise_all,
    spaced,
)

pytestmark = pytest.mark.skipif(not COMPILES, reason="needs Numba")
TEXTS = st.lists(
    st.text(st.characters() | st.sampled_from(" \n@#.!'aàßاك😀字")) | st.text("ab  ", max_size=40),
    max_size=8,
)
MODEL = SentimentModel.load()


@given(TEXTS)
def test_sums_equal_the_reference(texts: list[str]) -> None:
    for chunk in chunks(normalise_all(texts)):
        assert np.array_equal(MODEL.sums(chunk), MODEL.reference_sums(chunk))


@given(TEXTS, st.integers(1, 4), st.integers(0, 3), st.integers(3, 9))
def test_sums_equal_the_reference_for_any_length_of_n_grams(
    texts: list[str], shortest: int, more: int, bits: int
) -> None:
    draw = np.random.default_rng(bits)
    weights = Weights(
        draw.integers(-127, 128, (1 << bits, 3)).astype(np.int8),
        np.ones(3),
        draw.integers(0, 256, 1 << bits).astype(np.uint8),
        np.zeros(3),
        1.0,
        shortest,
        shortest + more,
    )
    model = SentimentModel(weights)
    for chunk in chunks(normalise_all(texts)):
        assert np.array_equal(model.sums(chunk), model.reference_sums(chunk))


@given(TEXTS)
def test_texts_stand_between_spaces(texts: list[str]) -> None:
    points, lengths = spaced(texts)
    assert "".join(map(chr, points)) == "".join(f" {text} " for text in texts)
    assert lengths.tolist() == [len(text) + 2 for text in texts]

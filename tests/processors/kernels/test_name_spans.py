"""The compiled names equal those of their reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.kernels.compiler import COMPILES
from processors.models.name_model import NameModel
from processors.models.name_words import (
    BORDER,
    FIRST_GAP,
    FLAGS,
    GAP,
    HANDLE,
    NO_WORD,
    WIDTH,
)
from tests.strategies import ANY_TEXT
from text.tokens import tokenize

pytestmark = pytest.mark.skipif(not COMPILES, reason="needs Numba")
MODEL = NameModel()
NAMES = st.sampled_from(
    ["Angela Merkel", "@Angela_Merkel", "#Lyon", "PARIS", "SNCF", "New York", ". ", " et ", "C&A"]
)
TEXTS = st.lists(ANY_TEXT | st.lists(NAMES, max_size=12).map(" ".join), max_size=6)


@settings(deadline=None)
@given(TEXTS)
def test_names_equal_the_reference(texts: list[str]) -> None:
    read = [text for text in texts if len(tokenize(text))]
    table, lengths = MODEL.table(read, [tokenize(text) for text in read])
    assert np.array_equal(MODEL.spans(table, lengths), MODEL.reference_spans(table, lengths))


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 2**32 - 1))
def test_names_equal_the_reference_whatever_the_numbers(lengths: list[int], seed: int) -> None:
    # Few different numbers, so that labels are equally good now and then, and names are long.
    draw = np.random.default_rng(seed)
    size = (sum(lengths) + BORDER * (len(lengths) + 1), WIDTH)
    table = draw.integers(0, 4, size).astype(np.uint64)
    table[:, FLAGS] = draw.choice([0, HANDLE, NO_WORD], size[0], p=[0.8, 0.1, 0.1])
    table[:, GAP] = draw.integers(0, FIRST_GAP + 1, size[0])
    sizes = np.array(lengths, np.int64)
    assert np.array_equal(MODEL.spans(table, sizes), MODEL.reference_spans(table, sizes))

"""The compiled classifier guesses what fastText does, and reads its file alone."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.kernels.compiler import COMPILES
from processors.models.fasttext_file import read_classifier
from processors.models.language_model import (
    ARTIFACT,
    CompiledGuesses,
    Guesses,
    lid176_path,
)
from text.prose import prose

pytestmark = pytest.mark.skipif(not COMPILES, reason="needs Numba")
FASTTEXT = Guesses(ARTIFACT, 4, 0.01)
OURS = CompiledGuesses(ARTIFACT, 4, 0.01)
WORDS = st.sampled_from(["le", "la", "train", "the", "is", "días", "größer", "है", "لا", "好", "ſ"])
TEXTS = st.lists(
    (st.text(max_size=60) | st.lists(WORDS, max_size=12).map(" ".join)).map(prose), max_size=6
)


@given(TEXTS)
@example([])
@example(["", "a", "a" * 2_000, "a " * 1_500])
def test_guesses_equal_those_of_fasttext(lines: list[str]) -> None:
    for line, ours, theirs in zip(lines, OURS(lines), FASTTEXT(lines), strict=True):
        values = [value for value, _ in ours]
        assert values == pytest.approx([value for value, _ in theirs], abs=1e-6), line
        # Two labels of one probability may stand in either order.
        for (value, label), (other, its_label) in zip(ours, theirs, strict=True):
            assert label == its_label or value == pytest.approx(other, abs=1e-6), line


@given(TEXTS, st.integers(0, 6))
def test_guesses_do_not_depend_on_the_batch(lines: list[str], cut: int) -> None:
    assert OURS(lines) == OURS(lines[:cut]) + OURS(lines[cut:])


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no fastText classifier by softmax"):
        read_classifier(lid176_path())  # It decides by a tree.
    short = tmp_path / "short.ftz"
    short.write_bytes(ARTIFACT.read_bytes()[:64])
    with pytest.raises(ValueError, match="short.ftz is cut"):
        read_classifier(short)

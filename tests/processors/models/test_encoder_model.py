"""The encoder's files, arithmetic and spans."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.models.artifact_files import ARTIFACTS
from processors.models.encoder_model import (
    TOKENIZER,
    WEIGHTS,
    Embeddings,
    Encoder,
    SentimentBlend,
    pack_embeddings,
    unpack_embeddings,
)
from processors.models.encoder_session import pack, unpacked
from schemas.errors import ArtifactMissing

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@given(SEEDS)
def test_embeddings_survive_four_bits_nearly(seed: int) -> None:
    table = np.random.default_rng(seed).standard_normal((5, 64)).astype(np.float32)
    back = unpack_embeddings(*pack_embeddings(table))
    # A step is an eighth of the largest weight of 32; at the far end up to a whole one is cut.
    step = np.abs(table.reshape(5, 2, 32)).max(-1).repeat(32, -1) / 8
    assert (np.abs(back - table) <= step * 1.01).all()


@given(SEEDS)
def test_embeddings_of_four_bits_are_unchanged(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.integers(-7, 8, (3, 2, 32)).astype(np.float32)
    values[..., 0] = -8
    scale = random.choice([0.5, -0.25, 0.125], (3, 2, 1)).astype(np.float32)
    table = (values * scale).reshape(3, 64)
    for packed in (table, table * 0):
        assert (unpack_embeddings(*pack_embeddings(packed)) == packed).all()


def test_rows_are_unpacked_as_they_are_needed() -> None:
    table = np.random.default_rng(1).standard_normal((9, 64)).astype(np.float32)
    packed = pack_embeddings(table)
    numbers = np.array([[3, 3, 0], [8, 1, 3]])
    assert (Embeddings(*packed).of(numbers) == unpack_embeddings(*packed)[numbers]).all()


@given(SEEDS)
def test_weights_survive_eight_bits_nearly(seed: int) -> None:
    weight = np.random.default_rng(seed).standard_normal((4, 9)).astype(np.float32)
    back = unpacked(pack("w", weight), "w")
    assert (np.abs(back - weight) <= np.abs(weight).max(1, keepdims=True) / 250).all()


def test_what_ships_stays_small() -> None:
    assert sum(path.stat().st_size for path in ARTIFACTS.iterdir()) < 40e6


THREE = st.lists(st.floats(0.001, 1), min_size=3, max_size=3).map(
    lambda values: [value / sum(values) for value in values]
)


@given(THREE, THREE, st.floats(0, 1))
def test_a_blend_of_two_answers_lies_between_them(
    own: list[float], fast: list[float], share: float
) -> None:
    mixed = SentimentBlend(share, 1.0).mix(own, fast)
    assert sum(mixed) == pytest.approx(1)
    assert SentimentBlend(0.0, 1.0).mix(own, fast) == pytest.approx(own, abs=1e-4)
    assert SentimentBlend(1.0, 1.0).mix(own, fast) == pytest.approx(fast, abs=1e-4)
    if own.index(max(own)) == fast.index(max(fast)):
        assert mixed.index(max(mixed)) == own.index(max(own))


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER])
def test_files_that_were_not_committed_are_refused(tmp_path: Path, name: str) -> None:
    for copy in (WEIGHTS, TOKENIZER, "encoder.json"):
        shutil.copy(ARTIFACTS / copy, tmp_path / copy)
    with (tmp_path / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ArtifactMissing, match=f"{name} does not have the expected checksum"):
        Encoder(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ArtifactMissing, match="cannot be read"):
        Encoder(tmp_path)


def test_probabilities_are_of_all_classes_and_sum_to_one(encoder: Encoder) -> None:
    (reading,) = encoder.read(["The train was late again."], [[(4, 9)]])
    described = json.loads((ARTIFACTS / "encoder.json").read_text())["heads"]
    for head, probabilities in reading.heads.items():
        assert len(probabilities) == len(described[head])
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert reading.targets[0] and sum(reading.targets[0]) == pytest.approx(1, abs=1e-5)


def test_spans_beyond_the_limit_and_empty_texts_have_no_answer(encoder: Encoder) -> None:
    (reading,) = encoder.read(["word " * 400], [[(1_900, 1_904), (0, 4)]])
    assert [target is None for target in reading.targets] == [True, False]
    assert [reading.heads for reading in encoder.read(["", " \n", "\u200b"])] == [{}, {}, {}]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=()), max_size=80), max_size=5))
def test_spans_lie_within_the_text(encoder: Encoder, texts: list[str]) -> None:
    for text, reading in zip(texts, encoder.read(texts), strict=True):
        for spans in (reading.entities, reading.aspects):
            bounds = [bound for span in spans for bound in span[:2]]
            assert bounds == sorted(bounds)
            assert all(0 <= span[0] < span[1] <= len(text) for span in spans)
        assert all(0 < name.probability <= 1 for name in reading.entities)


def test_names_are_whole_words(encoder: Encoder) -> None:
    texts = ["La Velmora è un disastro", "Corvane ist wieder down", "con Lumirail a Zephalia!"]
    for text, reading in zip(texts, encoder.read(texts), strict=True):
        for start, end, *_ in reading.entities:
            assert not (start and text[start - 1].isalnum() and text[start].isalnum())
            assert not (end < len(text) and text[end - 1].isalnum() and text[end].isalnum())

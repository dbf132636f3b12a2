"""All heads in one product: equal to each head alone, text by text."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.models.encoder_heads import Heads, Scores, softmax
from processors.models.encoder_rows import runs_of

WIDTH = 6
CLASSES = {
    "sentiment": ["negative", "neutral", "positive"],
    "target": ["negative", "neutral", "positive"],
    "irony": ["no", "yes"],
    "entities": ["O", "B-LOC", "I-LOC", "B-ORG", "I-ORG"],
    "aspects": ["O", "B-ASPECT", "I-ASPECT"],
}
TEMPERATURE = {"sentiment": 1.5, "target": 0.7}
SEEDS = st.integers(0, 2**32 - 1)
LENGTHS = st.lists(st.integers(3, 40), min_size=1, max_size=12)


def weights(random: np.random.Generator) -> dict[str, np.ndarray]:
    arrays = {}
    for head, classes in CLASSES.items():
        width = 2 * WIDTH if head == "target" else WIDTH
        arrays[f"heads.{head}.weight"] = random.standard_normal((len(classes), width))
        arrays[f"heads.{head}.bias"] = random.standard_normal(len(classes))
    return arrays


def plain(arrays: dict[str, np.ndarray], head: str, states: np.ndarray) -> np.ndarray:
    logits = states @ arrays[f"heads.{head}.weight"].T + arrays[f"heads.{head}.bias"]
    return softmax(logits / TEMPERATURE.get(head, 1.0))


def plain_runs(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """BIO as it is usually read, by one pass over the tags."""
    runs, first, kind = [], 0, ""
    for number, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if kind and (prefix != "I" or name != kind):
            runs.append((first, number, kind))
            kind = ""
        if name and not kind:
            first, kind = number, name
    return runs


@given(SEEDS, LENGTHS)
def test_heads_answer_as_each_alone(seed: int, lengths: list[int]) -> None:
    random = np.random.default_rng(seed)
    arrays = weights(random)
    heads = Heads(arrays, CLASSES, TEMPERATURE)
    for run in runs_of(lengths):
        states = random.standard_normal((run.rows, run.length, WIDTH)).astype(np.float32)
        scores = Scores(heads, states, run)
        flat = states.reshape(-1, WIDTH)
        texts = [flat[first:end] for _, first, end in run.places]
        for text, answers in zip(texts, scores.posts(), strict=True):
            assert set(answers) == {"sentiment", "irony"}
            for head, shares in answers.items():
                assert shares == pytest.approx(plain(arrays, head, text.mean(0)), abs=1e-4)
        spans = [(at, 1, len(text) - 1) for at, text in enumerate(texts)]
        for (at, first, end), shares in zip(spans, scores.towards(spans), strict=True):
            both = np.concatenate([texts[at].mean(0), texts[at][first:end].mean(0)])
            assert shares == pytest.approx(plain(arrays, "target", both), abs=1e-4)
        for head in ("entities", "aspects"):
            found = [one[:4] for one in scores.tagged(head)]
            expected = []
            for at, text in enumerate(texts):
                odds = plain(arrays, head, text)
                tags = [CLASSES[head][best] for best in odds.argmax(1)[1:-1]]
                expected += [(at, a + 1, b + 1, label) for a, b, label in plain_runs(tags)]
            assert found == expected
            for place, first, end, label, share in scores.tagged(head):
                own = [n for n, tag in enumerate(CLASSES[head]) if tag[2:] == label]
                odds = plain(arrays, head, texts[place][first:end])
                assert share == pytest.approx(odds[:, own].sum(1).mean(), abs=1e-4)


def test_nothing_asked_is_nothing_answered() -> None:
    random = np.random.default_rng(1)
    heads = Heads(weights(random), CLASSES, TEMPERATURE)
    (run,) = runs_of([4])
    states = np.zeros((run.rows, run.length, WIDTH), np.float32)
    assert Scores(heads, states, run).towards([]) == []

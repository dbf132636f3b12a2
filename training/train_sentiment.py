"""Trains the sentiment model that `processors/models/sentiment_model.py` runs.

    python -m training.train_sentiment --data DIR --soft FILE \\
        --out processors/models/artifacts/sentiment.npz

DIR holds `sentiment/umsab_train`, `umsab_val`, `semeval2017_4A_train` and
`tweeteval_sentiment_val` (`.jsonl.gz`, rows with `text`, `label`, `lang`). Needs, beyond what the
model itself needs: scipy 1.17. Nothing is random, but sums depend on the number of threads: with
another OMP_NUM_THREADS (1 for the committed artifact) the bytes differ and the scores move by some
tenths.

FILE holds the teacher's answers that `training.train_encoder --answers` writes: the regression
learns from these as well, each post counting for every class by its probability. Without it, from
labels alone.

The invented posts of ``training.invented_posts`` teach what labelled tweets hardly hold: polite
complaints, irony beside thanks, slang of joy.

Posts of a validation set, and repeats, are left out of the training sets by their normalised
text. The temperature is fitted on the validation sets; it changes no label.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse  # type: ignore[import-untyped, unused-ignore]
from scipy.optimize import minimize, minimize_scalar  # type: ignore[import-untyped, unused-ignore]

from processors.models.sentiment_model import (
    LABELS,
    SentimentModel,
    Weights,
    chunks,
    features,
    normalise,
)
from training.invented_posts import LANGUAGES, invent
from training.umsab import AT_CHANCE, labelled

BITS: Final = 19
SHORTEST: Final = 2
LONGEST: Final = 5
RARE: Final = 2
"""Features in fewer training posts than this are ignored."""

SECONDARY_WEIGHT: Final = 0.3
"""Weight of a SemEval post beside a UMSAB post: many, English only, unbalanced."""

SOFT_WEIGHT: Final = 0.7
"""Weight of a post that the teacher read."""

INVENTED_WEIGHT: Final = 0.35
"""Weight of an invented post: its grammar repeats itself."""

Row = dict[str, Any]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def read(data: Path, name: str) -> list[Row]:
    """Rows of one set, each with its normalised text under `normalised`."""
    with gzip.open(data / "sentiment" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows: list[Row] = [json.loads(line) for line in lines]
    for row in rows:
        row["normalised"] = normalise(row["text"])
    return rows


def without(rows: Sequence[Row], seen: set[str]) -> list[Row]:
    """The rows whose normalised text is not in `seen`, which grows by them."""
    kept = []
    for row in rows:
        if row["normalised"] not in seen:
            seen.add(row["normalised"])
            kept.append(row)
    return kept


def taught(path: Path | None, seen: set[str]) -> list[Row]:
    """What the teacher read, but for the posts in `seen`."""
    if path is None:
        return []
    with path.open(encoding="utf-8") as lines:
        rows: list[Row] = [json.loads(line) for line in lines]
    for row in rows:
        row["normalised"] = normalise(row["text"])
    return [row for row in rows if row["normalised"] not in seen]


def invented(count: int) -> list[Row]:
    """Invented posts of each language, as labelled rows."""
    posts = [post for code in LANGUAGES for post in invent(code, count, seed=2)]
    return [{"normalised": normalise(post.text), "label": post.tone} for post in posts]


class Regression(NamedTuple):
    """What the regression found: a weight for each feature and class, and one for each class."""

    coefficients: Floats
    intercept: Floats
    iterations: int


def regression(
    seen_as: sparse.csr_matrix, truths: Floats, importance: Floats, strength: float, most: int
) -> Regression:
    """Multinomial logistic regression on the classes' probabilities.

    scikit-learn's, as long as each post has one class; with shares of several it would need a copy
    of the post for each. ``strength``: C, the inverse of the penalty; ``most``: iterations.
    """
    columns = seen_as.shape[1]
    classes = truths.shape[1]
    seen_as = seen_as.astype(np.float32)
    turned = seen_as.T.tocsr()

    def loss_of(flat: Floats) -> tuple[float, Floats]:
        weights = flat[: columns * classes].reshape(columns, classes)
        logits = (seen_as @ weights.astype(np.float32)).astype(np.float64)
        logits += flat[columns * classes :]
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        sums = odds.sum(axis=1, keepdims=True)
        surprise = (truths * (np.log(sums) - logits)).sum(axis=1)
        error = importance[:, None] * (odds / sums - truths)
        slope = turned @ error.astype(np.float32) + weights / strength
        loss = float(importance @ surprise) + float((weights * weights).sum()) / (2 * strength)
        return loss, np.concatenate([slope.ravel(), error.sum(axis=0)])

    found = minimize(
        loss_of,
        np.zeros((columns + 1) * classes),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": most, "maxfun": 2 * most, "gtol": 1e-4, "ftol": 0.0},
    )
    weights = found.x[: columns * classes].reshape(columns, classes)
    return Regression(weights, found.x[columns * classes :], int(found.nit))


def truths_of(rows: Sequence[Row], soft: Sequence[Row]) -> Floats:
    """The classes' probabilities: 1 for the label of a labelled post, the teacher's for a soft."""
    certain = np.eye(len(LABELS))[labels_of(rows)]
    if not soft:
        return certain
    return np.concatenate([certain, np.array([row["probabilities"] for row in soft])])


def labels_of(rows: Sequence[Row]) -> Labels:
    """Indices into LABELS."""
    return np.array([LABELS.index(row["label"]) for row in rows])


def blocks_of(texts: Sequence[str]) -> sparse.csr_matrix:
    """Counts of features, shape (2 texts, rows): see `features`."""
    rows, blocks, before = [], [], 0
    for part in chunks(texts):
        part_rows, part_blocks = features(part, BITS, SHORTEST, LONGEST)
        rows.append(part_rows)
        blocks.append(part_blocks + 2 * before)
        before += len(part)
    indices = np.concatenate(rows)
    counts = sparse.csr_matrix(
        (np.ones(len(indices)), (np.concatenate(blocks), indices)),
        shape=(2 * len(texts), 1 << BITS),
    )
    counts.sum_duplicates()
    return counts


def rarity_of(counts: sparse.csr_matrix) -> npt.NDArray[np.uint8]:
    """Sixteenths of the smoothed inverse document frequency of each row of the table."""
    texts = counts.shape[0] // 2
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    inverse = np.log((1 + texts) / (1 + frequency)) + 1
    return np.where(frequency >= RARE, np.rint(16 * inverse), 0).astype(np.uint8)


def matrix(counts: sparse.csr_matrix, rarity: npt.NDArray[np.uint8]) -> sparse.csr_matrix:
    """What the regression sees, shape (texts, rows): blocks weighted by rarity and divided by
    the norm that inference uses, which counts a repeated feature once per occurrence."""
    weight = rarity / 16
    norm = np.sqrt(counts @ np.square(weight))
    norm[norm == 0] = 1
    weighted = (sparse.diags(1 / norm) @ counts @ sparse.diags(weight)).tocsr()
    joined = (weighted[0::2] + weighted[1::2]).tocsr()
    joined.eliminate_zeros()
    return joined


def quantised(found: Regression, rarity: npt.NDArray[np.uint8]) -> Weights:
    """Eight-bit weights with the rarity folded in; the largest of each class sets its scale."""
    folded = found.coefficients * (rarity / 16)[:, None]
    scale = np.abs(folded).max(axis=0) / 127
    return Weights(
        classes=np.rint(folded / scale).astype(np.int8),
        scale=scale,
        rarity=rarity,
        bias=found.intercept,
        temperature=1.0,
        shortest=SHORTEST,
        longest=LONGEST,
    )


def logits_of(model: SentimentModel, rows: Sequence[Row]) -> Floats:
    """Shape (rows, 3)."""
    texts = [row["normalised"] for row in rows]
    return np.concatenate([model.logits(part) for part in chunks(texts)])


def loss(logits: Floats, truth: Labels, temperature: float) -> float:
    """Mean negative log likelihood, in nats."""
    scaled = logits / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(scaled).sum(axis=1))
    return float((normaliser - scaled[np.arange(len(truth)), truth]).mean())


def macro_f1(truth: Labels, guess: Labels) -> float:
    """Unweighted mean over the classes, in percent."""
    scores = []
    for label in range(len(LABELS)):
        both = np.count_nonzero((truth == label) & (guess == label))
        either = np.count_nonzero(truth == label) + np.count_nonzero(guess == label)
        scores.append(2 * both / either if either else 0.0)
    return 100 * float(np.mean(scores))


def save(weights: Weights, out: Path, description: Row) -> None:
    """Writes the artifact and, beside it, the JSON file that `SentimentModel.load` checks."""
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out,
        classes=weights.classes,
        scale=weights.scale,
        rarity=weights.rarity,
        bias=weights.bias,
        temperature=np.float64(weights.temperature),
        ngrams=np.array([weights.shortest, weights.longest]),
    )
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    described = {"sha256": digest, "bytes": out.stat().st_size, **description}
    text = json.dumps(described, indent=2, sort_keys=True) + "\n"
    out.with_suffix(".json").write_text(text, "utf-8")


def main() -> None:
    """Train, calibrate, print the table, save."""
    parser = argparse.ArgumentParser(description="Train the sentiment model.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--soft", type=Path, help="the teacher's answers, JSON lines")
    parser.add_argument("--posts", type=int, default=2500, help="invented posts of each language")
    parser.add_argument("--regularisation", type=float, default=3.0, help="C of the regression")
    parser.add_argument("--iterations", type=int, default=120)
    arguments = parser.parse_args()

    umsab_val = read(arguments.data, "umsab_val")
    english_val = read(arguments.data, "tweeteval_sentiment_val")
    seen = {row["normalised"] for row in umsab_val + english_val}
    primary = without(list(labelled(read(arguments.data, "umsab_train"))), seen)
    secondary = without(read(arguments.data, "semeval2017_4A_train"), seen)
    own = without(invented(arguments.posts), set(seen))
    rows = primary + secondary + own
    held = {row["normalised"] for row in umsab_val + english_val}
    soft = taught(arguments.soft, held)
    print(f"training posts: {len(primary)} umsab_train, {len(secondary)} semeval2017_4A_train")

    print(f"posts read by the teacher: {len(soft)}, invented: {len(own)}")

    counts = blocks_of([row["normalised"] for row in rows + soft])
    rarity = rarity_of(counts)
    importance = np.repeat(
        [1.0, SECONDARY_WEIGHT, INVENTED_WEIGHT, SOFT_WEIGHT],
        [len(primary), len(secondary), len(own), len(soft)],
    )
    found = regression(
        matrix(counts, rarity),
        truths_of(rows, soft),
        importance,
        arguments.regularisation,
        arguments.iterations,
    )
    print(f"iterations of the regression: {found.iterations}")

    weights = quantised(found, rarity)
    model = SentimentModel(weights)
    logits = logits_of(model, umsab_val)
    english_logits = logits_of(model, english_val)
    truth, english_truth = labels_of(umsab_val), labels_of(english_val)
    told = np.array([row["lang"] not in AT_CHANCE for row in umsab_val])
    every_logit = np.concatenate((logits[told], english_logits))
    every_truth = np.concatenate((truth[told], english_truth))
    best = minimize_scalar(
        lambda value: loss(every_logit, every_truth, value), bounds=(0.2, 5.0), method="bounded"
    )
    temperature = round(float(best.x), 3)
    before, after = (loss(every_logit, every_truth, value) for value in (1.0, temperature))
    print(f"temperature {temperature}: loss {before:.4f} -> {after:.4f}")

    languages = np.array([row["lang"] for row in umsab_val])
    scores = {
        str(language): round(
            macro_f1(truth[languages == language], logits[languages == language].argmax(1)), 1
        )
        for language in sorted(set(languages.tolist()))
    }
    means = {
        "mean": float(np.mean(list(scores.values()))),
        "told": float(np.mean([score for code, score in scores.items() if code not in AT_CHANCE])),
    }
    scores |= {name: round(value, 1) for name, value in means.items()}
    scores["tweeteval"] = round(macro_f1(english_truth, english_logits.argmax(1)), 1)
    for name, score in scores.items():
        print(f"{name:10s} macro-F1 {score:5.1f}")

    fields = {name: getattr(weights, name) for name in Weights.__slots__}
    save(
        Weights(**{**fields, "temperature": temperature}),
        arguments.out,
        {
            "labels": list(LABELS),
            "macro_f1_validation": scores,
            "trained_on": {
                "umsab_train": len(primary),
                "semeval2017_4A_train": len(secondary),
                "read by the teacher": len(soft),
                "invented": len(own),
            },
        },
    )


if __name__ == "__main__":
    main()

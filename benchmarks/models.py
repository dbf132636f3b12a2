"""Accuracy and speed of the models on the project's data sets.

    python -m benchmarks.models --data DIR

Speeds are posts per second of processor time in one process; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from processors.models.entities import EntityRecognizer
from processors.models.language import LanguageIdentifier
from processors.models.sentiment import LABELS, SentimentModel

Row = dict[str, Any]

LANGUAGE_SETS = (
    "lid/tweetlid14_train",
    "lid/twitterlid5_train",
    "sentiment/umsab_val",
    "lid/lingua_sentences",
)
ENTITY_SETS = (("ner/wnut17_dev", "en"), ("ner/btc_a", "en"), ("ner/wikineural_fr_val", "fr"))

_TYPES = {
    "PER": "PERSON",
    "LOC": "LOC",
    "ORG": "ORG",
    "person": "PERSON",
    "location": "LOC",
    "corporation": "ORG",
}


def read(data: Path, name: str) -> list[Row]:
    """Rows of one set."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def timed(
    work: Callable[[Sequence[str]], list[Any]], texts: Sequence[str]
) -> tuple[list[Any], float]:
    """The result of `work` and posts per second of processor time."""
    begin = time.process_time()
    result = work(texts)
    return result, len(texts) / (time.process_time() - begin)


def language_accuracy(guesses: Sequence[str], truth: Sequence[str]) -> tuple[float, float]:
    """Percent right overall, and the unweighted mean over the languages."""
    every, right = Counter(truth), Counter(t for g, t in zip(guesses, truth, strict=True) if g == t)
    mean = sum(right[language] / every[language] for language in every) / len(every)
    return 100 * right.total() / len(truth), 100 * mean


def macro_f1(guesses: Sequence[str], truth: Sequence[str]) -> float:
    """Unweighted mean over the three classes, in percent."""
    pairs = Counter(zip(guesses, truth, strict=True))
    said, meant = Counter(guesses), Counter(truth)
    return 100 * sum(2 * pairs[x, x] / ((said[x] + meant[x]) or 1) for x in LABELS) / len(LABELS)


def sentences(rows: Sequence[Row]) -> list[tuple[str, set[tuple[int, int, str]]]]:
    """Text (tokens joined by spaces) and gold spans of rows with BIO tags."""
    result = []
    for row in rows:
        spans: set[tuple[int, int, str]] = set()
        position, begin, end, kind = 0, 0, 0, ""
        for token, tag in zip([*row["tokens"], ""], [*row["tags"], "O"], strict=True):
            prefix, _, name = tag.partition("-")
            if kind and (prefix != "I" or name != kind):
                if kind in _TYPES:
                    spans.add((begin, end, _TYPES[kind]))
                kind = ""
            if prefix == "B" or (prefix == "I" and not kind):
                begin, kind = position, name
            end = position + len(token)
            position = end + 1
        result.append((" ".join(row["tokens"]), spans))
    return result


def main() -> None:
    """Print one table a model."""
    parser = argparse.ArgumentParser(description="Accuracy and speed of the models.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    data = parser.parse_args().data

    print("language                          accuracy  macro    posts/s")
    identifier = LanguageIdentifier()
    for name in LANGUAGE_SETS:
        rows = [row for row in read(data, name) if len(row["lang"]) == 2]
        texts = [row["text"] for row in rows]
        found, speed = timed(identifier.identify, texts)
        right, mean = language_accuracy([code for code, _ in found], [r["lang"] for r in rows])
        print(f"{name:34s}{right:7.1f}{mean:8.1f}{speed:10.0f}")

    print("\nsentiment                         macro-F1    posts/s")
    model = SentimentModel.load()
    umsab = read(data, "sentiment/umsab_val")
    sets = {
        f"umsab_val {code}": [row for row in umsab if row["lang"] == code]
        for code in sorted({row["lang"] for row in umsab})
    }
    sets["tweeteval_sentiment_val"] = read(data, "sentiment/tweeteval_sentiment_val")
    for name, rows in sets.items():
        texts = [row["text"] for row in rows]
        scores, speed = timed(model.score, texts)
        guesses = [LABELS[score.index(max(score))] for score in scores]
        f1 = macro_f1(guesses, [row["label"] for row in rows])
        print(f"{name:34s}{f1:7.1f}{speed:12.0f}")

    print("\nentities (exact spans, PERSON ORG LOC) precision recall  F1   posts/s")
    recogniser = EntityRecognizer()
    for name, code in ENTITY_SETS:
        if recogniser.missing([code]):
            print(f"{name:34s} no pipeline for {code}")
            continue
        recogniser.warm([code])
        gold = sentences(read(data, name)[:2_000])
        texts = [text for text, _ in gold]
        entities, speed = timed(partial(recogniser.recognise, languages=[code] * len(texts)), texts)
        right_spans = said = meant = 0
        for (_, spans), guess in zip(gold, entities, strict=True):
            guessed = {(b, e, k) for _, b, e, k in guess if k in ("PERSON", "ORG", "LOC")}
            right_spans += len(spans & guessed)
            said += len(guessed)
            meant += len(spans)
        precision, recall = right_spans / max(1, said), right_spans / max(1, meant)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        print(f"{name:38s}{100 * precision:7.1f}{100 * recall:8.1f}{100 * f1:6.1f}{speed:9.0f}")


if __name__ == "__main__":
    main()

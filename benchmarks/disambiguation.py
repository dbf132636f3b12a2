"""Accuracy of disambiguation, by the number of examples.

    python -m benchmarks.disambiguation --data DIR [--seeds N] [--minimum CONFIDENCE]

Two kinds of sets, without near duplicates, so no text is in both the training and the test part:

- ``stream/sanders_brands``: tweets with "apple", "google" and so on. Its judges called a tweet
  irrelevant mostly for its language. The sign before the name is removed, since all have it.
- from ``sentiment/semeval2017_4A_train``: a brand and a common noun, both written "orange" (with
  their capitals). English only; the surrounding words must decide.

Balanced accuracy (0.5 for "all are the brand" and for "none is"), the share of the brand's posts
kept, and the share of the others dropped. Plain accuracy is compared with that of the majority
class and of no disambiguation.
"""

import argparse
import gzip
import json
import random
import re
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from brands.disambiguation import learn
from processors.detector.state.near_duplicates import DuplicateWindow
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.models.language_model import LanguageIdentifier
from schemas.brand import Brand, Example
from schemas.mention import Language, Mention
from schemas.post import Author, Post
from text.fingerprint import duplicate_keys

COUNTS = (5, 10, 20, 50)
MOST_TESTED = 300
AT = datetime(2020, 1, 1, tzinfo=UTC)
SANDERS = ("apple", "google", "microsoft", "twitter")
CONFLATED = (
    ("amazon", ("sun",)),
    ("nintendo", ("chocolate", "milk", "cake")),
    ("ibm", ("moon",)),
    ("google", ("coffee",)),
)
MOST_CONFLATED = 400

Set = tuple[str, str, list[Example]]
"""Name of the set, name of the brand, and the texts."""


def read(data: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def without_copies(examples: Sequence[Example]) -> list[Example]:
    """The first text of each group of near duplicates."""
    window = DuplicateWindow(timedelta(days=1))
    keys = duplicate_keys([example.text for example in examples])
    return [
        example
        for number, example in enumerate(examples)
        if window.add(AT, str(number), keys[number]) == str(number)
    ]


def sanders(data: Path) -> list[Set]:
    rows = read(data, "stream/sanders_brands")
    sets = []
    for brand in SANDERS:
        sign = re.compile(rf"[@#](?={brand}\b)", re.IGNORECASE)
        examples = [
            Example(text=sign.sub("", row["text"]), about=row["label"] != "irrelevant")
            for row in rows
            if row["brand"] == brand
        ]
        sets.append((brand, brand, without_copies(examples)))
    return sets


def conflated(data: Path) -> list[Set]:
    texts = [row["text"] for row in read(data, "sentiment/semeval2017_4A_train")]
    sets = []
    for brand, nouns in CONFLATED:
        examples = []
        for own, other, about in (((brand,), nouns, True), (nouns, (brand,), False)):
            wanted = re.compile(rf"(?<![@#\w])(?:{'|'.join(own)})\b", re.IGNORECASE)
            unwanted = re.compile(rf"{'|'.join(other)}|[@#](?:{'|'.join(own)})", re.IGNORECASE)
            chosen = [text for text in texts if wanted.search(text) and not unwanted.search(text)]
            examples += [
                Example(text=wanted.sub(_orange, text), about=about)
                for text in chosen[:MOST_CONFLATED]
            ]
        sets.append((f"{brand} / {', '.join(nouns)}", "orange", without_copies(examples)))
    return sets


def _orange(match: re.Match[str]) -> str:
    word = match.group()
    return "ORANGE" if word.isupper() else "Orange" if word[0].isupper() else "orange"


def mention_of(text: str, language: str) -> Mention:
    """A mention with its detected language."""
    post = Post(id="test:1", source="test", author=Author(id="1"), text=text, created_at=AT)
    return Mention(post=post, language=Language(code=language, confidence=1))


class Trial:
    """Learns from some texts of a set and judges the others."""

    def __init__(self, chosen: Set, languages: dict[str, str], minimum: float) -> None:
        self.name, brand, examples = chosen
        self.brand = Brand(id="b", name=brand, minimum_confidence=minimum)
        self.languages = languages
        matcher = BrandMatcher([self.brand])
        texts = [
            example for example in examples if matcher.match(mention_of(example.text, "und").post)
        ]
        self.kinds = [
            [example for example in texts if example.about is about] for about in (True, False)
        ]

    def run(self, count: int, seed: int) -> tuple[float, float, float] | None:
        """Shares kept of the brand and dropped of the others, accuracy; None with too few texts."""
        order = random.Random(seed)
        kinds = [order.sample(kind, len(kind)) for kind in self.kinds]
        if min(map(len, kinds)) < count + 20:
            return None
        taught = replace(self.brand, examples=[*kinds[0][:count], *kinds[1][:count]])
        matcher = BrandMatcher([taught])
        annotator = BrandAnnotator(
            lambda: matcher, lambda texts: [self.languages[text] for text in texts]
        )
        asked = [kind[count : count + MOST_TESTED] for kind in kinds]
        shares, right = [], 0
        for about, texts in zip((True, False), asked, strict=True):
            batch = [mention_of(one.text, self.languages[one.text]) for one in texts]
            annotator.annotate(batch)
            good = sum(bool(mention.brands) is about for mention in batch)
            shares.append(good / len(batch))
            right += good
        return shares[0], shares[1], right / sum(map(len, asked))

    def plain(self) -> tuple[float, float]:
        """Accuracy of the majority class, and without disambiguation, over the whole set."""
        brand, other = map(len, self.kinds)
        return max(brand, other) / (brand + other), brand / (brand + other)


def report(trials: Sequence[Trial], seeds: int) -> None:
    """A table with a row per set and number of examples."""
    print("| set | examples of each | balanced | kept | dropped | accuracy | majority | without |")
    print("|---|---|---|---|---|---|---|---|")
    means: dict[int, list[tuple[float, float]]] = {count: [] for count in COUNTS}
    for trial in trials:
        majority, without = trial.plain()
        for count in COUNTS:
            runs = [run for seed in range(seeds) if (run := trial.run(count, seed)) is not None]
            if not runs:
                continue
            kept, dropped, accuracy = (
                statistics.fmean(values) for values in zip(*runs, strict=True)
            )
            balanced = [(run[0] + run[1]) / 2 for run in runs]
            means[count].append((kept, dropped))
            print(
                f"| {trial.name} | {count} | {statistics.fmean(balanced):.2f} "
                f"(± {statistics.pstdev(balanced):.2f}) | {kept:.2f} | {dropped:.2f} "
                f"| {accuracy:.2f} | {majority:.2f} | {without:.2f} |"
            )
    print()
    for count, values in means.items():
        kept, dropped = (statistics.fmean(shares) for shares in zip(*values, strict=True))
        print(
            f"mean of {len(values)} sets at {count}: balanced {(kept + dropped) / 2:.3f}, "
            f"kept {kept:.3f}, dropped {dropped:.3f}"
        )


def speed(trial: Trial) -> None:
    """Time to learn from 50 examples of each kind, and to judge."""
    kinds = [kind[:50] for kind in trial.kinds]
    taught = replace(trial.brand, examples=kinds[0] + kinds[1])
    began = time.process_time()
    for _ in range(5):
        learn(taught, lambda texts: [trial.languages[text] for text in texts])
    print(f"\nlearning {len(taught.examples)}: {(time.process_time() - began) / 5 * 1000:.0f} ms")
    batch = [mention_of(example.text, "en") for kind in trial.kinds for example in kind]
    for name, brand in (("without", trial.brand), ("with", taught)):
        matcher = BrandMatcher([brand])
        annotator = BrandAnnotator(lambda m=matcher: m, lambda texts: ["en"] * len(texts))
        annotator.annotate(batch[:1])
        began = time.process_time()
        annotator.annotate(batch)
        print(f"{name} examples: {len(batch) / (time.process_time() - began):,.0f} matched posts/s")


def main() -> int:
    parser = argparse.ArgumentParser(description="Learning curves of brand disambiguation.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--minimum", type=float, default=0.5, help="minimum_confidence")
    options = parser.parse_args()
    sets = sanders(options.data) + conflated(options.data)
    identifier = LanguageIdentifier()
    texts = list({example.text for _, _, examples in sets for example in examples})
    found = identifier.identify(texts)
    languages = {text: code for text, (code, _) in zip(texts, found, strict=True)}
    trials = [Trial(chosen, languages, options.minimum) for chosen in sets]
    report(trials, options.seeds)
    speed(trials[0])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

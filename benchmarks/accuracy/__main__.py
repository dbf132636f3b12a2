"""Measures every score of the annotators and writes ``docs/accuracy.md``.

    python -m benchmarks.accuracy --data DIR [--out docs/accuracy.md] [--limit N]

DIR holds the sets named in ``benchmarks/accuracy/sets.py`` as ``.jsonl.gz``; sections without their
set are left out and named. ``--limit`` reads this many rows of each set and language, for a trial.
Exits with 1 if an annotator raised or an offset was wrong.
"""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.accuracy import (
    contrasts,
    entities,
    everyday,
    kinds,
    language,
    robustness,
    sentiment,
)
from benchmarks.accuracy.context import Context
from benchmarks.accuracy.sets import DataSets
from benchmarks.machine import describe
from benchmarks.scores import RESAMPLES

PACKAGES = ("tocsin", "numpy", "spacy", "openvino", "tokenizers", "fasttext-predict")
SECTIONS: tuple[tuple[str, Callable[[Context], list[str]]], ...] = (
    ("sentiment", sentiment.section),
    ("targets", sentiment.target_section),
    ("contrasts", contrasts.section),
    ("everyday", everyday.section),
    ("kinds", kinds.section),
    ("language", language.section),
    ("entities", entities.section),
    ("robustness", robustness.section),
)


TRIAL = 1_000
"""Minimum rows of a set; a run with fewer is a trial."""


def head(context: Context, command: str) -> list[str]:
    """The head of the page: the figures and their origin."""
    limit = context.sets.limit
    lines = ["# Accuracy", "", f"Made by `{command}`; do not edit.", ""]
    if limit is not None and limit < TRIAL:
        lines += [f"**A trial run over the first {limit} rows of each set: not the scores.**", ""]
    elif limit is not None:
        lines += [f"At most the first {limit:,} posts of each set and language were read.", ""]
    lines += [
        "Scores are of posts that nothing was trained on, as the annotators give them through "
        f"the enricher. In brackets, the middle 95 % of {RESAMPLES:,} bootstrap resamples of the "
        "posts. Calibration and thresholds were chosen on some of these posts, as the models' "
        "cards say: expect a little less elsewhere. Other libraries, with their defaults, stand "
        "beside where they are installed. "
        "Tiers and annotators: [annotators](annotators.md).",
        "",
        *describe(PACKAGES),
    ]
    if context.readers:
        versions = context.readers[-1].versions
        lines.append("- annotators: " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    lines.append("- data: public sets, of which only held-out parts are read")
    lines += [f"- {note}" for note in dict.fromkeys(context.notes)]
    lines += [f"- missing: {name}" for name in context.sets.missing]
    return [*lines, ""]


def main() -> int:
    parser = argparse.ArgumentParser(description="Accuracy of the annotators.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("docs/accuracy.md"))
    parser.add_argument("--limit", type=int, help="rows of each set and language, for trials")
    parser.add_argument(
        "--only", choices=[name for name, _ in SECTIONS], action="append", help="these sections"
    )
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"{options.data} is not a folder: pass the folder of the data sets", file=sys.stderr)
        return 2
    context = Context.load(DataSets(options.data, options.limit))
    body: list[str] = []
    for name, section in SECTIONS:
        if not options.only or name in options.only:
            with context.timed(name):
                body += section(context)
    checked, sound = robustness.checks(context)
    body += checked
    # Without the path of the data.
    command = ["python", "-m", "benchmarks.accuracy", "--data", "DIR"]
    if options.limit is not None:
        command += ["--limit", str(options.limit)]
    for name in options.only or ():
        command += ["--only", name]
    page = "\n".join([*head(context, shlex.join(command)), *body]).rstrip() + "\n"
    print(page)
    print(", ".join(f"{name} {seconds:.0f} s" for name, seconds in context.seconds.items()))
    options.out.write_text(page, "utf-8")
    for reader in context.readers:
        for problem in reader.wrong_offsets[:10]:
            print(f"{reader.tier}: wrong offset: {problem}", file=sys.stderr)
    return 0 if sound else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Language: macro accuracy beside other libraries, what `und` is worth, and calibration."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.accuracy import libraries
from benchmarks.accuracy.context import Context
from benchmarks.accuracy.sentiment import bin_rows
from benchmarks.accuracy.sets import Labelled
from benchmarks.accuracy.tiers import TierReader
from benchmarks.markdown import table
from benchmarks.scores import (
    Interval,
    accuracy,
    bootstrap,
    calibration_error,
    confusion,
    macro_recall,
    reliability,
)

UNKNOWN = "und"


class Guess(NamedTuple):
    """A language and its confidence."""

    code: str
    confidence: float


def section(context: Context) -> list[str]:
    """Both tiers have the same language annotator."""
    if not context.readers:
        return []
    reader = context.readers[0]
    sets = [one for one in context.sets.language_sets() if one.texts]
    if not sets:
        return []
    beside, absent = libraries.language()
    context.not_installed(absent)
    said = {one.name: _guesses(reader, one.texts) for one in sets}

    rows, coverage = [], []
    for one in sets:
        known = [number for number, code in enumerate(one.labels) if code != UNKNOWN]
        labels = [one.labels[number] for number in known]
        texts = [one.texts[number] for number in known]
        own = [said[one.name][number] for number in known]
        columns = [[guess.code for guess in own], *(library.label(texts) for library in beside)]
        scores = [_macro(labels, guesses) for guesses in columns]
        rows.append([one.name, len(labels), len(set(labels)), *scores])
        coverage.append([one.name, *_coverage(labels, own), *_undetermined(one, said[one.name])])
    return [
        "## Language",
        "",
        "Mean over the languages of the share of posts that are right, in percent; `und` is "
        "wrong. Both tiers have the same annotator; no platform's hint is given. umsab_val, and "
        "30 % of each other set, are held out (`training/train_language.py`); a quarter of what "
        "UMSAB calls Hindi is English.",
        "",
        *table(
            ["set", "posts", "languages", "tocsin", *(library.name for library in beside)], rows
        ),
        "Where tocsin says `und` rather than guess: share of posts that get a language, how many "
        "of those are right, and of the posts that people called undetermined the share that "
        "gets `und`.",
        "",
        *table(["set", "coverage", "right where told", "`und` found"], coverage),
        *_calibration(sets, said),
    ]


def _guesses(reader: TierReader, texts: Sequence[str]) -> list[Guess]:
    read = reader.read(texts, ("language",))
    return [
        Guess(UNKNOWN, 0.0)
        if mention is None or mention.language is None
        else Guess(mention.language.code, mention.language.confidence)
        for mention in read
    ]


def _macro(labels: Sequence[str], guesses: Sequence[str]) -> Interval:
    return bootstrap([confusion(labels, guesses, sorted(set(labels)))], macro_recall)


def _coverage(labels: Sequence[str], own: Sequence[Guess]) -> list[object]:
    told = [(x, guess.code) for x, guess in zip(labels, own, strict=True) if guess.code != UNKNOWN]
    right = confusion([label for label, _ in told], [code for _, code in told], sorted(set(labels)))
    return [f"{100 * len(told) / max(1, len(labels)):.1f}", bootstrap([right], accuracy)]


def _undetermined(one: Labelled, own: Sequence[Guess]) -> list[object]:
    hard = [guess.code for label, guess in zip(one.labels, own, strict=True) if label == UNKNOWN]
    if not hard:
        return ["–"]
    return [f"{hard.count(UNKNOWN)} of {len(hard)}"]


def _calibration(sets: Sequence[Labelled], said: dict[str, list[Guess]]) -> list[str]:
    lines: list[str] = []
    errors = []
    for one in sets:
        pairs = [
            (guess.confidence, guess.code == label)
            for label, guess in zip(one.labels, said[one.name], strict=True)
            if guess.code != UNKNOWN and label != UNKNOWN
        ]
        bins = reliability([sure for sure, _ in pairs], [right for _, right in pairs])
        errors.append([one.name, len(pairs), f"{100 * calibration_error(bins):.1f}"])
        if one.name in ("umsab_val", "tweetlid14_train"):
            lines += [f"Calibration, {one.name}, posts that get a language:", ""]
            lines += table(("confidence", "posts", "mean", "right"), bin_rows(bins))
    return [
        "Expected calibration error of the confidence, in points:",
        "",
        *table(["set", "posts", "error"], errors),
        *lines,
    ]

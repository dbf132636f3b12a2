"""Emotion, irony, offence and complaint."""

from collections.abc import Callable

from benchmarks.accuracy.context import Context
from benchmarks.accuracy.sets import Labelled
from benchmarks.markdown import table
from benchmarks.scores import Metric, bootstrap, confusion, f1_of, macro_f1
from schemas.mention import Mention

ANNOTATORS = ("language", "sentiment", "intents", "encoder")
Said = Callable[[Mention], str | None]
"""The label of a mention in the terms of the set; None if the tier has none."""


def emotion(mention: Mention) -> str | None:
    return None if mention.emotion is None else mention.emotion.label


def irony(mention: Mention) -> str | None:
    return None if mention.irony is None else "irony" if mention.irony.label else "non_irony"


def offence(mention: Mention) -> str | None:
    if mention.toxicity is None:
        return None
    return "offensive" if mention.toxicity.label else "not-offensive"


def complaint(mention: Mention) -> str:
    return "complaint" if "complaint" in mention.intents else "not"


def section(context: Context) -> list[str]:
    sets = context.sets
    wanted: tuple[tuple[str, Labelled, tuple[str, ...], Said, Metric], ...] = (
        (
            "emotion, macro-F1",
            sets.labelled("emotion/tweeteval_emotion_val"),
            ("anger", "joy", "optimism", "sadness"),
            emotion,
            macro_f1,
        ),
        (
            "irony, F1 of irony",
            sets.labelled("emotion/tweeteval_irony_val"),
            ("non_irony", "irony"),
            irony,
            f1_of(1),
        ),
        (
            "offence, macro-F1",
            sets.labelled("emotion/tweeteval_offensive_val"),
            ("not-offensive", "offensive"),
            offence,
            macro_f1,
        ),
        (
            "complaint, F1 of complaints",
            sets.held_out("complaints/complaints_en"),
            ("not", "complaint"),
            complaint,
            f1_of(1),
        ),
    )
    rows = []
    for name, one, classes, said, metric in wanted:
        if not one.texts:
            continue
        row: list[object] = [name, one.name, len(one.texts)]
        for reader in context.readers:
            guesses = [
                None if mention is None else said(mention)
                for mention in reader.read(one.texts, ANNOTATORS)
            ]
            told = any(guess is not None for guess in guesses)
            counts = confusion(one.labels, [guess or "" for guess in guesses], classes)
            row.append(bootstrap([counts], metric) if told else "not told")
        rows.append(row)
    if not rows:
        return []
    return [
        "## Emotion, irony, offence, complaint",
        "",
        "English. Emotion: an answer that the set does not have (fear, none) counts as wrong. "
        "Complaints: the first sixth of the file, which training left alone.",
        "",
        *table(["what", "set", "posts", *context.tiers], rows),
    ]

"""Robustness: stable labels under perturbations, and no exception or wrong offset on any text."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.accuracy.context import Context
from benchmarks.accuracy.perturbations import CHANGES, HOSTILE
from benchmarks.accuracy.tiers import TierReader
from benchmarks.markdown import table
from schemas.mention import Mention

SEED = 5
POSTS = 100
"""Posts per language."""


class Labels(NamedTuple):
    """Labels that must stay; None without one, as after a crash."""

    language: str | None
    sentiment: str | None

    @classmethod
    def of(cls, mention: Mention | None) -> "Labels":
        if mention is None:
            return cls(None, None)
        return cls(
            None if mention.language is None else mention.language.code,
            None if mention.sentiment is None else mention.sentiment.label,
        )


def kept(before: Sequence[str | None], after: Sequence[str | None]) -> float:
    """Percentage that stayed; a missing label did not stay."""
    same = sum(a == b and a is not None for a, b in zip(before, after, strict=True))
    return 100 * same / max(1, len(before))


def changed(texts: Sequence[str], languages: Sequence[str], name: str) -> list[str]:
    """The texts after one change, deterministically."""
    generator = random.Random(f"{SEED} {name}")
    change = CHANGES[name]
    return [change(text, code, generator) for text, code in zip(texts, languages, strict=True)]


def section(context: Context) -> list[str]:
    """All annotators run."""
    for reader in context.readers:
        reader.read([*HOSTILE, *HOSTILE])
        for text in HOSTILE:
            reader.read([text])
    umsab = context.sets.labelled("sentiment/umsab_val")
    chosen = [
        number
        for code in sorted(set(umsab.languages))
        for number in [n for n, own in enumerate(umsab.languages) if own == code][:POSTS]
    ]
    texts = [umsab.texts[number] for number in chosen]
    languages = [umsab.languages[number] for number in chosen]
    if not texts or not context.readers:
        return []
    columns = [_stability(reader, texts, languages) for reader in context.readers]
    rows = []
    for name in CHANGES:
        differ = sum(a != b for a, b in zip(texts, changed(texts, languages, name), strict=True))
        cells = [f"{share:.1f}" for column in columns for share in column[name]]
        rows.append([name, differ, *cells])
    header = [f"{what}, {tier}" for tier in context.tiers for what in ("language", "sentiment")]
    return [
        "## Robustness",
        "",
        f"The first {POSTS} posts of each language of umsab_val, {len(texts)} in all, with every "
        "annotator: percentage whose label is the same after the change. The second column is "
        "how many posts the change changed; the others keep their labels by themselves.",
        "",
        *table(["change", "changed posts", *header], rows),
    ]


def _stability(
    reader: TierReader, texts: Sequence[str], languages: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Per change, the share of languages and of sentiments that stay."""
    before = [Labels.of(mention) for mention in reader.read(texts)]
    result = {}
    for name in CHANGES:
        after = [Labels.of(mention) for mention in reader.read(changed(texts, languages, name))]
        result[name] = (
            kept([x.language for x in before], [x.language for x in after]),
            kept([x.sentiment for x in before], [x.sentiment for x in after]),
        )
    return result


def checks(context: Context) -> tuple[list[str], bool]:
    """Counts that must be 0 over all posts, and whether they are."""
    rows = [
        [
            reader.tier,
            f"{reader.posts:,}",
            reader.crashed,
            f"{reader.offsets:,}",
            len(reader.wrong_offsets),
        ]
        for reader in context.readers
    ]
    sound = not any(reader.crashed or reader.wrong_offsets for reader in context.readers)
    header = ["tier", "posts read", "that made it raise", "offsets looked at", "wrong offsets"]
    return [
        "## What must not happen",
        "",
        "Over everything that was read for this page"
        + (
            f", {len(HOSTILE)} texts written to break a reader among it."
            if "robustness" in context.seconds
            else "."
        ),
        "",
        *table(header, rows),
    ], sound

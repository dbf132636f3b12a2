"""Sentiment by target, on posts that praise one brand and damn another.

The posts are invented: every sentence of praise with every one of blame, in both orders, with three
pairs of names. No model was trained or chosen on them; only the splitting of clauses was.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from benchmarks.accuracy.context import Context
from benchmarks.accuracy.sentiment import ANNOTATORS
from benchmarks.accuracy.tiers import TierReader
from benchmarks.markdown import table
from schemas.mention import Mention

NAMES: Final = (("Velmora", "Zephalia"), ("Delta", "JetBlue"), ("Orange", "Free"))
PRAISE: Final = {
    "en": (
        "{} was a joy, friendly crew.", "I love {}, best service ever.",
        "{} got me home on time, thank you!", "Great flight with {} today.",
        "{} is so much better.",
    ),
    "fr": (
        "{} est au top, équipage adorable.", "Merci {}, service impeccable.",
        "J'adore {}, toujours à l'heure.", "Super vol avec {} aujourd'hui.",
        "{} est bien mieux.",
    ),
}  # fmt: skip
BLAME: Final = {
    "en": (
        "{} lost my bag and was rude.", "{} is the worst, never again.",
        "{} cancelled my flight without notice.", "Terrible delay with {}.", "{} is a scam.",
    ),
    "fr": (
        "{} a perdu ma valise et s'en moque.", "{} c'est nul, plus jamais.",
        "{} a annulé mon vol sans prévenir.", "Retard horrible avec {}.", "{} est une arnaque.",
    ),
}  # fmt: skip


class Contrast(NamedTuple):
    text: str
    praised: str
    damned: str


def contrasts(language: str) -> Iterator[Contrast]:
    for praised, damned in NAMES:
        for good in PRAISE[language]:
            for bad in BLAME[language]:
                said = (good.format(praised), bad.format(damned))
                for parts in (said, said[::-1]):
                    yield Contrast(" ".join(parts), praised, damned)


def told_apart(reader: TierReader, posts: Sequence[Contrast]) -> tuple[int, int]:
    """Number of sentiments with the right sign, and of posts with both right."""
    read = reader.read(
        [one.text for one in posts], ANNOTATORS, targets=[(p.praised, p.damned) for p in posts]
    )
    pairs = [_signs(mention) for mention in read]
    return sum(map(sum, pairs)), sum(map(all, pairs))


def _signs(mention: Mention | None) -> tuple[bool, bool]:
    if mention is None:
        return False, False
    said = [one.sentiment or mention.sentiment for one in mention.targets]
    praised, damned = (one.score if one else 0.0 for one in said)
    return praised > 0, damned < 0


def section(context: Context) -> list[str]:
    rows = []
    for language in PRAISE:
        posts = list(contrasts(language))
        found = [told_apart(reader, posts) for reader in context.readers]
        rows.append([
            language,
            len(posts),
            *(f"{50 * one / len(posts):.1f}, {100 * both / len(posts):.1f}" for one, both in found),
        ])  # fmt: skip
    return [
        "## Praise of one, blame of another",
        "",
        "Invented posts of two sentences, one for a brand and one against another "
        "(`benchmarks/accuracy/contrasts.py`): percentage of the sentiments with the right sign, "
        "and of the posts where both have it. The fast tier has one sentiment a post.",
        "",
        *table(["language", "posts", *context.tiers], rows),
    ]

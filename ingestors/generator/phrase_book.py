"""Sentences of the generated day, put together from the phrases of each language.

The phrases are YAML (``ingestors/generator/phrases``), with slots: ``{b}`` the brand as it is
written this time, ``{p}`` a place, ``{n}`` a number, ``{d}`` a duration, ``{h}`` the hashtag of the
crisis.
"""

import random
from functools import cache
from pathlib import Path

from msgspec import Struct

from runtime.files import read_yaml

_FOLDER = Path(__file__).parent / "phrases"
_EMOJI = {
    "negative": ("😡", "🤬", "😤", "👎", "🙄", "😭"),
    "positive": ("😍", "👏", "🎉", "🙏", "👍", "❤️"),
    "neutral": ("🤔", "👀", "🙂"),
}
_VOWELS = frozenset("aeiou")
BySentiment = dict[str, list[str]]


class Article(Struct, frozen=True):
    """What a newspaper writes about the crisis."""

    title: str
    text: str


class Phrases(Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of one language; those that only two languages have are optional."""

    openers: BySentiment
    closers: BySentiment
    places: list[str]
    durations: list[str]
    topics: dict[str, BySentiment]
    crisis: list[str]
    answers: list[str]
    replies: BySentiment
    noise: BySentiment
    word: list[str]
    spam: str
    edit: str
    names: list[str]
    handles: list[str]
    stop: str = "."
    influencer: str = ""
    apology: str = ""
    article: Article | None = None


@cache
def phrases(language: str) -> Phrases:
    """The phrases of a language, read once."""
    return read_yaml(_FOLDER / f"{language}.yaml", Phrases, "it must hold what Phrases names")


def pick(rng: random.Random, choices: list[str] | tuple[str, ...]) -> str:
    """One of the choices, all equally likely (several times faster than ``rng.choice``)."""
    return choices[int(rng.random() * len(choices))]


def fill(rng: random.Random, book: Phrases, phrase: str, brand: str = "", tag: str = "") -> str:
    """The phrase with its slots filled."""
    return phrase.format(
        b=brand,
        p=pick(rng, book.places),
        n=2 + int(rng.random() * 48),
        d=pick(rng, book.durations),
        h=tag,
    )


def _swap(text: str, at: int) -> str:
    """Two letters in the wrong order, as fast fingers write them."""
    pair = text[at : at + 2]
    return text[:at] + pair[::-1] + text[at + 2 :] if pair.isalpha() and pair.islower() else text


def _stretch(text: str, at: int) -> str:
    """A loooong vowel: the first one behind ``at``."""
    for offset in range(at, len(text)):
        if text[offset] in _VOWELS:
            return text[:offset] + text[offset] * 4 + text[offset + 1 :]
    return text


def roughen(rng: random.Random, text: str, keep: str, sentiment: str) -> str:
    """The text as people type it: slips, stretched vowels, shouting; ``keep`` stays legible."""
    chance = rng.random()
    if chance >= 0.15 or not text:
        return text
    at = int(rng.random() * len(text))
    if chance < 0.06:
        rough = _swap(text, at)
    elif chance < 0.11:
        rough = _stretch(text, at)
    else:
        rough = text.upper() if sentiment == "negative" else text.lower()
    return rough if keep in rough else text


def dress(rng: random.Random, book: Phrases, core: str, sentiment: str, keep: str) -> str:
    """A sentence with what people put around it: an opener, a closer, an emoji."""
    chance = rng.random()
    if chance < 0.45:
        core = f"{pick(rng, book.openers[sentiment])} {core}"
    elif core[:1].islower() and not (keep and core.startswith(keep)):
        core = core[0].upper() + core[1:]
    if rng.random() < 0.45:
        end = "" if core[-1] in ".!?।؟" else book.stop
        core = f"{core}{end} {pick(rng, book.closers[sentiment])}"
    return finish(rng, core, sentiment, keep)


def finish(rng: random.Random, text: str, sentiment: str, keep: str) -> str:
    """The text as it is typed, perhaps with an emoji behind it."""
    text = roughen(rng, text, keep, sentiment)
    if rng.random() < 0.2:
        emoji = pick(rng, _EMOJI[sentiment])
        text = f"{text} {emoji * (1 + int(rng.random() * 2.3))}"
    return text


def chatter(rng: random.Random, book: Phrases, sentiment: str) -> str:
    """A post about nothing that matters to us: one thought, or two."""
    thoughts = book.noise[sentiment]
    first = int(rng.random() * len(thoughts))
    text = fill(rng, book, thoughts[first])
    if len(thoughts) > 1 and rng.random() < 0.4:
        second = (first + 1 + int(rng.random() * (len(thoughts) - 1))) % len(thoughts)
        end = "" if text[-1] in ".!?।؟" else book.stop
        text = f"{text}{end} {fill(rng, book, thoughts[second])}"
    return finish(rng, text, sentiment, "")

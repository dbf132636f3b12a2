"""Builds sentences of the generated day from the phrases of each language.

Slots of the YAML phrases: ``{b}`` brand, ``{p}`` place, ``{n}`` number, ``{d}`` duration, ``{h}``
hashtag of the crisis.
"""

import random
from functools import cache
from pathlib import Path

from msgspec import Struct

from runtime.configuration.files import read_yaml

_FOLDER = Path(__file__).parent / "phrases"
_EMOJI = {
    "negative": ("😡", "🤬", "😤", "👎", "🙄", "😭"),
    "positive": ("😍", "👏", "🎉", "🙏", "👍", "❤️"),
    "neutral": ("🤔", "👀", "🙂"),
}
_VOWELS = frozenset("aeiou")
BySentiment = dict[str, list[str]]


class Article(Struct, frozen=True):
    title: str
    text: str


class Phrases(Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of one language. Fields with defaults occur in few languages."""

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
    return read_yaml(_FOLDER / f"{language}.yaml", Phrases, "it must have the fields of Phrases")


def pick(rng: random.Random, choices: list[str] | tuple[str, ...]) -> str:
    """A uniform choice, several times faster than ``rng.choice``."""
    return choices[int(rng.random() * len(choices))]


def fill(rng: random.Random, book: Phrases, phrase: str, brand: str = "", tag: str = "") -> str:
    return phrase.format(
        b=brand,
        p=pick(rng, book.places),
        n=2 + int(rng.random() * 48),
        d=pick(rng, book.durations),
        h=tag,
    )


def _swap(text: str, at: int) -> str:
    pair = text[at : at + 2]
    return text[:at] + pair[::-1] + text[at + 2 :] if pair.isalpha() and pair.islower() else text


def _stretch(text: str, at: int) -> str:
    """Repeat the first vowel from ``at`` on."""
    for offset in range(at, len(text)):
        if text[offset] in _VOWELS:
            return text[:offset] + text[offset] * 4 + text[offset + 1 :]
    return text


def roughen(rng: random.Random, text: str, keep: str, sentiment: str) -> str:
    """Add typing errors, long vowels or shouting, but keep ``keep`` unchanged."""
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
    """The sentence, perhaps with an opener, a closer, errors and an emoji."""
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
    text = roughen(rng, text, keep, sentiment)
    if rng.random() < 0.2:
        emoji = pick(rng, _EMOJI[sentiment])
        text = f"{text} {emoji * (1 + int(rng.random() * 2.3))}"
    return text


def chatter(rng: random.Random, book: Phrases, sentiment: str) -> str:
    thoughts = book.noise[sentiment]
    first = int(rng.random() * len(thoughts))
    text = fill(rng, book, thoughts[first])
    if len(thoughts) > 1 and rng.random() < 0.4:
        second = (first + 1 + int(rng.random() * (len(thoughts) - 1))) % len(thoughts)
        end = "" if text[-1] in ".!?।؟" else book.stop
        text = f"{text}{end} {fill(rng, book, thoughts[second])}"
    return finish(rng, text, sentiment, "")

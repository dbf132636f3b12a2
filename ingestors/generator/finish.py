"""How people type: slips, shouting, missing accents and stops, hashtags and emoji.

The words of ``keep`` are never changed: they are the names that the labels of a post speak of.
"""

import random
import unicodedata
from collections.abc import Callable

from ingestors.generator.slots import pick

_EMOJI = {
    "negative": ("😡", "🤬", "😤", "👎", "🙄", "😭", "🤦", "💀"),
    "positive": ("😍", "👏", "🎉", "🙏", "👍", "❤️", "😊", "💪"),
    "neutral": ("🤔", "👀", "🙂", "🙋", "📌"),
}
_VOWELS = frozenset("aeiou")
_STOPS = ".!?।؟…"
_ROUGH, _EMOTIVE = 0.26, 0.15
"""Shares of posts that are typed carelessly, and that end with emoji."""
MAX_SHOUTED = 140
"""Longest text that is written in capitals only."""


def _swap(text: str, at: int) -> str:
    pair = text[at : at + 2]
    return text[:at] + pair[::-1] + text[at + 2 :] if pair.isalpha() and pair.islower() else text


def _drop(text: str, at: int) -> str:
    inside = text[at - 1 : at + 2] if at else ""
    return text[:at] + text[at + 1 :] if len(inside) == 3 and inside.isalpha() else text


def _double(text: str, at: int) -> str:
    return text[:at] + text[at] + text[at:] if text[at].isalpha() and text[at].islower() else text


def _stretch(text: str, at: int) -> str:
    """Repeat the first vowel from ``at`` on, where a word ends with it."""
    for offset in range(at, len(text) - 1):
        if text[offset] in _VOWELS and not text[offset + 1].isalpha():
            return text[:offset] + text[offset] * 4 + text[offset + 1 :]
    return text


def _bare(text: str) -> str:
    """Without accents, as on a foreign keyboard."""
    parts = unicodedata.normalize("NFD", text)
    bare = "".join(letter for letter in parts if not "\u0300" <= letter <= "\u036f")
    return unicodedata.normalize("NFC", bare)


def _outside(text: str, keep: str, change: Callable[[str], str]) -> str:
    return keep.join(map(change, text.split(keep))) if keep else change(text)


def _slip(rng: random.Random, text: str, keep: str, change: Callable[[str, int], str]) -> str:
    """A slip somewhere in the longest part without ``keep``."""
    parts = text.split(keep) if keep else [text]
    longest = max(range(len(parts)), key=lambda part: len(parts[part]))
    part = parts[longest]
    if part:
        parts[longest] = change(part, int(rng.random() * len(part)))
    return keep.join(parts)


def roughen(rng: random.Random, text: str, keep: str, sentiment: str) -> str:
    """Errors, long vowels, shouting; ``keep`` stays as it is."""
    chance = rng.random() / _ROUGH
    if chance >= 1 or not text:
        return text
    if chance < 0.36:
        return _slip(
            rng, text, keep, _swap if chance < 0.14 else _drop if chance < 0.26 else _double
        )
    if chance < 0.46:
        return _slip(rng, text, keep, _stretch) if sentiment != "neutral" else text
    if chance < 0.54 and sentiment == "negative" and len(text) <= MAX_SHOUTED:
        return _outside(text, keep, str.upper)
    if chance < 0.74:
        return _outside(text, keep, str.lower)
    if chance < 0.84:
        return text.rstrip(".")
    if chance < 0.92:
        return text.rstrip(".") + ("!!" if sentiment != "neutral" else "…")
    return _outside(text, keep, _bare)


def finish(
    rng: random.Random, text: str, sentiment: str, keep: str = "", tag: str | None = None
) -> str:
    """The text as its author sends it, perhaps with a hashtag and emoji."""
    text = roughen(rng, text, keep, sentiment)
    if tag:
        text = f"{text} #{tag}"
    if rng.random() < _EMOTIVE and (text[-1].isalnum() or text[-1] in _STOPS):
        emoji = pick(rng, _EMOJI[sentiment])
        text = f"{text} {emoji * (1 + int(rng.random() * 2.3))}"
    return text

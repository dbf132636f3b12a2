"""Perturbations of texts that should not change their labels.

Each is a pure function of the text, its language and a random generator.
"""

import random
import unicodedata
from collections.abc import Callable
from typing import Final

Change = Callable[[str, str, random.Random], str]

LONG: Final = 10_000
TYPO_SHARE: Final = 0.1
"""Share of the words that get a typo; at least one."""

EMOJI: Final = ("📷", "👀", "📌", "🔁", "🗓️", "📎")
"""Emoji without sentiment."""

ASIDES: Final = {
    "en": "The meeting is on Tuesday at ten.",
    "fr": "La réunion est mardi à dix heures.",
    "de": "Das Treffen ist am Dienstag um zehn.",
    "es": "La reunión es el martes a las diez.",
}
"""Sentences without sentiment."""

NOISE: Final = (
    "\u200b", "\u200d", "\ufeff", "\u202e", "\u2066", "\u00ad", "\u0336", "\u20dd", "\ufe0f",
    "\U000e0041", "\ufffd", "\x07",
)  # fmt: skip
"""Zero-width, bidirectional and combining characters."""

HOSTILE: Final = (
    "", " ", "\n\t\r", "\x00", "\ud83d", "\udc00\ud800", "\u202e\u202d\u2066" * 50,
    "e" + "\u0301" * 5_000, "👨\u200d👩\u200d👧\u200d👦" * 2_000, "🏳\ufe0f\u200d🌈🇫🇷" * 1_000,
    "ﷺ" * 500, "İıſẞﬀŉ" * 300, "a" * 100_000, "((" * 9_999, "@" * 5_000, "#" * 5_000,
    "http://" + "a." * 5_000, "&amp;&lt;&#0;&#x110000;" * 100, "\u0000\uffff\ufffe\U0010ffff",
    "नि" * 3_000, "ก็็็" * 500, "한국어한국어" * 2_000, "<|endoftext|></s><s>[MASK]" * 40,
    '{"id": "1", "text": "x"}', "$T$ $T$", "\u1680\u2028\u2029\u3000" * 200,
    "İstanbul'da Apple çok iyi 😀 " * 50, "ﬁne \U0001d400\U0001d401 ＡＰＰＬＥ Paris " * 50,
)  # fmt: skip
"""Texts written to break parsers."""


def without_accents(text: str, language: str, generator: random.Random) -> str:
    """Latin letters without marks; other scripts, whose marks are vowels, unchanged."""
    return "".join(map(_bare, text))


def _bare(character: str) -> str:
    if character.isascii():
        return character
    parts = unicodedata.normalize("NFD", character)
    return parts[0] if parts[0].isascii() and parts[0].isalpha() else character


def upper(text: str, language: str, generator: random.Random) -> str:
    return text.upper()


def lower(text: str, language: str, generator: random.Random) -> str:
    return text.lower()


def emoji(text: str, language: str, generator: random.Random) -> str:
    """One emoji before the text and two after it."""
    first, *others = generator.choices(EMOJI, k=3)
    return f"{first} {text} {''.join(others)}"


def typos(text: str, language: str, generator: random.Random) -> str:
    """Swaps, drops or doubles a letter in some words."""
    words = text.split(" ")
    places = [n for n, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for place in generator.sample(places, min(len(places), max(1, round(TYPO_SHARE * len(words))))):
        words[place] = _mistyped(words[place], generator)
    return " ".join(words)


def _mistyped(word: str, generator: random.Random) -> str:
    at = generator.randrange(1, len(word) - 1)
    kind = generator.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]


def code_switch(text: str, language: str, generator: random.Random) -> str:
    """Appends a sentence in another language."""
    others = [aside for code, aside in ASIDES.items() if code != language]
    return f"{text} {generator.choice(others)}"


def long(text: str, language: str, generator: random.Random) -> str:
    """Repeats the text up to the length of a long post."""
    return ((text + "\n") * (LONG // (len(text) + 1) + 1))[:LONG]


def hostile(text: str, language: str, generator: random.Random) -> str:
    """Inserts noise between the words, and inside one in ten."""
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 3 and generator.random() < 0.1:
            at = generator.randrange(1, len(word))
            word = word[:at] + generator.choice(NOISE) + word[at:]
        words[place] = word + generator.choice(NOISE) if generator.random() < 0.5 else word
    return " ".join(words)


CHANGES: Final[dict[str, Change]] = {
    "accents stripped": without_accents,
    "upper case": upper,
    "lower case": lower,
    "emoji added": emoji,
    "typos in a tenth of the words": typos,
    "a sentence in another language added": code_switch,
    "repeated to 10,000 characters": long,
    "hostile Unicode between and in words": hostile,
}

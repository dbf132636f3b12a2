"""Fills the slots of a template.

``{b}`` brand, ``{o}`` rival, ``{p}`` place and ``{q}`` another one near the author, ``{v}`` a place
far away; ``{n}`` number, ``{k}`` from 3 to 9, ``{x}`` from 11 to 49 (the same form of the noun in
Arabic), ``{h}`` from 22 to 45; ``{m}`` and ``{m2}`` prices; ``{d}`` hours or minutes, ``{l}`` days
or weeks; ``{t}`` time, ``{s}`` of less than an hour ago, ``{u}`` early, ``{a}`` within office
hours, ``{e}`` of closing, ``{f}`` in the evening; ``{w}`` weekday, ``{i}`` goods, ``{c}`` first
name, ``{y}`` of a woman, ``{z}`` of a man. A slot that occurs twice keeps its value.
"""

import random
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

from ingestors.generator.homes import Home
from ingestors.generator.phrase_book import Words

T = TypeVar("T")
_CHEAP, _DEAR = 3, 87
"""Prices, in euros; what it is in the money of the country is rounded to two digits."""


def pick(rng: random.Random, choices: Sequence[T]) -> T:
    """A uniform choice, several times faster than ``rng.choice``."""
    return choices[int(rng.random() * len(choices))]


def price(rng: random.Random, home: Home) -> str:
    amount = round((_CHEAP + int(rng.random() * (_DEAR - _CHEAP))) * home.scale)
    step = max(1, 10 ** (len(str(amount)) - 2))
    return home.money.format(amount // step * step)


def clock(rng: random.Random, form: str, first: int = 6, hours: int = 17) -> str:
    hour = first + int(rng.random() * hours)
    return form.format(
        hour=hour,
        hour12=(hour - 1) % 12 + 1,
        half="am" if hour < 12 else "pm",
        minute=5 * int(rng.random() * 12),
    )


def minutes_ago(rng: random.Random, form: str, now: datetime, home: Home) -> str:
    """A time of the last hour on the clock of the home, to five minutes."""
    ago = timedelta(hours=home.ahead) - timedelta(minutes=5 + int(rng.random() * 50))
    at = now + ago
    # As many draws as of any other time.
    rng.random()
    return form.format(
        hour=at.hour,
        hour12=(at.hour - 1) % 12 + 1,
        half="am" if at.hour < 12 else "pm",
        minute=at.minute // 5 * 5,
    )


def another(rng: random.Random, choices: Sequence[str], than: str) -> str:
    at = int(rng.random() * len(choices))
    return choices[at] if choices[at] != than else choices[(at + 1) % len(choices)]


@cache
def _spoken(language: str, country: str, words: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)


def local_words(text: str, home: Home, words: Words) -> str:
    """The text as people of the country say it: a line in the US, a queue in Britain."""
    instead = words.countries.get(home.country)
    if not instead:
        return text

    def spoken(match: re.Match[str]) -> str:
        said = instead[match[0].lower()]
        if match[0].isupper() and len(match[0]) > 1:
            return said.upper()
        return said[0].upper() + said[1:] if match[0][0].isupper() else said

    return _spoken(home.language, home.country, tuple(instead)).sub(spoken, text)


def far_away(rng: random.Random, words: Words, home: Home) -> str:
    """A destination that is no town of the home's country."""
    at = int(rng.random() * len(words.destinations))
    near = words.places[home.country]
    further = (*words.destinations[at:], *words.destinations[:at])
    return next((place for place in further if place not in near), further[0])


class Slots(dict[str, str]):
    """Values of the slots, drawn when a template asks for them."""

    def __init__(
        self,
        rng: random.Random,
        words: Words,
        home: Home,
        brand: str = "",
        rival: str = "",
        now: datetime | None = None,
    ) -> None:
        """``now``: when the post is written; without it ``{s}`` is any time of the day."""
        super().__init__(b=brand, o=rival)
        self._rng, self._words, self._home = rng, words, home
        self.now = now

    def __missing__(self, name: str) -> str:
        value = self[name] = _DRAWS[name](self, self._rng, self._words, self._home)
        return value

    def fill(self, template: str) -> str:
        return local_words(template.format_map(self), self._home, self._words)


_Draw = Callable[[Slots, random.Random, Words, Home], str]
_DRAWS: dict[str, _Draw] = {
    "p": lambda _, rng, words, home: pick(rng, words.places[home.country]),
    "q": lambda it, rng, words, home: another(rng, words.places[home.country], it["p"]),
    "v": lambda _, rng, words, home: far_away(rng, words, home),
    "n": lambda _, rng, __, ___: str(2 + int(rng.random() * 48)),
    "k": lambda _, rng, __, ___: str(3 + int(rng.random() * 7)),
    "h": lambda _, rng, __, ___: str(22 + int(rng.random() * 24)),
    "x": lambda _, rng, __, ___: str(11 + int(rng.random() * 39)),
    "m": lambda _, rng, __, home: price(rng, home),
    "m2": lambda _, rng, __, home: price(rng, home),
    "d": lambda _, rng, words, __: pick(rng, words.durations),
    "l": lambda _, rng, words, __: pick(rng, words.spans),
    "t": lambda _, rng, words, __: clock(rng, words.clock),
    "s": lambda it, rng, words, home: (
        clock(rng, words.clock) if it.now is None else minutes_ago(rng, words.clock, it.now, home)
    ),
    "u": lambda _, rng, words, __: clock(rng, words.clock, 6, 2),
    "a": lambda _, rng, words, __: clock(rng, words.clock, 9, 8),
    "f": lambda _, rng, words, __: clock(rng, words.clock, 18, 4),
    "e": lambda _, rng, words, __: clock(rng, words.clock, 16, 4),
    "w": lambda _, rng, words, __: pick(rng, words.weekdays),
    "i": lambda _, rng, words, __: pick(rng, words.items),
    "c": lambda _, rng, words, __: pick(rng, words.women + words.men),
    "y": lambda _, rng, words, __: pick(rng, words.women),
    "z": lambda _, rng, words, __: pick(rng, words.men),
}

"""Fills the slots of a template.

``{b}`` brand, ``{o}`` rival, ``{p}`` place and ``{q}`` another one near the author, ``{v}`` a place
far away, ``{n}`` number, ``{m}`` and ``{m2}`` prices, ``{d}`` hours or minutes, ``{l}`` days or
weeks, ``{t}`` time, ``{e}`` time of closing, ``{w}`` weekday, ``{i}`` goods, ``{c}`` first name. A
slot that occurs twice keeps its value.
"""

import random
from collections.abc import Callable, Sequence
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


def another(rng: random.Random, choices: Sequence[str], than: str) -> str:
    at = int(rng.random() * len(choices))
    return choices[at] if choices[at] != than else choices[(at + 1) % len(choices)]


class Slots(dict[str, str]):
    """Values of the slots, drawn when a template asks for them."""

    def __init__(
        self, rng: random.Random, words: Words, home: Home, brand: str = "", rival: str = ""
    ) -> None:
        super().__init__(b=brand, o=rival)
        self._rng, self._words, self._home = rng, words, home

    def __missing__(self, name: str) -> str:
        value = self[name] = _DRAWS[name](self, self._rng, self._words, self._home)
        return value

    def fill(self, template: str) -> str:
        return template.format_map(self)


_Draw = Callable[[Slots, random.Random, Words, Home], str]
_DRAWS: dict[str, _Draw] = {
    "p": lambda _, rng, words, home: pick(rng, words.places[home.country]),
    "q": lambda it, rng, words, home: another(rng, words.places[home.country], it["p"]),
    "v": lambda _, rng, words, __: pick(rng, words.destinations),
    "n": lambda _, rng, __, ___: str(2 + int(rng.random() * 48)),
    "m": lambda _, rng, __, home: price(rng, home),
    "m2": lambda _, rng, __, home: price(rng, home),
    "d": lambda _, rng, words, __: pick(rng, words.durations),
    "l": lambda _, rng, words, __: pick(rng, words.spans),
    "t": lambda _, rng, words, __: clock(rng, words.clock),
    "e": lambda _, rng, words, __: clock(rng, words.clock, 16, 4),
    "w": lambda _, rng, words, __: pick(rng, words.weekdays),
    "i": lambda _, rng, words, __: pick(rng, words.items),
    "c": lambda _, rng, words, __: pick(rng, words.people),
}

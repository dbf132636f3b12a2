"""Structured fuzz: valid JSON of a source, with hostile values at random places; by a seed."""

import contextlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Json = Any
MAX_TEXT = 120_000
"""Characters of the longest hostile text."""
MAX_BYTES = 950_000
"""Of one input; every source takes a megabyte."""
_LETTERS = (
    *("a", " ", "@", "#", ".", "?! ", "(", "http://", "\u202e", "\u200d", "e\u0301"),
    *("😀", "世", "\ud800", "\x00", "\\", '"', "velmora ", "a.b@c ", "1", "\n", "🏳️‍🌈", "RT @a: "),
)


def _text(dice: random.Random) -> str:
    length = int(10 ** dice.uniform(0, 5.08))
    letters = dice.sample(_LETTERS, dice.choice((1, 1, 2, 3)))
    text = "".join(letters)
    return (text * (length // len(text) + 1))[: min(length, MAX_TEXT)]


def _deep(dice: random.Random) -> Json:
    value: Json = 1
    for _ in range(dice.choice((50, 200, 400))):
        value = [value] if dice.random() < 0.5 else {"record": value}
    return value


def _many(dice: random.Random, like: Json) -> Json:
    """A list of copies, of at most ``MAX_BYTES`` together."""
    most = MAX_BYTES // 2 // (len(json.dumps(like)) + 2)
    return [like] * min(most, int(10 ** dice.uniform(1, 4.3)))


HOSTILE: tuple[Callable[[random.Random, Json], Json], ...] = (
    lambda dice, old: None,
    lambda dice, old: dice.choice((True, False, 0, -1, 2**31, 2**53 + 1, 2**63, 2**64, 10**400)),
    lambda dice, old: dice.choice((1e308, -1e308, 1e-308, float("nan"), float("inf"), 0.5)),
    lambda dice, old: dice.choice(("", " ", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60+14:00")),
    lambda dice, old: dice.choice(("2026-02-30", "1e9", "-1", "null", "🙂" * 300, "did:plc:a")),
    lambda dice, old: _text(dice),
    lambda dice, old: _deep(dice),
    lambda dice, old: _many(dice, old),
    lambda dice, old: {f"key{n}": v for n, v in enumerate(_many(dice, old))},
    lambda dice, old: [old],
    lambda dice, old: {"text": old},
)


def places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values within."""
    yield path
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(one, (*path, key))


def changed(dice: random.Random, template: Json) -> Json:
    """A copy with one to four hostile values."""
    value = json.loads(json.dumps(template))
    inner = list(places(template))[1:]
    paths = dice.sample(inner, min(len(inner), dice.choice((1, 1, 2, 4))))
    # The deepest first, so that a parent that is replaced takes its changed children along.
    for *parents, last in sorted(paths, key=len, reverse=True):
        holder = value
        with contextlib.suppress(IndexError, KeyError):  # a sibling was taken out
            for key in parents:
                holder = holder[key]
            old = holder.pop(last)
            if dice.random() < 0.9 and isinstance(holder, dict):
                holder[last] = dice.choice(HOSTILE)(dice, old)
            elif isinstance(holder, list):
                holder.insert(last, dice.choice(HOSTILE)(dice, old))
    return value


def inputs(seed: int, templates: Sequence[Json], count: int) -> Iterator[bytes]:
    """So many inputs: mostly JSON with hostile values, sometimes bytes that are cut or flipped."""
    dice = random.Random(seed)
    for _ in range(count):
        data = b"-" * (MAX_BYTES + 1)
        while len(data) > MAX_BYTES:
            data = json.dumps(changed(dice, dice.choice(templates))).encode("utf-8", "replace")
        if dice.random() < 0.1:
            place = dice.randrange(len(data))
            data = data[:place] + dice.randbytes(dice.choice((0, 1, 40))) + data[place + 1 :]
        yield data.replace(b"\n", b" ")

"""Invents everyday sentences in languages that have few labelled posts: Galician and Basque.

    python -m training.invented_sentences gl --count 40

The files of ``training/sentences`` are grammars, one a language. A text names lists (``<place>``)
and alternatives (``[a|b]``), from which one is drawn. Some sentences lose their accents, are
shortened or stretched, as people post. Pure, but for the reading of the files; a seed gives the
same sentences.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import yaml

FOLDER: Final = Path(__file__).with_name("sentences")
LANGUAGES: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))

DEPTH: Final = 2
"""A list may name lists, which name none."""
PLAIN: Final = 0.35
"""Share of sentences without accents."""
SHORT: Final = 0.25
"""Share of sentences in which words are shortened."""
STRETCHED: Final = 0.1
"""Share of sentences in which one vowel may be drawn out."""

_WITHOUT_ACCENTS: Final = str.maketrans("áéíóúü", "aeiouu")
_LIST = re.compile(r"<(\w+)>")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


class _Grammar(NamedTuple):
    words: Mapping[str, Sequence[str]]
    texts: Sequence[str]
    short: Mapping[str, str]
    """Words and how they are shortened."""


@cache
def _grammar(language: str) -> _Grammar:
    return _Grammar(**yaml.safe_load((FOLDER / f"{language}.yaml").read_text("utf-8")))


def sentences(language: str, count: int, seed: int = 0) -> list[str]:
    """Sentences of one of `LANGUAGES`, in lower case; some come twice."""
    pick, grammar = random.Random(f"{language} {seed}"), _grammar(language)
    return [_draw(pick, grammar) for _ in range(count)]


def _draw(pick: random.Random, grammar: _Grammar) -> str:
    text = _CHOICE.sub(lambda match: pick.choice(match[1].split("|")), pick.choice(grammar.texts))
    for _ in range(DEPTH):
        text = _LIST.sub(lambda match: pick.choice(grammar.words[match[1]]), text)
    words = text.split()
    if pick.random() < SHORT:
        words = [grammar.short.get(word, word) for word in words]
    text = " ".join(words)
    if pick.random() < PLAIN:
        text = text.translate(_WITHOUT_ACCENTS)
    at = pick.randrange(len(text))
    if text[at] in "aeiou" and pick.random() < STRETCHED:
        text = text[:at] + text[at] * pick.randint(2, 6) + text[at:]
    return text


def main() -> None:
    """Print some sentences of a language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=LANGUAGES)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("\n".join(sentences(options.language, options.count, options.seed)))


if __name__ == "__main__":
    main()

"""Invents posts to and about brands, with their answers: what labelled tweets hardly hold.

    python -m training.invented_posts fr --posts 40

The files of ``training/invented`` are grammars, one a language: polite complaints, irony beside
sincere thanks, comparisons, farewells, litotes, reported speech, help in need, accidents, joy. A
text names lists (``<fault>``) and alternatives (``[a|b]``), from which one is drawn, and slots:
``{X}`` a brand, ``{A}`` the brand that wins, ``{B}`` the one that loses, ``{P}`` a place, ``{N}`` a
person. Names are swapped at every draw, so that none of them becomes an opinion. Pure, but for the
reading of the files; a seed gives the same posts.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from processors.enrichment.gazetteer import BUILT_IN as GAZETTEER

FOLDER: Final = Path(__file__).with_name("invented")
LANGUAGES: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
WEIGHTS: Final[Mapping[str, int]] = {
    "irony": 4, "thanks": 2, "comparison": 2, "reported": 2, "help": 2, "accident": 2,
}  # fmt: skip
"""How often a kind comes, where it is hard to learn; ironic thanks beside sincere ones."""
BUT: Final[Mapping[str, str]] = {
    "ar": "لكن", "de": "aber", "en": "but", "es": "pero", "fr": "mais", "hi": "लेकिन",
    "it": "ma", "pt": "mas",
}  # fmt: skip
MAX_DEPTH: Final = 4
"""Lists within lists."""

IN_LATIN: Final = "_hg"
"""Suffix of the lists of Hinglish."""
MAX_WORDS: Final = 2
"""Words of a brand: longer names are those of institutions."""

_ENDS: Final = ".!?…।؟"
_LIST = re.compile(r"<(\w+)>")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"([@#]?)\{([A-Z])\}")
_SPACES = re.compile(r" {2,}")
_BEFORE_SIGN = re.compile(r" +([,.;!؟،](?:\s|$))")
_DOUBLE_SIGN = re.compile(r"[,;:،]+ *([.!?؟।])")
_SENTENCE = re.compile(r"(^|[.!?]\s+)([a-zà-ÿ])")
_SYLLABLES: Final[Mapping[str, tuple[str, str]]] = {
    "latin": (
        "bra ca da del fa flo ga gri ha jo ka kel la lu ma mon na nor o pa pri qua ra ri sa so "
        "ta tel u va vi wen xa yo za",
        "bo ca do fex ga go ka kia la len lis lo lux ma max mia mo na net nex nia no pay pia po ra "
        "ria ro sa sta ta tech tel tix to via xo ya zo zen",
    ),
    "ar": (
        "با تا دا دل را رو سا سو فا في كا لو ما مو نا نو هو وا زا جا",
        "بو تل دو را رين سا سكو فو كس كو لا لين ما مي نا نت نيا يا زو بي",
    ),
    "hi": (
        "बा टे डा डे फा गो जो का कि ला मा मो ना नो पा रा री सा टा वे",
        "बो टल डो फी गा का को ला लो मा मी ना नेट पे रा रो सा टा टेक वा",
    ),
}
"""Beginnings and ends of invented names, by script."""


@dataclass(frozen=True, slots=True)
class InventedPost:
    """A text and its answers; spans are code points of the text."""

    text: str
    language: str
    kind: str
    tone: str
    towards: list[tuple[int, int, str]]
    """Of each place where a brand is named: start, end, sentiment."""
    names: list[tuple[int, int, str]]
    """Start, end, and ORG, LOC or PERSON."""
    irony: bool = False
    emotion: str | None = None


@dataclass(frozen=True, slots=True)
class _Template:
    kind: str
    tone: str
    towards: Mapping[str, str]
    text: str
    irony: bool
    emotion: str | None


@dataclass(slots=True)
class _Grammar:
    words: Mapping[str, Sequence[str]]
    kinds: dict[str, list[_Template]] = field(default_factory=dict)


@cache
def _grammar(language: str) -> _Grammar:
    read: dict[str, Any] = yaml.safe_load((FOLDER / f"{language}.yaml").read_text("utf-8"))
    grammar = _Grammar({name: [str(one) for one in words] for name, words in read["words"].items()})
    for post in read["posts"]:
        for text in post["texts"]:
            one = _Template(
                post["kind"], post["tone"], post.get("towards", {}), text,
                bool(post.get("irony")), post.get("emotion"),
            )  # fmt: skip
            grammar.kinds.setdefault(f"{one.kind} {one.tone}", []).append(one)
    return grammar


@cache
def _known_brands() -> tuple[str, ...]:
    listed = yaml.safe_load(GAZETTEER.read_text("utf-8"))
    names = (one["name"] for label in ("ORG", "PRODUCT") for one in listed.get(label, ()))
    return tuple(name for name in names if name.count(" ") < MAX_WORDS)


def invent(language: str, count: int, seed: int = 0) -> list[InventedPost]:
    """Posts of a language: kinds in turn, by their weights, and their texts by chance."""
    pick, grammar = random.Random(f"{language} {seed}"), _grammar(language)
    kinds = [one for one in grammar.kinds.values() for _ in range(WEIGHTS.get(one[0].kind, 1))]
    return [
        _draw(pick, language, grammar, pick.choice(kinds[at % len(kinds)])) for at in range(count)
    ]


def mixed(language: str, count: int, seed: int = 0) -> list[InventedPost]:
    """Posts of two sentences, one of praise and one of blame, in either order, about two brands.

    Their tone is "mixed": they teach the sentiment towards each brand only.
    """
    pick = random.Random(f"mixed {language} {seed}")
    posts = invent(language, 12 * count, seed + 1)
    good = [post for post in posts if post.tone == "positive" and len(post.towards) == 1]
    bad = [post for post in posts if post.tone == "negative" and len(post.towards) == 1]
    pairs = (pick.choice((good, bad)) for _ in range(count))
    joints = ("", "", BUT.get(language, ""))
    return [
        _joined(
            pick.choice(first), pick.choice(bad if first is good else good), pick.choice(joints)
        )
        for first in pairs
    ]


def _joined(one: InventedPost, other: InventedPost, joint: str) -> InventedPost:
    begin = one.text if one.text[-1] in _ENDS else one.text + "."
    if joint:
        begin = f"{one.text.rstrip(_ENDS)}, {joint}"
    moved = len(begin) + 1

    def later(spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
        return [(start + moved, end + moved, label) for start, end, label in spans]

    return InventedPost(
        f"{begin} {other.text}", one.language, "mixed", "mixed",
        one.towards + later(other.towards), one.names + later(other.names),
    )  # fmt: skip


def _draw(
    pick: random.Random, language: str, grammar: _Grammar, template: _Template
) -> InventedPost:
    text = _expanded(pick, template.text, grammar.words)
    text = _BEFORE_SIGN.sub(r"\1", _SPACES.sub(" ", text)).strip()
    text = _DOUBLE_SIGN.sub(r"\1", text).rstrip(",;:، ")
    small = pick.random() < 0.2
    if small:
        text = "".join(part if part.startswith("{") else part.lower() for part in _parts(text))
    elif pick.random() < 0.7:
        text = _SENTENCE.sub(lambda match: match[1] + match[2].upper(), text)
    if pick.random() < 0.3:
        text = text.rstrip(". ")
    return _filled(pick, language, grammar, template, text, small)


def _parts(text: str) -> list[str]:
    return re.split(r"(\{[A-Z]\})", text)


def _expanded(pick: random.Random, text: str, words: Mapping[str, Sequence[str]]) -> str:
    for _ in range(MAX_DEPTH):
        text = _LIST.sub(lambda match: pick.choice(words[match[1]]), text)
        text = _CHOICE.sub(lambda match: pick.choice(match[1].split("|")), text)
        if "<" not in text and "[" not in text:
            break
    return text


def _filled(
    pick: random.Random,
    language: str,
    grammar: _Grammar,
    template: _Template,
    text: str,
    small: bool,
) -> InventedPost:
    chosen: dict[str, str] = {}
    # A post in Latin letters (Hinglish) has its names in them, too.
    script = language if language in _SYLLABLES and not text.isascii() else "latin"
    looks = {slot: pick.random() for slot in "XAB"}
    parts, length, done = [], 0, 0
    towards: list[tuple[int, int, str]] = []
    names: list[tuple[int, int, str]] = []
    for match in _SLOT.finditer(text):
        before, sign, slot = text[done : match.start()], match[1], match[2]
        done = match.end()
        if slot not in chosen:
            chosen[slot] = _name(pick, script, grammar, slot, set(chosen.values()))
        name = chosen[slot]
        if slot in looks:
            name, sign = _dressed(pick, name, sign, looks[slot])
        if small and pick.random() < 0.5:
            name = name.lower()
        parts += [before, sign, name]
        start = length + len(before)
        length = start + len(sign) + len(name)
        label = {"P": "LOC", "N": "PERSON"}.get(slot, "ORG")
        if sign != "@":
            names.append((start, length, label))
        if slot in template.towards:
            towards.append((start, length, template.towards[slot]))
    parts.append(text[done:])
    return InventedPost(
        "".join(parts), language, template.kind, template.tone, towards, names,
        template.irony, template.emotion,
    )  # fmt: skip


def _dressed(pick: random.Random, name: str, sign: str, look: float) -> tuple[str, str]:
    """A brand as people write it: mostly as it is, else as a handle, a hashtag, in one case."""
    whole = name.replace(" ", "").replace("-", "").replace("'", "")
    if sign == "@" or (look < 0.12 and whole.isascii() and whole.isalnum()):
        return (whole, "@") if whole.isascii() and whole.isalnum() else (name, "")
    if sign == "#" or look < 0.2:
        return whole, "#"
    if look < 0.3:
        return name.lower(), ""
    return (name.upper(), "") if look < 0.34 else (name, "")


def _name(pick: random.Random, script: str, grammar: _Grammar, slot: str, taken: set[str]) -> str:
    if slot in "PN":
        listed = "place" if slot == "P" else "person"
        in_latin = grammar.words.get(f"{listed}{IN_LATIN}") if script == "latin" else None
        return pick.choice(in_latin or grammar.words[listed])
    if script != "latin" and pick.random() < 0.2:
        script = "latin"
    for _ in range(20):
        own = grammar.words.get("brand", ()) if script != "latin" else _known_brands()
        if own and pick.random() < 0.45:
            name = pick.choice(own)
        else:
            begins, ends = map(str.split, _SYLLABLES[script])
            middle = pick.choice(begins) if pick.random() < 0.4 else ""
            name = (pick.choice(begins) + middle + pick.choice(ends)).capitalize()
        if name not in taken:
            break
    return name


def main() -> None:
    """Print some posts of a language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=LANGUAGES)
    parser.add_argument("--posts", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for post in invent(options.language, options.posts, options.seed):
        towards = {post.text[start:end]: label for start, end, label in post.towards}
        names = {post.text[start:end]: label for start, end, label in post.names}
        print(f"{post.kind:16} {post.tone:8} {post.text}  {towards} {names}")


if __name__ == "__main__":
    main()

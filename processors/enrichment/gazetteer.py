"""Well-known names: brings the ways to write a name to one, and finds those that cannot be missed.

``SNCF``, ``@SNCF`` and ``la Société nationale des chemins de fer`` are one organisation. The list
is a YAML file that people edit (``gazetteer.yaml`` beside this module says what an entry holds);
a second file adds to it, and wins where both know a name.

Names are compared as folded tokens without a leading article, so case and accents do not matter.
What the recogniser found is linked if the labels agree. On its own the gazetteer finds known
handles, names of two words or more, hashtags of them, and single words that an entry is sure of.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from runtime.files import read_yaml
from schemas.errors import ConfigurationError
from schemas.mention import Entity
from schemas.types import EntityLabel
from text.tokens import folded_tokens, tokenize

BUILT_IN: Final = Path(__file__).with_suffix(".yaml")

_ARTICLES = "the la le les l un une el los las il lo gli i o os as der die das den de het"
ARTICLES: Final = frozenset(_ARTICLES.split(" "))
"""Words that may stand before a name and are no part of it."""

_BREAK = re.compile(r"[\n\r,;:!?()]|\.\s")

_AGREE: Final[dict[EntityLabel, frozenset[str]]] = {
    "PERSON": frozenset({"PERSON"}),
    "ORG": frozenset({"ORG", "PRODUCT"}),
    "LOC": frozenset({"LOC"}),
    "PRODUCT": frozenset({"PRODUCT", "ORG"}),
    "EVENT": frozenset({"EVENT"}),
}
"""Which labels of the recogniser an entry takes: it confuses makers and what they make."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    id: str | None = None
    aliases: list[str] = []
    handles: list[str] = []
    sure: bool = False
    link: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    PERSON: list[_Entry] = []
    ORG: list[_Entry] = []
    LOC: list[_Entry] = []
    PRODUCT: list[_Entry] = []
    EVENT: list[_Entry] = []


class KnownName(NamedTuple):
    """An entry as the annotator uses it."""

    name: str
    id: str | None
    label: EntityLabel
    sure: bool


class _Found(NamedTuple):
    start: int
    end: int
    words: int
    known: KnownName


class Gazetteer:
    """Links and finds names. Immutable once built; total: any text gives a result."""

    def __init__(self, extra: Path | None = None) -> None:
        """`extra`: a file of one's own, of the same form; its entries come before ours."""
        self._names: dict[tuple[str, ...], list[KnownName]] = defaultdict(list)
        self._handles: dict[str, KnownName] = {}
        self._squeezed: dict[str, KnownName] = {}
        self._alone: dict[str, list[tuple[tuple[str, ...], KnownName]]] = defaultdict(list)
        for path in ([] if extra is None else [extra]) + [BUILT_IN]:
            content = _read(path)
            for label in _AGREE:
                for entry in getattr(content, label):
                    self._add(entry, label, path)
        for candidates in self._alone.values():
            candidates.sort(key=lambda candidate: -len(candidate[0]))

    def link(self, text: str, label: str) -> KnownName | None:
        """The entry that an entity of this text and label is of."""
        key = _key(text)
        candidates = self._names.get(key)
        if candidates is None and len(key) > 1 and key[-1] == "s":  # "Macron's"
            candidates = self._names.get(key[:-1])
        if candidates is None and len(key) == 1 and key[0][:1] in ("#", "@", "＃", "＠"):
            bare = key[0][1:]
            known = self._handles.get(bare) if key[0][0] in "@＠" else self._squeezed.get(bare)
            candidates = self._names.get((bare,)) if known is None else [known]
        # An entry of the very label goes first: "Liverpool" is a club and a city.
        for known in sorted(candidates or [], key=lambda known: known.label != label):
            if known.sure or label in _AGREE[known.label]:
                return known
        return None

    def apply(
        self, text: str, spans: Sequence[tuple[int, int, str]], limit: int = 40_000
    ) -> list[Entity]:
        """The entities of a text: what the recogniser found (without overlaps), linked, and what
        it missed in the first `limit` code points. A known name that holds several of its spans
        takes their place."""
        found = self._search(text[:limit])
        entities = []
        for start, end, label in spans:
            if not any(_replaces(other, start, end) for other in found):
                known = self.link(text[start:end], label)
                entities.append(_entity(text, start, end, label, known))
        for other in found:
            if not any(e.start < other.end and other.start < e.end for e in entities):
                entities.append(
                    _entity(text, other.start, other.end, other.known.label, other.known)
                )
        entities.sort(key=lambda entity: entity.start)
        return entities

    def _search(self, text: str) -> list[_Found]:
        tokens = tokenize(text)
        folded, found, place = tokens.folded, [], 0
        alone = self._alone
        while place < len(folded):
            token, length = folded[place], 1
            known: KnownName | None = None
            if token in alone:
                for key, candidate in alone[token]:
                    if tuple(folded[place : place + len(key)]) == key and _close(
                        text, tokens.starts, tokens.ends, place, len(key)
                    ):
                        known, length = candidate, len(key)
                        break
            elif token[0] == "@":
                known = self._handles.get(token[1:])
            elif token[0] == "#":
                known = self._squeezed.get(token[1:])
            if known is not None:
                end = tokens.ends[place + length - 1]
                found.append(_Found(tokens.starts[place], end, length, known))
            place += length
        return found

    def _add(self, entry: _Entry, label: EntityLabel, path: Path) -> None:
        known = KnownName(entry.name, entry.id, label, entry.sure)
        for word in [entry.name, *entry.aliases]:
            key = _key(word)
            if not key:
                raise ConfigurationError(f"{path}: {entry.name!r} has a name without a word")
            self._names[key].append(known)
            if entry.link:
                continue
            long = len(key) > 1 and sum(map(len, key)) > 4
            if long or entry.sure:
                self._alone[key[0]].append((key, known))
                self._squeezed.setdefault("".join(key), known)
            whole = folded_tokens(word)
            if long or len(whole) > len(key):  # "#LaPoste" is plain where "poste" is not
                self._squeezed.setdefault("".join(whole), known)
        for handle in entry.handles:
            folded = folded_tokens("@" + handle.lstrip("@"))
            if len(folded) != 1:
                raise ConfigurationError(f"{path}: {handle!r} of {entry.name!r} is no handle")
            self._handles.setdefault(folded[0][1:], known)


@cache
def built_in() -> Gazetteer:
    """The gazetteer that comes with the package, read once."""
    return Gazetteer()


def _key(text: str) -> tuple[str, ...]:
    """Folded tokens without a leading article, unless nothing were left."""
    tokens = folded_tokens(text)
    if len(tokens) > 1 and tokens[0] in ARTICLES:
        tokens = tokens[1:]
    return tuple(tokens)


def _close(text: str, starts: Sequence[int], ends: Sequence[int], place: int, length: int) -> bool:
    """Whether the tokens stand together: at most a few signs apart, and no line or sentence."""
    gaps: Iterable[str] = (
        text[ends[index] : starts[index + 1]] for index in range(place, place + length - 1)
    )
    return all(len(gap) <= 3 and _BREAK.search(gap) is None for gap in gaps)


def _replaces(other: _Found, start: int, end: int) -> bool:
    """Whether a known name is more than what the recogniser found, or says it better: one of
    three words or more is no accident, and whatever overlaps it was cut wrongly."""
    if other.words > 2:
        return other.start < end and start < other.end
    if not (other.start <= start and end <= other.end):
        return False
    return (other.start, other.end) != (start, end) or other.known.sure


def _entity(text: str, start: int, end: int, label: str, known: KnownName | None) -> Entity:
    chosen = known.label if known is not None and known.sure else label
    return Entity(
        text=text[start:end],
        label=msgspec.convert(chosen, EntityLabel),
        start=start,
        end=end,
        name=None if known is None else known.name,
        id=None if known is None else known.id,
    )


def _read(path: Path) -> _File:
    return read_yaml(path, _File, "it must hold lists under PERSON, ORG, LOC, PRODUCT or EVENT")

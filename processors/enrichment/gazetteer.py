"""Well-known names: brings the ways to write a name to one, and finds those that cannot be missed.

``SNCF``, ``@SNCF`` and ``la Société nationale des chemins de fer`` are one organisation. The list
is a YAML file that people edit (``gazetteer.yaml`` beside this module says what an entry holds);
a second file adds to it, and wins where both know a name.

Names are compared as folded tokens without a leading article, so case and accents do not matter.
What the recogniser found is linked if the labels agree. On its own the gazetteer finds known
handles, names of two words or more, hashtags of them, and single words that an entry is sure of.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, cast

import msgspec

from runtime.files import read_yaml
from schemas.errors import ConfigurationError
from schemas.mention import Entity
from schemas.types import EntityLabel
from text.tokens import Tokens, folded_tokens, tokenize

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


class _FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    id: str | None = None
    aliases: list[str] = []
    handles: list[str] = []
    sure: bool = False
    link: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    PERSON: list[_FileEntry] = []
    ORG: list[_FileEntry] = []
    LOC: list[_FileEntry] = []
    PRODUCT: list[_FileEntry] = []
    EVENT: list[_FileEntry] = []


class GazetteerEntry(NamedTuple):
    """An entry as the annotator uses it."""

    name: str
    id: str | None
    label: EntityLabel
    sure: bool


class _Occurrence(NamedTuple):
    """Where a text names an entry, and in how many words."""

    start: int
    end: int
    words: int
    entry: GazetteerEntry


class Gazetteer:
    """Links and finds names. Immutable once built; total: any text gives a result."""

    def __init__(self, extra: Path | None = None) -> None:
        """`extra`: a file of one's own, of the same form; its entries come before ours."""
        self._names: dict[tuple[str, ...], list[GazetteerEntry]] = defaultdict(list)
        self._handles: dict[str, GazetteerEntry] = {}
        self._squeezed: dict[str, GazetteerEntry] = {}
        self._alone: dict[str, list[tuple[tuple[str, ...], GazetteerEntry]]] = defaultdict(list)
        for path in ([] if extra is None else [extra]) + [BUILT_IN]:
            content = _read(path)
            for label in _AGREE:
                for entry in getattr(content, label):
                    self._add(entry, label, path)
        for candidates in self._alone.values():
            candidates.sort(key=lambda candidate: -len(candidate[0]))

    def link(self, text: str, label: str) -> GazetteerEntry | None:
        """The entry that an entity of this text and label is of."""
        key = _key(text)
        entries = self._names.get(key)
        if entries is None and len(key) > 1 and key[-1] == "s":  # "Macron's"
            entries = self._names.get(key[:-1])
        if entries is None and len(key) == 1 and key[0][:1] in ("#", "@"):
            name = key[0][1:]
            entry = (self._handles if key[0][0] == "@" else self._squeezed).get(name)
            entries = self._names.get((name,)) if entry is None else [entry]
        # An entry of the very label goes first: "Liverpool" is a club and a city.
        for entry in sorted(entries or [], key=lambda entry: entry.label != label):
            if entry.sure or label in _AGREE[entry.label]:
                return entry
        return None

    def apply(
        self, text: str, spans: Sequence[tuple[int, int, str]], limit: int = 40_000
    ) -> list[Entity]:
        """The entities of a text: what the recogniser found (without overlaps), linked, and what
        it missed in the first `limit` code points. A known name that holds several of its spans
        takes their place."""
        named = self._search(text[:limit])
        entities = [
            _entity(text, start, end, label, self.link(text[start:end], label))
            for start, end, label in spans
            if not any(_replaces(other, start, end) for other in named)
        ]
        for start, end, _, entry in named:
            if not any(e.start < end and start < e.end for e in entities):
                entities.append(_entity(text, start, end, entry.label, entry))
        return sorted(entities, key=lambda entity: entity.start)

    def _search(self, text: str) -> list[_Occurrence]:
        tokens = tokenize(text)
        folded, first = tokens.folded, 0
        named: list[_Occurrence] = []
        while first < len(folded):
            token, words = folded[first], 1
            entry: GazetteerEntry | None = None
            if token in self._alone:
                for key, candidate in self._alone[token]:
                    if tuple(folded[first : first + len(key)]) == key and _close(
                        text, tokens, first, len(key)
                    ):
                        entry, words = candidate, len(key)
                        break
            elif token[0] == "@":
                entry = self._handles.get(token[1:])
            elif token[0] == "#":
                entry = self._squeezed.get(token[1:])
            if entry is not None:
                end = tokens.ends[first + words - 1]
                named.append(_Occurrence(tokens.starts[first], end, words, entry))
            first += words
        return named

    def _add(self, written: _FileEntry, label: EntityLabel, path: Path) -> None:
        entry = GazetteerEntry(written.name, written.id, label, written.sure)
        for word in [written.name, *written.aliases]:
            key = _key(word)
            if not key:
                raise ConfigurationError(f"{path}: {written.name!r} has a name without a word")
            self._names[key].append(entry)
            if written.link:
                continue
            long = len(key) > 1 and sum(map(len, key)) > 4
            if long or written.sure:
                self._alone[key[0]].append((key, entry))
                self._squeezed.setdefault("".join(key), entry)
            whole = folded_tokens(word)
            if long or len(whole) > len(key):  # "#LaPoste" is plain where "poste" is not
                self._squeezed.setdefault("".join(whole), entry)
        for handle in written.handles:
            folded = folded_tokens("@" + handle.lstrip("@"))
            if len(folded) != 1:
                raise ConfigurationError(f"{path}: {handle!r} of {written.name!r} is no handle")
            self._handles.setdefault(folded[0][1:], entry)


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


def _close(text: str, tokens: Tokens, first: int, length: int) -> bool:
    """Whether the tokens stand together: at most a few signs apart, and no line or sentence."""
    gaps = (
        text[tokens.ends[index] : tokens.starts[index + 1]]
        for index in range(first, first + length - 1)
    )
    return all(len(gap) <= 3 and _BREAK.search(gap) is None for gap in gaps)


def _replaces(other: _Occurrence, start: int, end: int) -> bool:
    """Whether a known name is more than what the recogniser found, or says it better: one of
    three words or more is no accident, and whatever overlaps it was cut wrongly."""
    if other.words > 2:
        return other.start < end and start < other.end
    if not (other.start <= start and end <= other.end):
        return False
    return (other.start, other.end) != (start, end) or other.entry.sure


def _entity(text: str, start: int, end: int, label: str, entry: GazetteerEntry | None) -> Entity:
    return Entity(
        text=text[start:end],
        label=entry.label if entry and entry.sure else cast(EntityLabel, label),
        start=start,
        end=end,
        name=entry and entry.name,
        id=entry and entry.id,
    )


def _read(path: Path) -> _File:
    return read_yaml(path, _File, "it must hold lists under PERSON, ORG, LOC, PRODUCT or EVENT")

"""Gazetteer: links variants of a well-known name to one entry, and finds unambiguous names.

``SNCF``, ``@SNCF`` and ``la Société nationale des chemins de fer`` are one organisation; see
``gazetteer.yaml`` for the format. Names are compared as folded tokens without a leading article.
A recognised entity is linked if the labels agree. Without a recogniser, only handles, names of
two words or more, their hashtags and single words marked ``sure`` are found.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from runtime.configuration.files import read_yaml
from schemas.errors import ConfigurationError
from schemas.mention import Entity
from schemas.types import EntityLabel
from text.tokens import Tokens, folded_tokens, tokenize

BUILT_IN: Final = Path(__file__).with_suffix(".yaml")
_FORMAT: Final = "it must hold lists under PERSON, ORG, LOC, PRODUCT or EVENT"

_ARTICLES = "the la le les l un une el los las il lo gli i o os as der die das den de het"
ARTICLES: Final = frozenset(_ARTICLES.split(" "))
"""Words before a name that are not part of it."""

_BREAK = re.compile(r"[\n\r,;:!?()]|\.\s")

_AGREE: Final[dict[EntityLabel, frozenset[str]]] = {
    "PERSON": frozenset({"PERSON"}),
    "ORG": frozenset({"ORG", "PRODUCT"}),
    "LOC": frozenset({"LOC"}),
    "PRODUCT": frozenset({"PRODUCT", "ORG"}),
    "EVENT": frozenset({"EVENT"}),
}
"""Labels of the recogniser that an entry accepts: it confuses makers with their products."""


MAX_ENTITIES: Final = 100
"""Entities kept of a post, the first ones."""


class _FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    id: str | None = None
    aliases: list[str] = []
    handles: list[str] = []
    sure: bool = False
    link: bool = False


class GazetteerEntry(NamedTuple):
    name: str
    id: str | None
    label: EntityLabel
    sure: bool


class _Occurrence(NamedTuple):
    start: int
    end: int
    words: int
    entry: GazetteerEntry


T = TypeVar("T", bound=Sequence[Any])


class _Sorted(Generic[T]):
    """Spans in their order, without overlaps, each with its start and end first."""

    def __init__(self, spans: Sequence[T]) -> None:
        self._spans = spans
        self._starts = [span[0] for span in spans]
        self._ends = [span[1] for span in spans]

    def overlapping(self, start: int, end: int) -> Sequence[T]:
        return self._spans[bisect_right(self._ends, start) : bisect_left(self._starts, end)]


class Gazetteer:
    """Links and finds names. Immutable once built; never raises for a text."""

    def __init__(self, extra: Path | None = None) -> None:
        """`extra`: another file of the same format; its entries win over the built-in ones."""
        self._names: dict[tuple[str, ...], list[GazetteerEntry]] = defaultdict(list)
        self._handles: dict[str, GazetteerEntry] = {}
        self._squeezed: dict[str, GazetteerEntry] = {}
        self._alone: dict[str, list[tuple[tuple[str, ...], GazetteerEntry]]] = defaultdict(list)
        for path in ([] if extra is None else [extra]) + [BUILT_IN]:
            entries = read_yaml(path, dict[EntityLabel, list[_FileEntry]], _FORMAT)
            for label in _AGREE:
                for entry in entries.get(label, ()):
                    self._add(entry, label, path)
        for candidates in self._alone.values():
            candidates.sort(key=lambda candidate: -len(candidate[0]))

    def link(self, text: str, label: str) -> GazetteerEntry | None:
        """The entry of an entity with this text and label."""
        key = _key(text)
        entries = self._names.get(key)
        if entries is None and len(key) > 1 and key[-1] == "s":  # "Macron's"
            entries = self._names.get(key[:-1])
        if entries is None and len(key) == 1 and key[0][:1] in ("#", "@"):
            name = key[0][1:]
            entry = (self._handles if key[0][0] == "@" else self._squeezed).get(name)
            entries = self._names.get((name,)) if entry is None else [entry]
        # Exact labels go first: "Liverpool" is a club and a city.
        for entry in sorted(entries or [], key=lambda entry: entry.label != label):
            if entry.sure or label in _AGREE[entry.label]:
                return entry
        return None

    def apply(
        self,
        text: str,
        spans: Sequence[tuple[int, int, str]],
        limit: int = 40_000,
        tokens: Tokens | None = None,
    ) -> list[Entity]:
        """Links the recogniser's spans, and adds names that it missed in the first `limit` code
        points; the first `MAX_ENTITIES` of all. The spans must not overlap; a known name replaces
        the spans inside it. ``tokens``: those of these code points, if they are known."""
        occurrences = self._search(text[:limit], tokens)
        among = _Sorted(occurrences)
        kept = [
            (start, end, label)
            for start, end, label in sorted(spans)
            if not any(_replaces(name, start, end) for name in among.overlapping(start, end))
        ]
        recognised = _Sorted(kept)
        added = [
            (name.start, name.end, name.entry)
            for name in occurrences
            if not recognised.overlapping(name.start, name.end)
        ]
        entities = [
            *((start, end, label, None) for start, end, label in kept[:MAX_ENTITIES]),
            *((start, end, entry.label, entry) for start, end, entry in added[:MAX_ENTITIES]),
        ]
        entities.sort(key=lambda entity: entity[0])
        return [
            _entity(text, start, end, label, entry or self.link(text[start:end], label))
            for start, end, label, entry in entities[:MAX_ENTITIES]
        ]

    def _search(self, text: str, known: Tokens | None) -> list[_Occurrence]:
        tokens = tokenize(text) if known is None else known
        folded, alone, free = tokens.folded, self._alone, 0
        occurrences: list[_Occurrence] = []
        for first, token in enumerate(folded):
            # Few tokens pass: a text may have ten thousand.
            if (token not in alone and token[0] not in "@#") or first < free:
                continue
            words = 1
            entry: GazetteerEntry | None = None
            if token in alone:
                for key, candidate in alone[token]:
                    if tuple(folded[first : first + len(key)]) == key and _close(
                        text, tokens, first, len(key)
                    ):
                        entry, words = candidate, len(key)
                        break
            elif token[0] == "@":
                entry = self._handles.get(token[1:])
            else:
                entry = self._squeezed.get(token[1:])
            if entry is not None:
                free = first + words
                start, end = tokens.starts[first], tokens.ends[free - 1]
                occurrences.append(_Occurrence(start, end, words, entry))
        return occurrences

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
            if long or len(whole) > len(key):  # "#LaPoste" is unambiguous, "poste" is not
                self._squeezed.setdefault("".join(whole), entry)
        for handle in written.handles:
            folded = folded_tokens("@" + handle.lstrip("@"))
            if len(folded) != 1:
                raise ConfigurationError(f"{path}: {handle!r} of {written.name!r} is not a handle")
            self._handles.setdefault(folded[0][1:], entry)


@cache
def built_in() -> Gazetteer:
    return Gazetteer()


def _key(text: str) -> tuple[str, ...]:
    tokens = folded_tokens(text)
    return tuple(tokens[1:] if len(tokens) > 1 and tokens[0] in ARTICLES else tokens)


def _close(text: str, tokens: Tokens, first: int, length: int) -> bool:
    """Whether the tokens are adjacent, without a line or sentence break between them."""
    gaps = (
        text[tokens.ends[index] : tokens.starts[index + 1]]
        for index in range(first, first + length - 1)
    )
    return all(len(gap) <= 3 and _BREAK.search(gap) is None for gap in gaps)


def _replaces(name: _Occurrence, start: int, end: int) -> bool:
    """Whether a known name replaces a span of the recogniser."""
    if name.words > 2:  # not a coincidence, so an overlapping span was cut wrongly
        return name.start < end and start < name.end
    inside = name.start <= start and end <= name.end
    return inside and ((name.start, name.end) != (start, end) or name.entry.sure)


def _entity(text: str, start: int, end: int, label: str, entry: GazetteerEntry | None) -> Entity:
    return Entity(
        text=text[start:end],
        label=entry.label if entry and entry.sure else cast(EntityLabel, label),
        start=start,
        end=end,
        name=entry and entry.name,
        id=entry and entry.id,
    )

"""Finds brands by their names and handles, on token boundaries.

A name is one or more tokens and matches that run of words, whatever the case and accents, and
also the hashtag that it makes ("Air Volta" matches #AirVolta). A handle matches where it is
addressed. A phrase in ``exclude`` takes away the matches that lie within it.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from queries.tokens import fold, folded_tokens, tokenize
from schemas.brand import Brand
from schemas.mention import BrandMatch, Match
from schemas.post import Post

_Phrases = dict[str, list[tuple[tuple[str, ...], int]]]
_Hit = tuple[int, int]
"""First token, and the one behind the last."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class BrandMatcher:
    """Immutable: a change of brands makes a new one. ``match`` is pure and thread-safe."""

    def __init__(self, brands: Iterable[Brand]) -> None:
        self.brands = tuple(sorted(brands, key=lambda brand: brand.id))
        self._names: _Phrases = {}
        self._exclusions: _Phrases = {}
        self._hashtags: dict[str, list[int]] = {}
        self._handles: dict[str, list[int]] = {}
        for index, brand in enumerate(self.brands):
            self._add(index, brand)

    def __len__(self) -> int:
        return len(self.brands)

    def _add(self, index: int, brand: Brand) -> None:
        for name in brand.names or [brand.name]:
            words = tuple(tokenize(name).folded)
            if not words:
                continue
            _put(self._names, words[0], (words, index))
            if words[0][0] not in "@#$":
                _put(self._hashtags, "#" + "".join(words), index)
        for phrase in brand.exclude:
            words = tuple(tokenize(phrase).folded)
            if words:
                _put(self._exclusions, words[0], (words, index))
        for handle in brand.handles:
            _put(self._handles, "@" + fold(handle.lstrip("@")), index)

    def match(self, post: Post) -> list[BrandMatch]:
        """The brands that the post names, by brand id; languages are not looked at."""
        found: dict[int, list[Match]] = {}
        self._match_field("text", post.text, found)
        if post.title:
            self._match_field("title", post.title, found)
        for handle in post.mentions:
            for index in self._handles.get("@" + fold(handle), ()):
                if index not in found:
                    found[index] = [Match(text=handle, field="mentions")]
        return [
            BrandMatch(id=self.brands[index].id, matches=found[index]) for index in sorted(found)
        ]

    def _match_field(self, field: str, text: str, found: dict[int, list[Match]]) -> None:
        hits = self._hits(folded_tokens(text))
        if not hits:
            return
        # Offsets cost as much again, and most posts name no brand.
        tokens = tokenize(text)
        for index, places in hits.items():
            for start, end in places:
                first, last = tokens.starts[start], tokens.ends[end - 1]
                match = Match(text=text[first:last], field=field, start=first, end=last)
                found.setdefault(index, []).append(match)

    def _hits(self, folded: Sequence[str]) -> dict[int, list[_Hit]]:
        hits: dict[int, list[_Hit]] = {}
        names, hashtags, handles = self._names, self._hashtags, self._handles
        for position, token in enumerate(folded):
            kind = token[0]
            if kind == "#":
                for index in hashtags.get(token, ()):
                    _put(hits, index, (position, position + 1))
            elif kind == "@":
                for index in handles.get(token, ()):
                    _put(hits, index, (position, position + 1))
            if token in names:
                for index, hit in _phrases_at(folded, position, names[token]):
                    _put(hits, index, hit)
        return self._without_excluded(folded, hits) if self._exclusions and hits else hits

    def _without_excluded(
        self, folded: Sequence[str], hits: dict[int, list[_Hit]]
    ) -> dict[int, list[_Hit]]:
        excluded: dict[int, list[_Hit]] = {}
        for position, token in enumerate(folded):
            for index, hit in _phrases_at(folded, position, self._exclusions.get(token, ())):
                excluded.setdefault(index, []).append(hit)
        kept = {
            index: [hit for hit in places if not _inside(hit, excluded.get(index, ()))]
            for index, places in hits.items()
        }
        return {index: places for index, places in kept.items() if places}


def _put(places: dict[_Key, list[_Value]], key: _Key, value: _Value) -> None:
    """Add to the list of a key, once: a brand may be written in two ways that fold alike."""
    values = places.setdefault(key, [])
    if value not in values:
        values.append(value)


def _phrases_at(
    folded: Sequence[str], position: int, phrases: Iterable[tuple[tuple[str, ...], int]]
) -> Iterable[tuple[int, _Hit]]:
    for words, index in phrases:
        end = position + len(words)
        if tuple(folded[position:end]) == words:
            yield index, (position, end)


def _inside(hit: _Hit, ranges: Iterable[_Hit]) -> bool:
    return any(start <= hit[0] and hit[1] <= end for start, end in ranges)

"""Finds brands by their names and handles, on token boundaries.

A name is one or more tokens and matches that run of words, whatever the case and accents, and
also the hashtag that it makes ("Air Volta" matches #AirVolta). A handle matches where it is
addressed. A phrase in ``exclude`` takes away the matches that lie within it. A brand has its first
``MAX_HITS`` matches in a field, and no more: the work stays linear in the text, and the mention
small.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from queries.tokens import fold, folded_tokens, tokenize
from schemas.brand import Brand
from schemas.mention import BrandMatch, Match
from schemas.post import Post

MAX_HITS = 100
"""Matches kept of one brand in one field."""

_Phrases = dict[str, dict[tuple[tuple[str, ...], int], None]]
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
        self._signs: dict[str, dict[int, None]] = {}  # hashtags and handles, with # and @
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
                _put(self._signs, fold("#" + "".join(words)), index)
        for phrase in brand.exclude:
            words = tuple(tokenize(phrase).folded)
            if words:
                _put(self._exclusions, words[0], (words, index))
        for handle in brand.handles:
            _put(self._signs, fold("@" + handle.lstrip("@")), index)

    def match(self, post: Post) -> list[BrandMatch]:
        """The brands that the post names, by brand id; languages are not looked at."""
        found: dict[int, list[Match]] = {}
        self._match_field("text", post.text, found)
        if post.title:
            self._match_field("title", post.title, found)
        for handle in post.mentions:
            for index in self._signs.get(fold("@" + handle), ()):
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

    def _hits(self, folded: Sequence[str]) -> dict[int, dict[_Hit, None]]:
        hits: dict[int, dict[_Hit, None]] = {}
        excluded_to: dict[int, int] = {}
        names, signs, exclusions = self._names, self._signs, self._exclusions
        for position, token in enumerate(folded):
            if token in exclusions:
                for index, (_, end) in _phrases_at(folded, position, exclusions[token]):
                    excluded_to[index] = max(end, excluded_to.get(index, 0))
            if token in names or token in signs:
                for index, hit in self._hits_at(folded, position):
                    # Every phrase that can hold the hit began here or before.
                    if hit[1] > excluded_to.get(index, 0) and len(hits.get(index, ())) < MAX_HITS:
                        _put(hits, index, hit)
        return hits

    def _hits_at(self, folded: Sequence[str], position: int) -> Iterator[tuple[int, _Hit]]:
        for index in self._signs.get(folded[position], ()):
            yield index, (position, position + 1)
        yield from _phrases_at(folded, position, self._names.get(folded[position], ()))


def _put(places: dict[_Key, dict[_Value, None]], key: _Key, value: _Value) -> None:
    """Add to what a key has, once: a brand may be written in two ways that fold alike."""
    places.setdefault(key, {})[value] = None


def _phrases_at(
    folded: Sequence[str], position: int, phrases: Iterable[tuple[tuple[str, ...], int]]
) -> Iterable[tuple[int, _Hit]]:
    for words, index in phrases:
        end = position + len(words)
        if tuple(folded[position:end]) == words:
            yield index, (position, end)

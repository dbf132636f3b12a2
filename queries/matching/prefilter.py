"""Finds the queries that a post could match: every one that matches, and few others.

One Aho-Corasick automaton over the triggers of all queries (1975,
https://doi.org/10.1145/360825.360855), in the Rust of BurntSushi's ``aho-corasick``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final, TypeAlias

from ahocorasick_rs import AhoCorasick, Implementation

from queries.language.ast import And, Field, Near, Node, Or, Phrase, Term
from queries.language.fields import FIELDS
from queries.matching.document import Document, searched
from queries.matching.searchable import is_odd, searchable
from queries.matching.triggers import Trigger, triggers
from schemas.post import Post
from text.recent import Recent
from text.tokens import LONG, MAX_FOLDED, folded_form, url_words
from text.words.affixes import common_part

_PUBLISHED: Final = FIELDS.keys() - {
    "lang", "entity", "brand", "sentiment", "towards", "aspect", "intent", "emotion",
}  # fmt: skip
"""Fields of the post itself; the others are found in it."""
_RECENT: Final = Recent(searchable)
"""A post is asked twice: before its language is known, and with it."""


class Prefilter:
    """Built once for a set of queries; ``candidates`` is pure and thread-safe."""

    def __init__(self, queries: Sequence[Node]) -> None:
        needles: dict[str, list[int]] = {}
        self._values: dict[str, dict[str, list[int]]] = {}
        self._addresses: list[int] = []
        self._always: list[int] = []
        fields: set[str] = set()
        for number, node in enumerate(queries):
            alternatives = triggers(node)
            if alternatives is None:
                self._always.append(number)
            for trigger in alternatives or ():
                self._add(trigger, number, needles, fields)
        self._chances = [chance_of(node) for node in queries]
        self._owners: list[tuple[int, ...]] = [tuple(numbers) for numbers in needles.values()]
        self._author, self._urls = "authorName" in fields, "url" in fields
        # As fast here as the other kinds, and smaller.
        self._automaton = AhoCorasick(list(needles), implementation=Implementation.ContiguousNFA)

    def _add(
        self, trigger: Trigger, number: int, needles: dict[str, list[int]], fields: set[str]
    ) -> None:
        if trigger.value:
            self._values.setdefault(trigger.field, {}).setdefault(trigger.needle, []).append(number)
            return
        fields.add(trigger.field)
        owners = needles.setdefault(trigger.needle, [])
        if not owners or owners[-1] != number:
            owners.append(number)
        if trigger.address:
            self._addresses.append(number)

    def rules_out(self, document: Document) -> bool:
        """Whether no query can match the post, whatever its language turns out to be."""
        if self._always or not self._values.keys() <= _PUBLISHED:
            return False
        return not self.candidates(document)

    def candidates(self, document: Document) -> Sequence[int]:
        """The numbers of the queries that the post may match; unordered, with duplicates."""
        text = self._text(document.mention.post)
        haystack = searchable(text) if len(text) > LONG else _RECENT[text]
        matches = self._automaton.find_matches_as_indexes(haystack, overlapping=True)
        if not matches and not self._always and not self._values and not self._addresses:
            return ()
        numbers = set(self._always)
        owners = self._owners
        for needle, _, _ in matches:
            numbers.update(owners[needle])
        for field, values in self._values.items():
            _add_values(field, values, document, numbers)
        if not numbers:
            return ()
        words = frozenset(haystack.split())
        chances = self._chances
        chosen = [n for n in numbers if (chance := chances[n]) is None or chance(words)]
        if self._addresses and is_odd(text):
            chosen += self._addresses
        return chosen

    def _text(self, post: Post) -> str:
        parts = [searched(post.text), post.title, post.author.name if self._author else None]
        if self._urls:
            parts += [" ".join(url_words(url)) for url in (post.url, *post.links) if url]
        return "\n".join(filter(None, parts))


def _add_values(
    field: str, values: Mapping[str, Sequence[int]], document: Document, numbers: set[int]
) -> None:
    """Most posts have no mentions and no hashtags: these two checks are cheap."""
    post = document.mention.post
    if (field == "mentions" and not post.mentions) or (field == "hashtags" and not post.hashtags):
        return
    for value in document.values_of(field):
        numbers.update(values.get(value, ()))


Chance: TypeAlias = Callable[[Set[str]], bool]


def chance_of(node: Node) -> Chance | None:
    """A necessary condition on the words of a matching post; None: there is none."""
    match node:
        case Term():
            return _of_term(node)
        case Phrase(parts) | And(parts):
            return _all(map(chance_of, parts))
        case Near(left, right):
            return _all([chance_of(left), chance_of(right)])
        case Or(parts):
            return _any(parts)
        case Field(("text" | "title"), child):
            return chance_of(child)
        case _:
            return None


def _words_of(term: Term) -> frozenset[str]:
    """The words of every post that has the term; empty if unknown."""
    if term.wildcard or term.kind == "url" or len(term.text) > MAX_FOLDED // 4:
        return frozenset()
    folded = folded_form(term.text) or term.text
    return frozenset(searchable(common_part(folded) if len(term.forms) > 1 else folded).split())


def _of_term(term: Term) -> Chance | None:
    wanted = _words_of(term)
    if not wanted:
        return None
    if len(wanted) == 1:
        (word,) = wanted
        return lambda words: word in words
    return wanted.issubset


def _all(chances: Iterable[Chance | None]) -> Chance | None:
    conditions = list(filter(None, chances))
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return lambda words: all(condition(words) for condition in conditions)


def _any(parts: tuple[Node, ...]) -> Chance | None:
    single: set[str] = set()
    others: list[Chance] = []
    for part in parts:
        words = _words_of(part) if isinstance(part, Term) else frozenset()
        if len(words) == 1:
            single |= words
            continue
        chance = chance_of(part)
        if chance is None:
            return None
        others.append(chance)
    if not others:
        return lambda words: not single.isdisjoint(words)
    return lambda words: not single.isdisjoint(words) or any(chance(words) for chance in others)

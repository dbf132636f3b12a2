"""Which queries a post could match: one automaton over the words that all of them must have.

Aho and Corasick 1975, https://doi.org/10.1145/360825.360855, in the Rust of BurntSushi's
``aho-corasick``. Its answer holds every query that matches, and few others.
"""

from collections.abc import Mapping, Sequence

from ahocorasick_rs import AhoCorasick, Implementation

from queries.ast import Node
from queries.chances import chance_of
from queries.document import Document
from queries.searchable import is_odd, searchable
from queries.tokens import url_words
from queries.triggers import Trigger, triggers
from schemas.post import Post


class Prefilter:
    """Built once for a set of queries; ``candidates`` is pure and thread-safe."""

    def __init__(self, queries: Sequence[Node]) -> None:
        needles: dict[str, list[int]] = {}
        self._values: dict[str, dict[str, list[int]]] = {}
        self._addresses: list[int] = []
        self._always: list[int] = []
        fields: set[str] = set()
        for number, node in enumerate(queries):
            found = triggers(node)
            if found is None:
                self._always.append(number)
                continue
            for trigger in found:
                self._add(trigger, number, needles, fields)
        self._chances = [chance_of(node) for node in queries]
        self._owners: list[tuple[int, ...]] = [tuple(numbers) for numbers in needles.values()]
        self._author, self._urls = "authorName" in fields, "url" in fields
        # The automaton that grows with the needles and not with their letters: it is as fast here.
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

    def candidates(self, document: Document) -> Sequence[int]:
        """The numbers of the queries that the post may match, in no order, some perhaps twice."""
        post = document.mention.post
        text = self._text(post)
        haystack = searchable(text)
        found = self._automaton.find_matches_as_indexes(haystack, overlapping=True)
        if not found and not self._always and not self._values and not self._addresses:
            return ()
        numbers = set(self._always)
        owners = self._owners
        for place, _, _ in found:
            numbers.update(owners[place])
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
        parts = [post.text]
        if post.title:
            parts.append(post.title)
        if self._author and post.author.name:
            parts.append(post.author.name)
        if self._urls:
            parts += [" ".join(url_words(url)) for url in (post.url, *post.links) if url]
        return "\n".join(parts)


def _add_values(
    field: str, values: Mapping[str, Sequence[int]], document: Document, numbers: set[int]
) -> None:
    """Ask the cheap question first: most posts address nobody and have no hashtag."""
    post = document.mention.post
    if (field == "mentions" and not post.mentions) or (field == "hashtags" and not post.hashtags):
        return
    for value in document.values_of(field):
        numbers.update(values.get(value, ()))

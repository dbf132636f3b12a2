"""Compiles a query to predicates on a post for the live matcher.

An AND runs its cheapest part first; the plain words of an OR become one set operation. Spans are
computed only for a post that matches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

from queries.language.ast import And, Field, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.fields import TAG, normal
from queries.matching.document import ANYWHERE, Document, MatchedSpan
from queries.matching.occurrences import IndexedText, occurrences, pattern

Fields: TypeAlias = tuple[str, ...]


class Asked:
    """A post with its words and token positions, each computed once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._texts: dict[str, list[IndexedText]] = {}
        self._words: dict[Fields, frozenset[str]] = {}

    def words(self, fields: Fields) -> frozenset[str]:
        """The folded tokens of the fields."""
        words = self._words.get(fields)
        if words is None:
            texts = chain.from_iterable(map(self.texts, fields))
            words = frozenset(chain.from_iterable(text.folded for text in texts))
            self._words[fields] = words
        return words

    def texts(self, field: str) -> list[IndexedText]:
        texts = self._texts.get(field)
        if texts is None:
            texts = self._texts[field] = list(map(IndexedText, self.document.texts_of(field)))
        return texts


Matches: TypeAlias = Callable[[Asked], bool]


class Places:
    """Collects the spans of a query; a repeated term adds its spans once."""

    def __init__(self) -> None:
        self.spans: set[MatchedSpan] = set()
        self.terms: set[tuple[Term, Fields]] = set()


AddSpans: TypeAlias = Callable[[Asked, Places], None]


@dataclass(frozen=True, slots=True)
class Question:
    matches: Matches
    add_spans: AddSpans
    """Adds the spans in a post that matches; values have none."""
    cost: int = 0
    """A rank: cheaper questions run first."""
    word: tuple[Fields, frozenset[str]] | None = None
    """Set if the question is one folded token: the fields and its forms."""

    def spans(self, asked: Asked) -> frozenset[MatchedSpan]:
        places = Places()
        self.add_spans(asked, places)
        return frozenset(places.spans)


def compile_query(node: Node, fields: Fields = ANYWHERE) -> Question:
    """The predicates of a resolved query; ``fields``: where its terms are searched."""
    match node:
        case Term() | Phrase() | Near():
            return _words(node, fields)
        case And(parts):
            return _all([compile_query(part, fields) for part in dict.fromkeys(parts)])
        case Or(parts):
            return _any([compile_query(part, fields) for part in dict.fromkeys(parts)], fields)
        case Not(child):
            asked_not = compile_query(child, fields)
            return Question(lambda asked: not asked_not.matches(asked), _nowhere, asked_not.cost)
        case Field(name, child):
            return compile_query(child, (name,))
        case Value():
            add_spans = partial(_add_hashtags, _fits(node)) if fields[0] == TAG else _nowhere
            return Question(_has_value(node, fields[0]), add_spans, 1)
        case Range():
            return Question(partial(_is_in, node), _nowhere)
        case _:
            raise ValueError("unresolved query: call queries.language.references.resolve first")


def _nowhere(asked: Asked, places: Places) -> None:
    """Values, ranges and NOT have no spans."""


def _all(parts: Sequence[Question]) -> Question:
    parts = sorted(parts, key=lambda part: part.cost)
    asks = [part.matches for part in parts]

    def add_spans(asked: Asked, places: Places) -> None:
        for part in parts:
            part.add_spans(asked, places)

    return Question(lambda asked: all(ask(asked) for ask in asks), add_spans, parts[-1].cost)


def _any(parts: Sequence[Question], fields: Fields) -> Question:
    single = [part.word[1] for part in parts if part.word and part.word[0] == fields]
    words = frozenset(chain.from_iterable(single))
    others = [part for part in parts if not part.word or part.word[0] != fields]
    others.sort(key=lambda part: part.cost)
    asks = [part.matches for part in others]
    if words:
        asks.insert(0, lambda asked: not words.isdisjoint(asked.words(fields)))

    def add_spans(asked: Asked, places: Places) -> None:
        if words and (present := words & asked.words(fields)):
            _add_words(present, fields, asked, places)
        for part in others:
            if part.matches(asked):
                part.add_spans(asked, places)

    matches = asks[0] if len(asks) == 1 else lambda asked: any(ask(asked) for ask in asks)
    return Question(matches, add_spans, max((part.cost for part in others), default=0))


def _words(node: Term | Phrase | Near, fields: Fields) -> Question:
    add_spans = partial(_add_places, node, fields)
    if isinstance(node, Term) and not (node.wildcard or node.exact or node.accented):
        forms = frozenset(node.forms)
        if len(forms) > 1:
            either = Question(lambda asked: not forms.isdisjoint(asked.words(fields)), add_spans)
            return replace(either, word=(fields, forms))
        form = node.form
        return Question(lambda asked: form in asked.words(fields), add_spans, 0, (fields, forms))
    stands = partial(_stands, node, fields)
    needed = _needed(node)
    if needed:
        return Question(lambda asked: needed <= asked.words(fields) and stands(asked), add_spans, 3)
    return Question(stands, add_spans, 2 if isinstance(node, Term) else 3)


def _needed(node: Node) -> frozenset[str]:
    """Words without which a phrase cannot stand; a set of words is asked faster than places."""
    if not isinstance(node, Phrase):
        return frozenset()
    return frozenset(
        term.form
        for term in node.terms
        if not (term.wildcard or term.exact or term.accented) and len(term.forms) == 1
    )


def _stands(node: Node, fields: Fields, asked: Asked) -> bool:
    return any(
        next(occurrences(node, text), None) is not None
        for field in fields
        for text in asked.texts(field)
    )


def _has_value(node: Value, field: str) -> Matches:
    wanted = normal(node.text)
    if not node.wildcard:
        return lambda asked: wanted in asked.document.values_of(field)
    fits = pattern(wanted)
    return lambda asked: any(map(fits, asked.document.values_of(field)))


def _fits(node: Value) -> Callable[[str], object]:
    wanted = normal(node.text)
    return pattern(wanted) if node.wildcard else wanted.__eq__


def _add_hashtags(fits: Callable[[str], object], asked: Asked, places: Places) -> None:
    for field in ANYWHERE:
        for start, end, words in asked.document.hashtags_of(field):
            if any(map(fits, words)):
                places.spans.add(MatchedSpan(field, start, end))


def _is_in(node: Range, asked: Asked) -> bool:
    # The field decides whether value and bounds are numbers or times.
    value: Any = asked.document.numbers[node.name]
    low: Any = node.low
    high: Any = node.high
    return value is not None and (low is None or low <= value) and (high is None or value <= high)


def _add_words(words: frozenset[str], fields: Fields, asked: Asked, places: Places) -> None:
    """Add the places of all words at once."""
    for field in fields:
        # The positions of URL words are not positions in the post.
        for text in asked.texts(field) if field != "url" else ():
            starts, ends = text.tokens.starts, text.tokens.ends
            places.spans.update(
                MatchedSpan(field, starts[place], ends[place])
                for place, word in enumerate(text.folded)
                if word in words
            )


def _add_places(node: Node, fields: Fields, asked: Asked, places: Places) -> None:
    if isinstance(node, Term):
        if (node, fields) in places.terms:
            return
        places.terms.add((node, fields))
    for field in fields:
        # The positions of URL words are not positions in the post.
        for text in asked.texts(field) if field != "url" else ():
            tokens = text.tokens
            starts, ends = tokens.starts, tokens.ends
            for every in occurrences(node, text):
                places.spans.update(
                    MatchedSpan(field, starts[first], ends[end - 1])
                    for _, _, parts in every
                    for first, end in parts
                )

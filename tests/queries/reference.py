"""The reference evaluator: a slow and plain implementation of ``docs/queries.md``.

Tests compare the live matcher, Elasticsearch and X rules with it, so it shares only the tree, the
tokens and the document with them. An occurrence is a run of tokens in one text; ``NEAR`` and
``"…"~n`` keep only occurrences that contain no shorter one.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from queries.language.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.fields import normal
from queries.language.spellings import with_spellings
from queries.matching.document import ANYWHERE, Document, MatchedSpan
from text.tokens import Tokens, folded_form
from text.words.affixes import BEFORE_ARTICLE, BEFORE_NOUN, FOR_ARTICLE, particles
from text.words.hashtag_words import hashtag_words


@dataclass(frozen=True, slots=True)
class Result:
    matches: bool
    spans: frozenset[MatchedSpan] = frozenset()


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """Tokens ``first`` to ``end`` (exclusive); ``parts``: the matched runs in it."""

    first: int
    end: int
    parts: frozenset[tuple[int, int]]

    def contains(self, other: "_Occurrence") -> bool:
        """Whether ``other`` is a shorter occurrence within this one."""
        inside = self.first <= other.first and other.end <= self.end
        return inside and (self.first, self.end) != (other.first, other.end)


_NO = Result(False)


def evaluate(node: Node, document: Document, fields: tuple[str, ...] = ANYWHERE) -> Result:
    """Whether and where ``document`` matches; ``fields``: where terms are searched."""
    match node:
        case Term() | Phrase() | Near():
            return _found(with_spellings(node), document, fields)
        case And(parts):
            results = [evaluate(part, document, fields) for part in parts]
            return _together(results) if all(r.matches for r in results) else _NO
        case Or(parts):
            results = [evaluate(part, document, fields) for part in parts]
            matching = [result for result in results if result.matches]
            return _together(matching) if matching else _NO
        case Not(child):
            return Result(not evaluate(child, document, fields).matches)
        case Field(name, child):
            return evaluate(child, document, (name,))
        case Value() if fields == ("tag",):
            return _tagged(node, document)
        case Value():
            return Result(any(_has_value(node, v) for v in document.values_of(fields[0])))
        case Range(name, low, high):
            value = document.numbers[name]
            return Result(
                value is not None
                and (low is None or low <= value)  # type: ignore[operator]
                and (high is None or value <= high)  # type: ignore[operator]
            )
        case Named():
            raise ValueError(
                "a query with names in it: call queries.language.references.resolve first"
            )


def _together(results: list[Result]) -> Result:
    return Result(True, frozenset().union(*(result.spans for result in results)))


def _tagged(wanted: Value, document: Document) -> Result:
    """The hashtags with such a word, and their places."""
    spans = [
        MatchedSpan(field, start, end)
        for field in ANYWHERE
        for tokens in document.texts_of(field)
        for token, start, end in zip(tokens.exact, tokens.starts, tokens.ends, strict=True)
        if token[0] in "#＃" and any(_has_value(wanted, word) for word in hashtag_words(token))
    ]
    return Result(bool(spans), frozenset(spans))


def _has_value(wanted: Value, value: str) -> bool:
    text = normal(wanted.text)
    return fits(text, value) if wanted.wildcard else text == value


def fits(pattern: str, text: str) -> bool:
    """Whether ``text`` matches ``pattern`` with ``*`` and ``?``."""
    # The lengths of text that the pattern so far can match.
    places = {0}
    for letter in pattern:
        if letter == "*":
            places = set(range(min(places), len(text) + 1)) if places else set()
        else:
            places = {p + 1 for p in places if p < len(text) and letter in ("?", text[p])}
    return len(text) in places


def _found(node: Node, document: Document, fields: tuple[str, ...]) -> Result:
    matches, spans = False, set()
    for field in fields:
        for tokens, plain in product(document.texts_of(field), _without_or(node)):
            for occurrence in _occurrences(plain, tokens):
                matches = True
                for first, end in occurrence.parts:
                    spans.add(MatchedSpan(field, tokens.starts[first], tokens.ends[end - 1]))
    # The positions of URL words are not positions in the post.
    return Result(matches, frozenset(span for span in spans if span.field != "url"))


def _without_or(node: Node) -> Iterator[Node]:
    """OR beside NEAR means one NEAR for each of its parts; unordered NEAR means both orders."""
    match node:
        case Or(parts):
            for part in parts:
                yield from _without_or(part)
        case Near(left, right, _, ordered):
            for one, other in product(_without_or(left), _without_or(right)):
                yield replace(node, left=one, right=other, ordered=True)
                if not ordered:
                    yield replace(node, left=other, right=one, ordered=True)
        case _:
            yield node


def _occurrences(node: Node, tokens: Tokens) -> list[_Occurrence]:
    match node:
        case Term():
            return _runs((node,), tokens)
        case Phrase(terms, None):
            return _runs(terms, tokens)
        case Phrase(terms, slop):
            return _shortest(_scattered(terms, slop or 0, tokens))
        case Near(left, right, distance):
            return _shortest(
                _Occurrence(one.first, other.end, one.parts | other.parts)
                for one in _occurrences(left, tokens)
                for other in _occurrences(right, tokens)
                if 0 <= other.first - one.end <= distance
            )
        case _:
            raise TypeError(f"{type(node).__name__} has no occurrences")


def _runs(terms: tuple[Term, ...], tokens: Tokens) -> list[_Occurrence]:
    """Adjacent terms."""
    places = [_places(term, tokens) for term in terms]
    return [
        _Occurrence(first, first + len(terms), frozenset({(first, first + len(terms))}))
        for first in range(len(tokens) - len(terms) + 1)
        if all(first + offset in each for offset, each in enumerate(places))
    ]


def _scattered(terms: tuple[Term, ...], slop: int, tokens: Tokens) -> Iterator[_Occurrence]:
    """Occurrences with a separate token per term and at most ``slop`` others."""
    places = [_places(term, tokens) for term in terms]
    if not all(places):
        return
    for first in range(len(tokens)):
        for end in range(first + len(terms), min(first + len(terms) + slop, len(tokens)) + 1):
            inside = [each & set(range(first, end)) for each in places]
            if _each_has_a_place(inside):
                parts = frozenset((p, p + 1) for each in inside for p in each)
                yield _Occurrence(first, end, parts)
                break


def _each_has_a_place(places: list[set[int]]) -> bool:
    """Whether terms at these places can have different ones (Kuhn's matching)."""
    taken: dict[int, int] = {}

    def give(number: int, tried: set[int]) -> bool:
        for place in places[number] - tried:
            tried.add(place)
            if place not in taken or give(taken[place], tried):
                taken[place] = number
                return True
        return False

    return all(give(number, set()) for number in range(len(places)))


def _places(term: Term, tokens: Tokens) -> set[int]:
    return {place for place, token in enumerate(tokens.exact) if _stands_for(term, token)}


# The comparisons ask for the same few words hundreds of thousands of times.
@lru_cache(maxsize=100_000)
def _stands_for(term: Term, token: str) -> bool:
    form = term.form_of(token)
    if term.wildcard:
        return fits(term.form, form)
    return term.form == form or _has_affixes(term, token) or _is_capital(term, token)


def _has_affixes(term: Term, token: str) -> bool:
    """Whether the token is a plain word with particles behind it or clitics before it."""
    word, token = folded_form(term.text), folded_form(token)
    if term.exact or term.accented or term.kind != "word":
        return False
    if re.fullmatch("[가-힣]{2,20}", word):
        return token.startswith(word) and token[len(word) :] in particles(word)
    if not re.fullmatch("[ء-غف-ي]{3,40}", word):
        return False
    has_article = word.startswith("ال") and len(word) > 4
    if has_article and token.endswith(word[2:]) and token[: 2 - len(word)] in FOR_ARTICLE:
        return True
    before = BEFORE_ARTICLE if has_article else BEFORE_NOUN
    return token.endswith(word) and token.removesuffix(word) in before


def _is_capital(term: Term, token: str) -> bool:
    """Whether the token is the term in capitals that cannot have its accents."""
    token = unicodedata.normalize("NFC", token)
    if term.exact or not term.accented:
        return False
    if "ı" in term.form:
        turkish = token.replace("I", "ı").replace("İ", "i")
        return turkish.lower() == term.form and (
            token[1:] == term.form[1:] or token.replace("İ", "I").isupper()
        )
    greek = any("GREEK" in unicodedata.name(letter, "") for letter in term.form)
    return greek and token == folded_form(term.form).upper()


def _shortest(found: Iterator[_Occurrence]) -> list[_Occurrence]:
    every = list(found)
    return [occurrence for occurrence in every if not any(map(occurrence.contains, every))]

"""The query of a brand: the one that it has, or the one that its names and handles make.

A name makes its words in a row, in any case and with or without accents, and the hashtag of them;
a handle makes ``@handle`` in the text and among the handles that the platform lists. A brand's
``exclude`` is no part of it: it takes away places, not posts (see ``brands.brand_matcher``).
"""

from collections.abc import Iterator
from functools import lru_cache

from queries.language.ast import Field, Node, Or, Phrase, Term, Value
from queries.language.errors import QueryError
from queries.language.parser import parse
from queries.language.references import resolve
from queries.language.terms import MAX_PHRASE_TERMS
from queries.language.tree import walk
from queries.language.validate import check
from schemas.brand import Brand
from text.tokens import folded_form, tokenize

LATER = ("brand", "entity", "sentiment")
"""Fields that are filled after brands are matched, so that no brand's query can ask for them."""


def query_of(brand: Brand) -> Node:
    """What the brand's posts hold; raises ``QueryError`` for a query with a mistake in it."""
    if brand.query is None:
        return query_of_names(brand)
    return _read(brand.query)


# The brands of a team change one at a time, and all are read again.
@lru_cache(maxsize=10_000)
def _read(query: str) -> Node:
    node = resolve(parse(query), {})
    refuse_later(node)
    return node


def query_of_names(brand: Brand) -> Node:
    """Names, the hashtags that they make, and handles; raises ``QueryError`` if none has a word."""
    clauses: dict[Node, None] = {}
    for name in brand.names or [brand.name]:
        clauses.update(dict.fromkeys(_of_name(name)))
    for handle in brand.handles:
        clauses.update(dict.fromkeys(_of_handle(handle.lstrip("@"))))
    if not clauses:
        raise QueryError("there is no word in these names", 0, 0, "write one with letters")
    node = next(iter(clauses)) if len(clauses) == 1 else Or(tuple(clauses))
    check(node)
    return node


def phrase_of(text: str) -> Term | Phrase | None:
    """The words of ``text`` in a row, in any case and with or without accents; None: no word."""
    terms = tuple(Term(word) for word in tokenize(text).folded[:MAX_PHRASE_TERMS])
    if len(terms) < 2:
        return terms[0] if terms else None
    return Phrase(terms)


def refuse_later(node: Node) -> None:
    """Refuse what is known only once brands are matched."""
    for part in walk(node):
        if isinstance(part, Field) and part.name in LATER:
            raise QueryError(
                f"'{part.name}:' is found after brands are, so that no brand can ask for it",
                *part.span,
                f"leave it out here, and ask the index for it: brand:… AND {part.name}:…"
                if part.name != "brand"
                else 'name the other brand\'s query instead: query:"its id"',
            )


def _of_name(name: str) -> Iterator[Node]:
    words = phrase_of(name)
    if words is None:
        return
    yield words
    terms = words.terms if isinstance(words, Phrase) else (words,)
    tag = folded_form("#" + "".join(term.text for term in terms))
    if terms[0].text[0] not in "@#$" and tokenize(tag).folded == [tag]:
        yield Term(tag)


def _of_handle(handle: str) -> Iterator[Node]:
    sign = folded_form("@" + handle)
    if tokenize(sign).folded == [sign]:
        yield Term(sign)
    if handle:
        yield Field("mentions", Value(handle))

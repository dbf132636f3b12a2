"""Warns of brands that are valid and will probably not find what their author wants."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple
from typing import Final, NamedTuple

from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from brands.brand_query import is_everyday, phrase_of, query_of
from brands.disambiguation import example_post, is_taught
from queries.language.ast import Phrase, Term
from queries.language.errors import QueryError, caret, shorten
from queries.language.fields import FIELDS
from queries.language.foreign_fields import is_foreign
from queries.language.foreign_operators import word_operator
from queries.language.parser import parse
from queries.tools.lint import is_few_letters, lint
from queries.tools.value_lint import KNOWN_SOURCES
from schemas.brand import Brand
from schemas.source_names import OTHERWISE
from text.spelling import nearest

MIN_EXAMPLES: Final = 10
"""Examples of each kind from which a brand keeps nine in ten of its posts
(docs/models/disambiguation.md)."""
_LISTED: Final = re.compile(r"[;|]|,\s|\s/\s")
_FIELD: Final = re.compile(r"(\w+):(?=\S)")
_MIN_LETTERS: Final = 3
"""A name with fewer letters is an abbreviation of many things."""


class BrandWarning(NamedTuple):
    about: str
    """The id of the brand, or the name of the saved query."""
    code: str
    message: str
    hint: str
    place: str = ""
    """Of a query: the line and the carets under the place."""


def lint_brands(brands: Sequence[Brand]) -> list[BrandWarning]:
    """The warnings about names, examples, exclusions and settings, brand by brand."""
    warnings = [warning for brand in brands for warning in lint_brand(brand)]
    return [*warnings, *_same_queries(brands)]


def lint_brand(brand: Brand) -> Iterator[BrandWarning]:
    if brand.query is None:
        yield from _names(brand)
    yield from _examples(brand)
    yield from _exclusions(brand)
    yield from _owned(brand)
    if brand.query is not None and (brand.names or brand.handles):
        fields = " and ".join(name for name in ("names", "handles") if getattr(brand, name))
        yield BrandWarning(
            brand.id,
            "useless-setting",
            f"{fields} match nothing beside query",
            "put them into the query, or take the query out",
        )
    if not brand.examples and brand.minimum_confidence != 0.5:
        yield BrandWarning(
            brand.id,
            "useless-setting",
            "minimum_confidence has no effect without examples",
            f"add {MIN_EXAMPLES} examples of each kind, or take it out",
        )


def lint_queries(written: Mapping[str, str], saved: Collection[str]) -> Iterator[BrandWarning]:
    """The warnings of the queries that are correct; ``saved``: those that are parts of others.

    The words of a part need not be enough on their own.
    """
    for name, text in written.items():
        try:
            warnings = lint(parse(text))
        except QueryError:
            continue
        for code, message, start, end, hint in map(astuple, warnings):
            if name not in saved or code not in ("everyday-word", "no-words"):
                yield BrandWarning(name, code, message, hint, caret(text, start, end))


def is_ambiguous(name: str) -> bool:
    """Whether a name is one everyday word, or a brand's name that is one."""
    word = phrase_of(name)
    return isinstance(word, Term) and is_everyday(word.form)


def is_short(name: str) -> bool:
    """Whether a name has few letters, and no sign that matches keep (C&A)."""
    word = phrase_of(name)
    letters = sum(map(str.isalnum, name))
    if isinstance(word, Phrase):
        return is_few_letters(word)
    # One sign of Chinese or Japanese is a word.
    return word is not None and name.isascii() and letters < _MIN_LETTERS


def _names(brand: Brand) -> Iterator[BrandWarning]:
    for name in brand.names or [brand.name]:
        if (one := _one_of_many(name)) is not None:
            yield BrandWarning(
                brand.id,
                "list-in-name",
                f"the name '{shorten(name, 60)}' is found where all of its words stand in a row",
                f"write each as a name of its own, such as {shorten(one, 40)}; a query in query",
            )
        elif is_short(name):
            count = sum(map(str.isalnum, name))
            letters = "letter" if count == 1 else "letters"
            yield BrandWarning(
                brand.id,
                "short-name",
                f"the name '{name}' has {count} {letters}, and stands for many things",
                f"write a longer one, or a query that adds words, such as {{{name}}} NEAR/5 (…)",
            )
        elif is_ambiguous(name) and not is_well_taught(brand):
            yield BrandWarning(
                brand.id,
                "everyday-name",
                f"the name '{name}' is an everyday word: most posts with it mean something else",
                f"write phrases in names, or add {MIN_EXAMPLES} examples of each kind",
            )


def _one_of_many(name: str) -> str | None:
    """The first part of what is a list or a query in place of a name; None for a name."""
    parts = [part.strip() for part in _LISTED.split(name)]
    if len(parts) > 1 and all(any(map(str.isalnum, part)) for part in parts):
        return parts[0]
    if field := _FIELD.match(name):
        is_known = field[1].lower() in {known.lower() for known in FIELDS}
        return name[field.end() :] if is_known or is_foreign(field[1]) else None
    words = name.split()
    for place, word in enumerate(words[1:-1], 1):
        # In capitals throughout, it is how the name is written: TOYS R US.
        if word.isupper() and word_operator(word) in ("AND", "OR", "NOT") and not name.isupper():
            return " ".join(words[:place]) if len(word) > 1 else None
    return None


def _kinds(brand: Brand) -> tuple[int, int]:
    """How many examples are about the brand, and how many are not."""
    about = sum(example.about for example in brand.examples)
    return about, len(brand.examples) - about


def is_well_taught(brand: Brand) -> bool:
    """Whether a brand has enough examples of each kind."""
    return min(_kinds(brand)) >= MIN_EXAMPLES


def _examples(brand: Brand) -> Iterator[BrandWarning]:
    if not is_taught(brand):
        return
    about, other = _kinds(brand)
    if not is_well_taught(brand):
        yield BrandWarning(
            brand.id,
            "few-examples",
            f"{about} examples with about: true and {other} with about: false are too few to tell "
            "the posts apart",
            f"give at least {MIN_EXAMPLES} of each, or take all out",
        )
    matcher = BrandMatcher([brand])
    texts = [example.text for example in brand.examples]
    without = [text for text in texts if not matcher.match(example_post(text))]
    if without:
        yield BrandWarning(
            brand.id,
            "example-without-name",
            f"the query does not match {len(without)} of the {len(texts)} examples, such as "
            f"'{shorten(without[0], 50)}'",
            "write examples as published, with the name in them",
        )


def _exclusions(brand: Brand) -> Iterator[BrandWarning]:
    if not brand.exclude or brand.query is not None:
        # A phrase may hold one word of a query, which does not match alone.
        return
    matcher = BrandMatcher([replace(brand, exclude=[])])
    for phrase in brand.exclude:
        if not matcher.match(example_post(phrase)):
            yield BrandWarning(
                brand.id,
                "exclude-without-name",
                f"exclude has '{shorten(phrase, 50)}', which has no name in it: it removes nothing",
                "write the whole phrase in which the name means something else",
            )


def _owned(brand: Brand) -> Iterator[BrandWarning]:
    """Accounts whose source is called otherwise in posts: their posts stay the public's."""
    for account in brand.owned:
        source, _, name = account.partition(":")
        known = {one.lower(): one for one in KNOWN_SOURCES}
        meant = OTHERWISE.get(source.lower()) or known.get(source.lower())
        if meant is None and (near := nearest(source, KNOWN_SOURCES, 0.75)):
            meant = near
        if meant is not None and meant != source:
            yield BrandWarning(
                brand.id,
                "unknown-source",
                f"owned has {shorten(account, 50)!r}, and no ingestor gives that source to a post",
                f"write {meant}:{shorten(name, 40)}",
            )


def _same_queries(brands: Sequence[Brand]) -> Iterator[BrandWarning]:
    first: dict[object, Brand] = {}
    for brand in brands:
        rest = (brand.languages, brand.exclude, brand.examples, brand.minimum_confidence)
        key = (query_of(brand), *map(repr, rest))
        if (other := first.setdefault(key, brand)) is not brand:
            yield BrandWarning(
                brand.id,
                "same-query",
                f"{brand.id} and {other.id} match the same posts",
                "give them different names, or take one out",
            )

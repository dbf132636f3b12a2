"""The query of a brand: its own, or one made from its names and handles.

A name becomes its words as a phrase, in any case and with or without accents, their hashtag, and
the hashtags that hold it beside other words. A handle becomes ``@handle`` in the text or in the
platform's list of mentions. ``exclude`` is not part of the query: it removes places, not posts (see
``brands.brand_matcher``).
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from queries.language.ast import Field, Node, Or, Phrase, Term, Value
from queries.language.errors import QueryError
from queries.language.fields import TAG
from queries.language.parser import parse
from queries.language.references import resolve
from queries.language.terms import MAX_PHRASE_TERMS
from queries.language.tree import walk
from queries.language.validate import check
from schemas.brand import Brand
from text.everyday import everyday_words
from text.tokens import folded_form, tokenize

MIN_TAGGED = 5
"""Letters of a name that is looked for within hashtags: shorter ones are pieces of other words."""
MIN_PREFIX = 7
"""Letters of a name that other letters may follow in a hashtag."""
_BREAK = re.compile(r"[.\-]")
LATER = ("brand", "entity", "sentiment", "towards", "aspect", "intent", "emotion")
"""Fields that are filled after the brands, so a brand's query cannot use them."""


def query_of(brand: Brand) -> Node:
    """The query whose matches are the brand's posts; raises ``QueryError``."""
    return query_of_names(brand) if brand.query is None else _read(brand.query)


# After a change of one brand all are read again.
@lru_cache(maxsize=10_000)
def _read(query: str) -> Node:
    node = resolve(parse(query), {})
    refuse_later(node)
    return node


def query_of_names(brand: Brand) -> Node:
    """Names, their hashtags, and handles; raises ``QueryError`` if none has a word."""
    of_names = (clause for name in brand.names or [brand.name] for clause in _of_name(name))
    of_handles = (clause for handle in brand.handles for clause in _of_handle(handle.lstrip("@")))
    clauses = tuple(dict.fromkeys((*of_names, *of_handles)))
    if not clauses:
        raise QueryError("there is no word in these names", 0, 0, "write one with letters")
    node = clauses[0] if len(clauses) == 1 else Or(clauses)
    check(node)
    return node


def phrase_of(text: str) -> Term | Phrase | None:
    """The words of ``text`` as a phrase, in any case, with or without accents; None: no word."""
    terms = tuple(Term(word) for word in tokenize(text).folded[:MAX_PHRASE_TERMS])
    if len(terms) < 2:
        return terms[0] if terms else None
    return Phrase(terms)


def refuse_later(node: Node) -> None:
    """Raise ``QueryError`` for a field in :data:`LATER`."""
    for field in walk(node):
        if isinstance(field, Field) and field.name in LATER:
            raise QueryError(
                f"a brand's query cannot use '{field.name}:', which is filled after the brands",
                *field.span,
                f"search the index for it: brand:… AND {field.name}:…"
                if field.name != "brand"
                else 'use the other brand\'s query: query:"its id"',
            )


def _of_name(name: str) -> Iterator[Node]:
    words = phrase_of(name)
    if words is None:
        return
    yield words
    if isinstance(words, Term):
        yield from _with_s(words)
    terms = words.terms if isinstance(words, Phrase) else (words,)
    if any(term.kind == "sign" for term in terms):
        # A hashtag has no signs: #CA is California, not C&A.
        return
    joined = "".join(term.text for term in terms)
    tag = folded_form("#" + joined)
    if terms[0].text[0] not in "@#$" and tokenize(tag).folded == [tag]:
        yield Term(tag)
        yield from _in_hashtags(joined)


def _with_s(name: Term) -> Iterator[Node]:
    """The genitive and plural of a long name, and the apostrophe that a name may have lost."""
    word = name.form
    if len(word) < MIN_TAGGED or not (word.isascii() and word.isalpha()) or is_everyday(word):
        return
    if word.endswith("s"):
        if not word.endswith("ss"):
            yield Phrase((Term(word[:-1]), Term("s")))
    elif not word.endswith(("x", "z")) and not is_everyday(f"{word}s"):
        yield Term(f"{word}s")


def _in_hashtags(name: str) -> Iterator[Node]:
    """Hashtags with other words beside the name: #VelmoraDown, #BoycottVelmora, #velmoraleaks.

    Of a long name any that begin with it; a shorter one begins other words (Intel, intelligence).
    """
    if len(name) < MIN_TAGGED or not name.isalnum() or is_everyday(name):
        return
    yield Field(TAG, Value(name))
    if len(name) >= MIN_PREFIX:
        yield Field(TAG, Value(f"{name}*", wildcard=True))


def is_everyday(word: str) -> bool:
    """Whether a folded word is an everyday one, or a brand's name that is one."""
    return any(word in words for words in everyday_words().values())


def _of_handle(handle: str) -> Iterator[Node]:
    sign = phrase_of("@" + handle)
    if sign is not None and is_account("@" + handle):
        yield sign
    if handle:
        yield Field("mentions", Value(handle))


def is_account(sign: str) -> bool:
    """Whether it is read as a handle, with words behind a hyphen or dot ("@velmora-care")."""
    first, *rest = tokenize(sign).exact or [""]
    whole = "".join(part for part in (first, *rest) if part != ".")
    return first.startswith(("@", "＠")) and _BREAK.sub("", sign) == _BREAK.sub("", whole)

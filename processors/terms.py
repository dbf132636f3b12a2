"""What a post is about: a few terms (hashtags, links, its rarer words), and what it names.

Detectors count these to say what a crisis is about. The words that name the brand itself are left
out, since every mention of it has them; and words of an entity are no terms beside it.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from queries.lint import everyday_words
from queries.tokens import folded_tokens
from schemas.activity import MOST_ENTITIES, MOST_TERMS
from schemas.mention import BrandMatch, Mention

LONGEST: Final = 80
"""Characters of a term, or of a name."""
_SIGNS: Final = "#＃@＠"
_SHORTEST: Final = 4
"""Letters of a word that says something, in scripts with letters."""


def terms_of(mention: Mention, brand: BrandMatch) -> list[str]:
    """Distinct terms, hashtags first; links without their queries, so that copies are one."""
    named = _named(brand)
    found: dict[str, None] = {}
    for term in _terms(mention):
        if term not in named and term.lstrip("#") not in named:
            found[term[:LONGEST]] = None
            if len(found) == MOST_TERMS:
                break
    return list(found)


def entities_of(mention: Mention, brand: BrandMatch) -> list[str]:
    """Distinct entities but the brand itself: by the usual name if it is known, else as written."""
    named = _named(brand)
    found: dict[str, None] = {}
    for entity in mention.entities:
        name = " ".join((entity.name or entity.text).split())[:LONGEST].rstrip()
        # What a recogniser takes for a name and is a hashtag or a handle is counted as such.
        if name and name[0] not in _SIGNS and not named.issuperset(folded_tokens(name)):
            found[name] = None
            if len(found) == MOST_ENTITIES:
                break
    return list(found)


def _named(brand: BrandMatch) -> set[str]:
    return {word for match in brand.matches for word in folded_tokens(match.text)}


def _terms(mention: Mention) -> Iterator[str]:
    tokens = folded_tokens(mention.post.text)
    yield from (token for token in tokens if token[0] == "#")
    for link in mention.post.links:
        yield from _link(link)
    everyday = _everyday()
    names = {word for entity in mention.entities for word in folded_tokens(entity.text)}
    for token in tokens:
        if len(token) < _SHORTEST or not token.isalpha():
            continue
        if token not in everyday and token not in names:
            yield token


def _link(address: str) -> Iterator[str]:
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    if parts.hostname:
        yield f"{parts.hostname}{parts.path}".rstrip("/")


@cache
def _everyday() -> frozenset[str]:
    return frozenset().union(
        *(words for name, words in everyday_words().items() if name != "brands")
    )

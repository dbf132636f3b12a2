"""What a post is about, in a few terms: hashtags, links, names, and its rarer words.

Detectors count these to say what a crisis is about. The words that name the brand itself are left
out, since every mention of it has them.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from queries.lint import everyday_words
from queries.tokens import folded_tokens
from schemas.activity import MOST_TERMS
from schemas.mention import BrandMatch, Mention

LONGEST: Final = 80
"""Characters of a term."""
_SHORTEST: Final = 4
"""Letters of a word that says something, in scripts with letters."""


def terms_of(mention: Mention, brand: BrandMatch) -> list[str]:
    """Distinct terms, hashtags first; links without their queries, so that copies are one."""
    named = {word for match in brand.matches for word in folded_tokens(match.text)}
    found: dict[str, None] = {}
    for term in _terms(mention):
        if term not in named and term.lstrip("#") not in named:
            found[term[:LONGEST]] = None
            if len(found) == MOST_TERMS:
                break
    return list(found)


def _terms(mention: Mention) -> Iterator[str]:
    tokens = folded_tokens(mention.post.text)
    yield from (token for token in tokens if token[0] == "#")
    for link in mention.post.links:
        yield from _link(link)
    yield from (entity.name or entity.text for entity in mention.entities)
    everyday = _everyday()
    for token in tokens:
        if len(token) >= _SHORTEST and token.isalpha() and token not in everyday:
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

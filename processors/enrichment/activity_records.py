"""From a mention to its records of activity, which the detectors read: one for each brand. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from schemas.activity import MAX_ENTITIES, MAX_TERMS, Activity
from schemas.ids import author_hash
from schemas.mention import BrandMatch, Mention
from text.everyday import everyday_words
from text.tokens import folded_tokens


def activity_of(version: int, ingested_at: datetime, mention: Mention) -> list[Activity]:
    """One record for each brand of a mention, of that version of its post."""
    if not mention.brands:
        return []
    post, sentiment = mention.post, mention.sentiment
    author = author_hash(post.source, post.author.id)
    influence = mention.influence
    return [
        Activity(
            brand=brand.id,
            post_id=post.id,
            version=version,
            at=post.created_at,
            ingested_at=ingested_at,
            source=post.source,
            author=author,
            kind=post.kind,
            sentiment=None if towards is None else towards.label,
            score=None if towards is None else towards.score,
            reach=post.author.followers or 0,
            language=None if mention.language is None else mention.language.code,
            country=post.country,
            duplicate_group=mention.duplicate_group,
            duplicate_keys=mention.duplicate_keys,
            intents=mention.intents,
            emotion=None if mention.emotion is None else mention.emotion.label,
            account_age_days=None if influence is None else influence.account_age_days,
            url=post.url,
            terms=terms_of(mention, brand),
            entities=entities_of(mention, brand),
        )
        for brand in mention.brands
        for towards in (brand.sentiment or sentiment,)
    ]


MAX_TERM: Final = 80
"""Characters of a term, or of a name."""
_SIGNS: Final = "#＃@＠"
_MIN_LETTERS: Final = 4
"""Letters of a word that says something, in scripts with letters."""


def terms_of(mention: Mention, brand: BrandMatch) -> list[str]:
    """Distinct terms, hashtags first; links without their queries, so that copies are one."""
    named = _named(brand)
    terms = (
        term[:MAX_TERM] for term in _terms(mention) if named.isdisjoint((term, term.lstrip("#")))
    )
    return _distinct(terms, MAX_TERMS)


def entities_of(mention: Mention, brand: BrandMatch) -> list[str]:
    """Distinct entities but the brand itself: by the usual name if it is known, else as written."""
    named = _named(brand)
    names = (
        " ".join((entity.name or entity.text).split())[:MAX_TERM].rstrip()
        for entity in mention.entities
    )
    # What a recogniser takes for a name and is a hashtag or a handle is counted as such.
    others = (
        name
        for name in names
        if name and name[0] not in _SIGNS and not named.issuperset(folded_tokens(name))
    )
    return _distinct(others, MAX_ENTITIES)


def _distinct(values: Iterable[str], limit: int) -> list[str]:
    """The first values, each once."""
    distinct: dict[str, None] = {}
    for value in values:
        distinct[value] = None
        if len(distinct) == limit:
            break
    return list(distinct)


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
        if len(token) < _MIN_LETTERS or not token.isalpha():
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

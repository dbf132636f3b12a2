"""Turns a mention into activity records, one a brand, which the detectors read. Pure."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

from processors.enrichment.activity_terms import terms_of_post
from schemas.activity import MAX_ENTITIES, MAX_TERMS, Activity
from schemas.ids import author_hash
from schemas.mention import BrandMatch, Mention
from text.tokens import folded_form, folded_tokens

MAX_TERM: Final = 80
"""Characters of a term or of a name."""
_SIGNS: Final = "#＃@＠"


def activity_of(version: int, ingested_at: datetime, mention: Mention) -> list[Activity]:
    """One record for each brand of the mention; ``version`` is that of its post."""
    if not mention.brands:
        return []
    post, influence = mention.post, mention.influence
    # Once for all brands: a text may have thousands of distinct words.
    terms = list(dict.fromkeys(terms_of_post(mention)))
    author = author_hash(post.source, post.author.id)
    return [
        Activity(
            brand=brand.id,
            post_id=post.id,
            version=version,
            # A post is no younger than its ingestion, whatever its author's clock says.
            at=min(post.created_at, ingested_at),
            ingested_at=ingested_at,
            source=post.source,
            author=author,
            kind=post.kind,
            sentiment=None if sentiment is None else sentiment.label,
            score=None if sentiment is None else sentiment.score,
            reach=post.author.followers or 0,
            language=None if mention.language is None else mention.language.code,
            country=post.country,
            duplicate_group=mention.duplicate_group,
            duplicate_keys=mention.duplicate_keys,
            intents=mention.intents,
            emotion=None if mention.emotion is None else mention.emotion.label,
            account_age_days=None if influence is None else influence.account_age_days,
            url=post.url,
            terms=_without(brand, terms),
            entities=entities_of(mention, brand),
        )
        for brand in mention.brands
        for sentiment in (brand.sentiment or mention.sentiment,)
    ]


def terms_of(mention: Mention, brand: BrandMatch) -> list[str]:
    """Distinct terms, hashtags first. Links lose their queries, so copies of a link are equal."""
    return _without(brand, terms_of_post(mention))


def _without(brand: BrandMatch, terms: Iterable[str]) -> list[str]:
    words = _words_of(brand)
    others = (
        term[:MAX_TERM] for term in terms if term not in words and term.lstrip("#") not in words
    )
    return _distinct(others, MAX_TERMS)


def entities_of(mention: Mention, brand: BrandMatch) -> list[str]:
    """Distinct entities except the brand: the usual name if there is one, else as written."""
    brand_words = _words_of(brand)
    names = (
        " ".join((entity.name or entity.text).split())[:MAX_TERM].rstrip()
        for entity in mention.entities
    )
    # Hashtags and handles that a recogniser takes for names are counted as terms.
    others = (
        name
        for name in names
        if name and name[0] not in _SIGNS and not brand_words.issuperset(folded_tokens(name))
    )
    return _distinct(others, MAX_ENTITIES)


def _distinct(values: Iterable[str], limit: int) -> list[str]:
    distinct: dict[str, None] = {}
    for value in values:
        distinct[value] = None
        if len(distinct) == limit:
            break
    return list(distinct)


def _words_of(brand: BrandMatch) -> set[str]:
    return {word for match in brand.matches for word in _words_as_written(match.text)}


# A brand is written in few ways.
@lru_cache(maxsize=4_096)
def _words_as_written(name: str) -> tuple[str, ...]:
    """The words of a name, and it as one: in scripts without spaces each sign is a token."""
    return *folded_tokens(name), folded_form(name)

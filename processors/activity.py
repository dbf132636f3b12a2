"""From a mention to its records of activity, which the detectors read: one for each brand. Pure."""

from datetime import datetime

from processors.terms import entities_of, terms_of
from schemas.activity import Activity
from schemas.ids import author_hash
from schemas.mention import Mention


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

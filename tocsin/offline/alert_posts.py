"""The posts behind alerts, looked up in the index or in the file of a back-test."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processors.enrichment.activity_records import activity_of
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.errors import InvalidMessage
from schemas.ids import EPOCH, author_hash
from schemas.mention import Mention
from sinks.alerts.message.post_texts import (
    MAX_ABOUT,
    Basis,
    Published,
    author_of,
    lifted_of,
    published_post,
)

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from sinks.elasticsearch.connection import Hit

_MAX_RECENT: Final = 1_000
"""Posts of the alert's window that are read for handles and for what negative posts say."""
_WINDOW: Final = timedelta(minutes=30)
"""The window of an alert that does not say its own."""
_NEWEST: Final = [{"created_at": "desc"}]
_MIN_SAID: Final = 2
"""Negative posts with a word before it tells something."""


def published_in_index(client: "Elasticsearch", index: str, alert: Alert) -> Published:
    """What the index (the alias of mentions) holds of the alert's posts, and of their window."""
    wanted = {"ids": {"values": [post.id for post in alert.evidence.shown]}}
    length = timedelta(minutes=alert.headline.minutes) if alert.headline else None
    begin = alert.raised_at - (length or _WINDOW)
    between = {"gte": begin.isoformat(), "lte": alert.raised_at.isoformat()}
    recent = [{"term": {"brands": alert.brand}}, {"range": {"created_at": between}}]
    shown = mentions_of_index(client, index, wanted, len(alert.evidence.shown))
    around = mentions_of_index(client, index, {"bool": {"filter": recent}}, _MAX_RECENT)
    records = [record for m in around for record in activity_of(0, EPOCH, m)]
    return published(alert, [*around, *shown], records)


def published(alert: Alert, mentions: Sequence[Mention], records: Iterable[Activity]) -> Published:
    """``mentions``: those of the alert's posts and of other posts of its window; ``records``: of
    its window."""
    terms = lifted_of(alert.evidence)
    ids = {post.id for post in alert.evidence.shown}
    posts = {m.post.id: published_post(m, alert.brand, terms) for m in mentions if m.post.id in ids}
    handles = {
        author_hash(m.post.source, m.post.author.id): author_of(m)
        for m in mentions
        if m.post.author.handle
    }
    return Published(posts, handles, *about(alert, records))


def about(alert: Alert, records: Iterable[Activity]) -> tuple[list[str], Basis]:
    """What is said more than before; if nothing is, what most negative posts of ``records`` say."""
    lifted = lifted_of(alert.evidence)
    if lifted:
        return lifted[:MAX_ABOUT], "about"
    said = Counter(
        term
        for record in records
        if record.brand == alert.brand and record.sentiment == "negative"
        for term in {*record.terms, *record.entities}
    )
    common = sorted(said.items(), key=lambda item: (-item[1], item[0]))
    return [term for term, count in common if count >= _MIN_SAID][:MAX_ABOUT], "said"


def mentions_of_index(
    client: "Elasticsearch", index: str, query: Mapping[str, object], size: int
) -> list[Mention]:
    """The newest mentions of ``index`` (the alias) that a query finds, at most ``size``."""
    from sinks.elasticsearch.documents import mention_of

    if not size:
        return []
    answer = client.search(
        index=index, query=query, size=size, sort=_NEWEST, ignore_unavailable=True
    )
    hits: list[Hit] = answer["hits"]["hits"]
    mentions = []
    for hit in hits:
        try:
            mentions.append(mention_of(hit["_source"]))
        except (KeyError, ValueError, InvalidMessage):
            continue  # A tombstone, where the index has no alias that leaves them out.
    return mentions

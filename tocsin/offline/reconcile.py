"""Holds the index against Bluesky: sends deletes and erasures that fell into a gap."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from elasticsearch import Elasticsearch

from ingestors.bluesky.posts import SOURCE
from ingestors.bluesky.reconciliation import Findings, IndexedPost, Platform, reconcile
from ingestors.coerce import as_mapping, as_string, as_time
from schemas.errors import TocsinError
from schemas.post import PostEvent
from sinks.elasticsearch.connection import pages
from sinks.elasticsearch.indices.mappings import NOT_DELETED, IndexNames

PAGE = 500
MIN_JUDGED = 200
"""Posts from which the share of those that are gone is judged."""
MIN_FEW = 10
"""Of fewer posts than ``MIN_JUDGED``, only nearly all can be too many, from this number on."""
Send = Callable[[Sequence[PostEvent]], object]


class TooManyGone(TocsinError):
    """So many posts are gone that the platform's answers are doubted."""


def indexed_posts(
    client: Elasticsearch, names: IndexNames, since: datetime | None, until: datetime | None
) -> Iterator[IndexedPost]:
    """The posts of Bluesky in the index by their time, from ``since`` until before ``until``."""
    bounds = {"gte": since, "lt": until}
    written = {name: at.isoformat() for name, at in bounds.items() if at is not None}
    wanted = [{"term": {"source": SOURCE}}]
    query = {
        "bool": {
            "filter": [*wanted, *([{"range": {"created_at": written}}] if written else [])],
            **NOT_DELETED["bool"],
        }
    }
    found = pages(
        client.search,
        index=names.mentions_pattern,
        query=query,
        sort=[{"created_at": "asc"}, {"id": "asc"}],
        size=PAGE,
        source=["id", "author.id", "version", "created_at"],
        ignore_unavailable=True,
    )
    for page in found:
        for hit in page:
            post = _indexed_post(hit["_source"])
            if post is not None:
                yield post


def _indexed_post(document: object) -> IndexedPost | None:
    fields = as_mapping(document)
    author = as_string(as_mapping(fields.get("author")).get("id"))
    id_, created = as_string(fields.get("id")), as_time(fields.get("created_at"))
    version = fields.get("version")
    if id_ is None or author is None or created is None or type(version) is not int:
        return None
    return IndexedPost(id_, author, version, created)


def reconcile_index(
    posts: Iterator[IndexedPost],
    platform: Platform,
    now: Callable[[], datetime],
    findings: Findings,
    *,
    send: Send | None,
    max_gone: float,
) -> None:
    """Check every post; ``send`` gets the events, None only counts.

    Raises :class:`TooManyGone`, with the last chunk unsent, if more than the share ``max_gone`` of
    the posts are gone: a platform that answers nothing must not empty the index.
    """
    held: list[PostEvent] = []
    for events in reconcile(posts, platform, now(), findings):
        held += events
        if findings.checked < MIN_JUDGED:
            continue
        _judge(findings, max_gone)
        if send is not None and held:
            send(held)
        held = []
    if findings.checked < MIN_JUDGED and findings.checked >= MIN_FEW:
        _judge(findings, max(max_gone, 0.9))
    if send is not None and held:
        send(held)


def _judge(findings: Findings, max_gone: float) -> None:
    gone = findings.missing
    if gone > max_gone * findings.checked:
        raise TooManyGone(
            f"{gone} of {findings.checked} posts seem to be gone; if that is true, repeat it with "
            "a larger --max-gone"
        )

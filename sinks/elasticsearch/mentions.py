"""Mentions of the past, read from the index in the order of event time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from elasticsearch import Elasticsearch

from schemas.mention import Language, Mention, MentionUpsert
from schemas.post import Post
from sinks.elasticsearch.mappings import IndexNames

PAGE: Final = 2_000
_OF_POST: Final = frozenset(Post.__struct_fields__) - {"language"}
_OF_MENTION: Final = frozenset(Mention.__struct_fields__) - {"post", "brands", "language"}


def mentions_of(
    client: Elasticsearch, names: IndexNames, brand: str, first: datetime, end: datetime
) -> Iterator[MentionUpsert]:
    """The mentions of a brand whose event time is from ``first`` up to ``end``, without it."""
    query = {
        "bool": {
            "filter": [
                {"term": {"brands": brand}},
                {"range": {"created_at": {"gte": first.isoformat(), "lt": end.isoformat()}}},
            ]
        }
    }
    after: list[Any] | None = None
    while True:
        extra: dict[str, Any] = {} if after is None else {"search_after": after}
        page = client.search(
            index=names.mentions,
            query=query,
            size=PAGE,
            sort=[{"created_at": "asc"}, {"id": "asc"}],
            allow_partial_search_results=False,
            **extra,
        )["hits"]["hits"]
        for hit in page:
            yield mention_event_of(hit["_source"])
        if len(page) < PAGE:
            return
        after = page[-1]["sort"]


def mention_event_of(document: dict[str, Any]) -> MentionUpsert:
    """The event that a document was written from, as far as the index keeps it."""
    post = {name: document[name] for name in _OF_POST & document.keys()}
    if isinstance(post.get("labels"), list):
        post["labels"] = dict(label.split("=", 1) for label in post["labels"])
    given = {name: document[name] for name in _OF_MENTION & document.keys()}
    mention = msgspec.convert(
        {**given, "post": post, "brands": document.get("brand_matches", [])}, Mention
    )
    if "language" in document:
        mention.language = Language(
            code=document["language"], confidence=document.get("language_confidence", 1.0)
        )
    return MentionUpsert(
        id=mention.post.id,
        source=mention.post.source,
        version=document["version"],
        ingested_at=msgspec.convert(document["ingested_at"], datetime),
        enriched_at=msgspec.convert(document["enriched_at"], datetime),
        mention=mention,
    )

"""Past activity from the index: a detector's input that Kafka no longer retains."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from processors.enrichment.activity_records import activity_of
from runtime.settings import ElasticsearchSettings
from schemas.activity import Activity
from schemas.bounds import MAX_READ
from schemas.mention import Mention
from sinks.elasticsearch.connection import connect, elasticsearch_errors, pages
from sinks.elasticsearch.documents import from_document
from sinks.elasticsearch.indices.mappings import IndexNames
from text.fingerprint import duplicate_keys

_PAGE: Final = 2_000


def records_of_index(
    settings: ElasticsearchSettings, brand: str, first: datetime, end: datetime
) -> Iterator[Activity]:
    """A brand's records from ``first`` up to ``end`` in the order of event time, page by page."""
    names = IndexNames(settings)
    between = {"gte": first.isoformat(), "lt": end.isoformat()}
    filters = [{"term": {"brands": brand}}, {"range": {"created_at": between}}]
    with connect(settings) as client, elasticsearch_errors(settings):
        for page in pages(
            client.search,
            index=names.mentions,
            query={"bool": {"filter": filters}},
            sort=[{"created_at": "asc"}, {"id": "asc"}],
            size=_PAGE,
            allow_partial_search_results=False,
        ):
            events = [from_document(hit["_source"]) for hit in page]
            _give_keys([event.mention for event in events])
            for event in events:
                records = activity_of(event.version, event.ingested_at, event.mention)
                yield from (record for record in records if record.brand == brand)


def _give_keys(mentions: Sequence[Mention]) -> None:
    """Set the keys of copies, which the index does not keep, as today's version makes them."""
    marked = [mention for mention in mentions if mention.duplicate_group is not None]
    keys = duplicate_keys([mention.post.text[:MAX_READ] for mention in marked])
    for mention, own in zip(marked, keys, strict=True):
        mention.duplicate_keys = own

"""Records of activity of the past, from the index: a detector's input when Kafka has it no more."""

from collections.abc import Iterator
from datetime import datetime

from processors.enrichment.activity_records import activity_of
from runtime.settings import ElasticsearchSettings
from schemas.activity import Activity
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from sinks.elasticsearch.mappings import IndexNames
from sinks.elasticsearch.mentions import mentions_of


def records_of_index(
    settings: ElasticsearchSettings, brand: str, first: datetime, end: datetime
) -> Iterator[Activity]:
    """A brand's records from ``first`` up to ``end`` in the order of event time, page by page.

    Raises :class:`schemas.errors.ServiceUnavailable` where the index does not answer.
    """
    with connect(settings) as client, elasticsearch_errors(settings):
        for event in mentions_of(client, IndexNames(settings), brand, first, end):
            assert event.mention is not None
            records = activity_of(event.version, event.ingested_at, event.mention)
            yield from (record for record in records if record.brand == brand)

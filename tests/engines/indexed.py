"""Mentions in an index of their own, on a real Elasticsearch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from elasticsearch import Elasticsearch

from runtime.settings import ElasticsearchSettings
from schemas.mention import Mention
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import Operation, tombstone, upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup as setup_indices
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.queries.asked import WHEN
from tests.stack_fixtures import RunningEngines


@contextmanager
def indexed(
    engines: RunningEngines,
    prefix: str,
    mentions: Sequence[Mention],
    *more: Callable[[Operation], Operation],
) -> Iterator[tuple[Elasticsearch, ElasticsearchSettings]]:
    """Writes the mentions, a tombstone, and what ``more`` make of the first write."""
    settings = ElasticsearchSettings(url=engines.endpoints.elasticsearch, index_prefix=prefix)
    names = IndexNames(settings)
    operations = [upsert(make.enriched(mention, at=WHEN), names) for mention in mentions]
    operations += [make_operation(operations[0]) for make_operation in more]
    operations.append(tombstone("x:gone", "x", 1, operations[0].index, WHEN))
    with connect(settings) as client:
        setup_indices(client, settings, lambda line: None)
        assert len(write(client, operations).written) == len(operations)
        client.indices.refresh(index=names.mentions_pattern)
        yield client, settings

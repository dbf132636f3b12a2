"""The embedded Elasticsearch alone, filled with posts and alerts."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runtime.settings import ElasticsearchSettings
from schemas.alert import Alert
from schemas.mention import MentionUpsert
from sinks.alerts.store import merged
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from sinks.elasticsearch.writes.bulk import write
from tests.tower.questions.index import embedded


@contextmanager
def embedded_index() -> Iterator[ElasticsearchSettings]:
    """Where an empty index listens; it is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-test-", dir="/tmp") as folder,
        embedded(Path(folder)) as address,
    ):
        settings = ElasticsearchSettings(url=address)
        with connect(settings) as client:
            setup(client, settings, lambda line: None)
        yield settings


def fill(
    settings: ElasticsearchSettings, events: Sequence[MentionUpsert], alerts: Sequence[Alert] = ()
) -> None:
    """Write what the sinks would; it can be searched afterwards."""
    names = IndexNames(settings)
    with connect(settings) as client:
        operations = [upsert(event, names) for event in events]
        assert len(write(client, operations).written) == len(operations)
        for alert in alerts:
            client.index(index=names.alerts, id=alert.id, document=merged(alert, None))
        client.indices.refresh(index=f"{settings.index_prefix}*")

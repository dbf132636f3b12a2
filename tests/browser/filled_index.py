"""The embedded Elasticsearch alone, filled with posts and alerts."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runtime.settings import ElasticsearchSettings
from schemas.alert import Alert
from schemas.mention import MentionUpsert
from sinks.alerts.store import merged
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from sinks.elasticsearch.writes.bulk import write
from tocsin.local.stack.account import our_account
from tocsin.local.stack.embedded import EmbeddedElasticsearch, noida_binary
from tocsin.local.stack.ports import free_ports
from tocsin.local.stack.process import ChildProcess

READY_S: Final = 60.0


@contextmanager
def embedded_index() -> Iterator[ElasticsearchSettings]:
    """Where an empty index listens; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tocsin-test-", dir="/tmp") as folder:
        (port,) = free_ports(1)
        server = EmbeddedElasticsearch(noida_binary(), Path(folder) / "es", our_account(), port)
        server.prepare()
        process = ChildProcess(server.run_command())
        try:
            deadline = time.monotonic() + READY_S
            while not server.is_ready():
                assert process.exit_code is None, server.log.read_text()[-2_000:]
                assert time.monotonic() < deadline, "the embedded index did not start"
                time.sleep(0.05)
            settings = ElasticsearchSettings(url=server.address)
            with connect(settings) as client:
                setup(client, settings, lambda line: None)
            yield settings
        finally:
            process.kill()


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

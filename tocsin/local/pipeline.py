"""A whole pipeline on this machine: a stack, the topics and indices, and the services."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from brands.registry import publish_brands
from runtime.kafka.client import setup_topics
from runtime.kafka.lag import LagMeter
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from schemas.brand import Brand
from schemas.topic_registry import topics
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.setup import setup as setup_indices
from tocsin.local.stack import Endpoints, Progress, StackName, open_stack
from tocsin.local.stack.account import server_account
from tocsin.local.stack.selection import select_stack
from tocsin.local.supervisor import Service, Supervisor

HOME = Path(".tocsin")
"""Where stacks keep their data, below the folder that they are started in."""


def data_folder(name: str) -> Path:
    """``.tocsin/<name>`` here, or below /var/lib if the servers' account cannot reach that.

    Elasticsearch refuses to run as root; its other account cannot pass root's home. ``auto`` has
    the folder of the stack that it takes.
    """
    if name == "auto":
        name = select_stack().name
    here = (HOME / name).absolute()
    if server_account().barrier(here) is None:
        return here
    mark = hashlib.blake2b(str(here).encode(), digest_size=6).hexdigest()
    return Path("/var/lib/tocsin") / f"{name}-{mark}"


@dataclass(frozen=True)
class LocalOptions:
    stack: StackName
    folder: Path
    processors: int = 1
    fresh: bool = False


class LocalPipeline:
    """Starts in order and stops in the opposite order; use it as a context manager."""

    def __init__(self, options: LocalOptions, say: Progress) -> None:
        self.options = options
        self._say = say
        if options.fresh and options.stack != "external":
            shutil.rmtree(options.folder, ignore_errors=True)
        options.folder.mkdir(parents=True, exist_ok=True)
        self._stack = open_stack(options.stack, options.folder / "data")
        self.supervisor: Supervisor
        self.meter: LagMeter
        self.kafka: KafkaSettings
        self.elasticsearch: ElasticsearchSettings

    def __enter__(self) -> Self:
        endpoints = self._stack.start(self._say)
        try:
            self._prepare(endpoints)
        except BaseException:
            self._stack.stop()
            raise
        return self

    def _prepare(self, endpoints: Endpoints) -> None:
        self.kafka = load(KafkaSettings, bootstrap_servers=endpoints.kafka)
        self.elasticsearch = load(ElasticsearchSettings, url=endpoints.elasticsearch)
        setup_topics(self.kafka, topics().values())
        with connect(self.elasticsearch) as client:
            setup_indices(client, self.elasticsearch, lambda text: None)
        self.meter = LagMeter(self.kafka)
        self.supervisor = Supervisor(
            self.options.folder / "logs",
            {
                "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": endpoints.kafka,
                "TOCSIN_ELASTICSEARCH_URL": endpoints.elasticsearch,
                "TOCSIN_MONITOR_PORT": os.environ.get("TOCSIN_MONITOR_PORT", "0"),
                "TOCSIN_MONITOR_STATE_DIR": str(self.options.folder / "services"),
            },
        )

    def apply_brands(self, brands: Sequence[Brand]) -> None:
        publish_brands(self.kafka, brands, keep_others=False)

    def start_services(self) -> None:
        for number in range(1, self.options.processors + 1):
            name = "process" if self.options.processors == 1 else f"process-{number}"
            self.supervisor.start(name, ["process"])
        self.supervisor.start("sink", ["sink", "elasticsearch"])
        self.supervisor.start("detector", ["detector"])
        self.supervisor.start("alerts", ["sink", "alerts"])

    def start_ingest(self, name: str, arguments: Sequence[str]) -> Service:
        return self.supervisor.start(name, ["ingest", *arguments])

    def __exit__(self, *details: object) -> None:
        try:
            killed = self.supervisor.stop()
            if killed:
                self._say(f"had to kill {', '.join(killed)}")
        finally:
            # Also when the terminal is gone and the message fails.
            self.meter.close()
            self._stack.stop()

"""A whole pipeline on this machine: a stack, the topics and indices, and the services."""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from brands.registry import publish_brands
from runtime.kafka.client import setup_topics
from runtime.kafka.lag import LagMeter, TopicLag
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from schemas.topic_registry import topics
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.setup import setup as setup_indices
from tocsin.local.stack import Endpoints, open_stack
from tocsin.local.stack.account import server_account
from tocsin.local.stack.base import StackName
from tocsin.local.supervisor import Service, Supervisor

Say = Callable[[str], None]
HOME = Path(".tocsin")
"""Where stacks keep their data, below the folder that they are started in."""


def data_folder(name: str) -> Path:
    """``.tocsin/<name>`` here; for root, elsewhere if the servers' account cannot get in.

    Elasticsearch refuses to run as root, and the account that it gets instead cannot pass a folder
    that is closed to others, such as root's own.
    """
    here = (HOME / name).absolute()
    if server_account().barrier(here) is None:
        return here
    mark = hashlib.blake2b(str(here).encode(), digest_size=6).hexdigest()
    return Path("/var/lib/tocsin") / f"{name}-{mark}"


@dataclass(frozen=True)
class LocalOptions:
    """What to run."""

    stack: StackName
    folder: Path
    processors: int = 1
    fresh: bool = False


class LocalPipeline:
    """Starts in order and stops in the opposite order; use it as a context manager."""

    def __init__(self, wish: LocalOptions, say: Say) -> None:
        if wish.stack == "embedded" and wish.processors > 1:
            raise ConfigurationError(
                "the embedded stack serves one processor; take --stack engines for more"
            )
        self.wish = wish
        self._say = say
        if wish.fresh and wish.stack != "external":
            shutil.rmtree(wish.folder, ignore_errors=True)
        wish.folder.mkdir(parents=True, exist_ok=True)
        external = None
        if wish.stack == "external":
            external = Endpoints(
                load(KafkaSettings).bootstrap_servers, load(ElasticsearchSettings).url
            )
        self._stack = open_stack(wish.stack, wish.folder / "data", endpoints=external)
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
            self.wish.folder / "logs",
            {
                "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": endpoints.kafka,
                "TOCSIN_ELASTICSEARCH_URL": endpoints.elasticsearch,
                "TOCSIN_MONITOR_PORT": os.environ.get("TOCSIN_MONITOR_PORT", "0"),
            },
        )

    def apply_brands(self, brands: Sequence[Brand]) -> None:
        """Publish the brands; those that were there before and are not named go."""
        publish_brands(self.kafka, brands, keep_others=False)

    def start_services(self) -> None:
        """The processors, the sinks and the detector."""
        for number in range(1, self.wish.processors + 1):
            name = "process" if self.wish.processors == 1 else f"process-{number}"
            self.supervisor.start(name, ["process"])
        self.supervisor.start("sink", ["sink", "elasticsearch"])
        self.supervisor.start("detector", ["detector"])
        self.supervisor.start("alerts", ["sink", "alerts"])

    def start_ingest(self, name: str, arguments: Sequence[str]) -> Service:
        """One ingestor, such as ``["replay", "posts.jsonl"]``."""
        return self.supervisor.start(name, ["ingest", *arguments])

    def look(self) -> TopicLag:
        return self.meter.look()

    def __exit__(self, *details: object) -> None:
        try:
            killed = self.supervisor.stop()
            if killed:
                self._say(f"had to kill {', '.join(killed)}")
        finally:
            # Also when there is no terminal left to say it to.
            self.meter.close()
            self._stack.stop()

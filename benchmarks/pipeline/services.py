"""The services of one run, on topics and indices of their own, and the posts that they read."""

import contextlib
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.pipeline.meters import ready, wait_for
from brands.registry import publish_brands
from ingestors.generator.accounts import brands
from ingestors.generator.source import generate
from runtime.kafka.client import setup_topics
from runtime.kafka.topic_stats import LagMeter
from runtime.settings import ElasticsearchSettings, KafkaSettings
from schemas.codec import POST_EVENT
from schemas.post import PostUpsert
from schemas.topic_registry import topics
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.setup import setup as setup_indices
from tocsin.local.stack import Endpoints, open_stack
from tocsin.local.stack.ports import free_ports
from tocsin.local.supervisor import Supervisor


class Bench:
    """Topics, indices and services of one run."""

    def __init__(
        self,
        endpoints: Endpoints,
        folder: Path,
        *,
        processors: int = 1,
        partitions: int | None = None,
        tier: str = "auto",
    ) -> None:
        """``partitions``: of every topic; None: as the registry says."""
        name = uuid.uuid4().hex[:6]
        self.kafka = KafkaSettings(
            bootstrap_servers=endpoints.kafka,
            topic_prefix=f"b{name}.",
            group_prefix=f"b{name}.",
            partitions=partitions,
        )
        self.elasticsearch = ElasticsearchSettings(
            url=endpoints.elasticsearch, index_prefix=f"b{name}-"
        )
        setup_topics(self.kafka, topics().values())
        with connect(self.elasticsearch) as client:
            setup_indices(client, self.elasticsearch, lambda text: None)
        publish_brands(self.kafka, brands(), keep_others=False)
        names = [*(f"process-{number}" for number in range(processors)), "sink"]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.supervisor = Supervisor(
            folder,
            {
                "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": endpoints.kafka,
                "TOCSIN_KAFKA_TOPIC_PREFIX": self.kafka.topic_prefix,
                "TOCSIN_KAFKA_GROUP_PREFIX": self.kafka.group_prefix,
                "TOCSIN_ELASTICSEARCH_URL": endpoints.elasticsearch,
                "TOCSIN_ELASTICSEARCH_INDEX_PREFIX": self.elasticsearch.index_prefix,
                "TOCSIN_PROCESS_TIER": tier,
                # It scales by one worker process per core; threads inside would compete.
                "OMP_NUM_THREADS": "1",
            },
        )
        self.meter = LagMeter(self.kafka)

    def start(self) -> None:
        """Starts the services and waits until each is ready."""
        for name, port in self.ports.items():
            command = ["sink", "elasticsearch"] if name == "sink" else ["process"]
            self.supervisor.start(name, command, {"TOCSIN_MONITOR_PORT": str(port)})
        for port in self.ports.values():
            wait_for(partial(ready, port), "a service to be ready")
        # Ready does not mean assigned: a first post shows that all partitions are read.
        time.sleep(3)

    def ingest(self, file: Path) -> None:
        self.supervisor.start(
            "ingest", ["ingest", "replay", str(file)], {"TOCSIN_MONITOR_PORT": "0"}
        )

    def stop(self) -> None:
        self.supervisor.stop()
        self.meter.close()


def write_posts(path: Path, posts: int, match_share: float) -> tuple[int, int]:
    """Writes a file of post events; returns their number and how many name a brand."""
    start = datetime.now(UTC) - timedelta(hours=24)
    matching = round(posts * match_share)
    left = {True: matching, False: posts - matching}
    lines = []
    # A day with enough posts of either kind; about a third name no brand.
    for event in generate(3, posts * 4, start):
        if not isinstance(event, PostUpsert) or event.post.edited_at is not None:
            continue
        named = "brand" in event.post.labels
        if left[named]:
            left[named] -= 1
            lines.append(POST_EVENT.encode(event))
    path.write_bytes(b"\n".join(lines) + b"\n")
    return len(lines), matching - left[True]


@contextlib.contextmanager
def engines(folder: Path) -> Iterator[Endpoints]:
    """Real engines for the whole benchmark."""
    stack = open_stack("engines", folder / "engines")
    try:
        yield stack.start(lambda text: print(text, file=sys.stderr))
    finally:
        stack.stop()

"""A pipeline of real service processes on real engines, with its own topics and indices."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import ApiError, Elasticsearch
from kafka import KafkaProducer

from brands.registry import publish_brands
from runtime.kafka import client as kafka
from runtime.kafka.client import setup_topics
from runtime.kafka.reader import read_to_end
from runtime.kafka.topic_stats import LagMeter, TopicLag
from runtime.settings import ElasticsearchSettings, KafkaSettings
from schemas.brand import Brand
from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter
from schemas.topic_registry import CODECS, topics
from sinks.elasticsearch.connection import connect, pages
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup as setup_indices
from tests.stack_fixtures import RunningEngines

PATIENCE_S = 120.0
"""Maximum wait before a test fails; no test asserts a duration."""
SHARD_PATIENCE_S = 30.0
"""Maximum start of the shard of a new index."""
FAST = {"TOCSIN_PROCESS_ANNOTATORS": "language,brands,sentiment"}
"""Leaves out the entity models, which take seconds to load."""
BROKEN_SOCKETS = pytest.mark.filterwarnings(
    "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)
"""kafka-python leaves sockets to the garbage collector when a broker is gone."""


@dataclass
class Child:
    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    module: str = "tocsin"
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL, like a power cut."""
        assert self.process.poll() is None, f"{self.name} had ended before the kill"
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")


class Pipeline:
    def __init__(self, engines: RunningEngines, folder: Path) -> None:
        name = uuid.uuid4().hex[:8]
        self.engines = engines
        self.folder = folder
        self.kafka = KafkaSettings(
            bootstrap_servers=engines.endpoints.kafka,
            topic_prefix=f"t{name}.",
            group_prefix=f"t{name}.",
            partitions=4,
        )
        self.elasticsearch = ElasticsearchSettings(
            url=engines.endpoints.elasticsearch, index_prefix=f"t{name}-"
        )
        self.names = IndexNames(self.elasticsearch)
        self.client: Elasticsearch = connect(self.elasticsearch)
        self.children: list[Child] = []
        setup_topics(self.kafka, topics().values())
        setup_indices(self.client, self.elasticsearch, lambda text: None)
        self.meter = LagMeter(self.kafka)
        self._addresses = {
            "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "TOCSIN_KAFKA_TOPIC_PREFIX": self.kafka.topic_prefix,
            "TOCSIN_KAFKA_GROUP_PREFIX": self.kafka.group_prefix,
            "TOCSIN_ELASTICSEARCH_URL": self.elasticsearch.url,
            "TOCSIN_ELASTICSEARCH_INDEX_PREFIX": self.elasticsearch.index_prefix,
        }

    def start(
        self, name: str, *arguments: str, module: str = "tocsin", **environment: str
    ) -> Child:
        child = Child(
            name,
            arguments,
            {
                **self._addresses,
                "TOCSIN_MONITOR_PORT": "0",
                **environment,
            },
            self.folder / f"{name}.log",
            module,
        )
        self.children.append(child)
        return child

    def tocsin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tocsin", *arguments],
            env={**os.environ, **self._addresses},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def process(self, **environment: str) -> Child:
        return self.start("process", "process", **{**FAST, **environment})

    def sink(self, **environment: str) -> Child:
        return self.start("sink", "sink", "elasticsearch", **environment)

    def listen(self, brands: Sequence[Brand]) -> Child:
        """Publishes the brands and starts a sink and a processor; returns the processor."""
        self.apply(brands)
        self.sink()
        return self.process()

    def apply(self, brands: Sequence[Brand]) -> None:
        publish_brands(self.kafka, list(brands), keep_others=False)

    @contextmanager
    def producer(self) -> Iterator[KafkaProducer]:
        with closing(kafka.producer(self.kafka, "test")) as producer:
            yield producer
            producer.flush()

    def send(self, topic: str, messages: Iterable[Any]) -> None:
        """Sends messages of the topic's type, each under its key."""
        encode = CODECS[topic].encode
        key = "brand" if topic in ("activity", "alerts") else "id"
        self.produce(topic, [(getattr(m, key).encode(), encode(m)) for m in messages])

    def produce(self, topic: str, messages: Sequence[tuple[bytes | None, bytes]]) -> None:
        with self.producer() as producer:
            futures = [
                producer.send(self.kafka.topic_prefix + topic, key=key, value=value)
                for key, value in messages
            ]
            for future in futures:
                future.get(timeout=60)

    def read(self, topic: str) -> list[Any]:
        with closing(kafka.consumer(self.kafka, "test")) as consumer:
            return list(read_to_end(consumer, self.kafka.topic_prefix + topic))

    def dead_letters(self) -> list[DeadLetter]:
        return [DEAD_LETTER.decode(record.value) for record in self.read("dead-letters")]

    def search(self, **request: Any) -> Any:
        """Searches every shard; retries while a shard of a new index starts.

        The sink may create the index of a month at any moment. Until its first shard has started, a
        search answers 503 (``search_phase_execution_exception``), or skips that shard if partial
        results are allowed. Any other answer is an error at once.
        """
        deadline = time.monotonic() + SHARD_PATIENCE_S
        while True:
            try:
                return self.client.search(allow_partial_search_results=False, **request)
            except ApiError as error:
                if error.status_code != 503 or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def documents(self, tombstones: bool = False) -> dict[str, dict[str, Any]]:
        """Every document by id; fails if an id is in two indices."""
        index = self.names.mentions_pattern if tombstones else self.names.mentions
        pattern = self.names.mentions_pattern
        # A new index answers 503 until its shard has started.
        self.client.cluster.health(index=pattern, wait_for_status="green", timeout="30s")
        self.client.indices.refresh(index=pattern, ignore_unavailable=True)
        documents: dict[str, dict[str, Any]] = {}
        for page in pages(
            self.search,
            index=index,
            size=5_000,
            sort=[{"id": "asc"}],
            ignore_unavailable=True,
            seq_no_primary_term=False,
            version=True,
        ):
            for hit in page:
                assert hit["_id"] not in documents, f"{hit['_id']} is in the index twice"
                documents[hit["_id"]] = {**hit["_source"], "_version": hit["_version"]}
        return documents

    def wait(self, what: str, condition: Callable[[], bool], dying: bool = False) -> None:
        """Polls until ``condition`` holds; with ``dying``, services may end meanwhile."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            for child in self.children:
                status = child.process.poll()
                if not dying and status not in (None, 0, -signal.SIGKILL):
                    raise AssertionError(
                        f"{child.name} ended ({status}):\n{child.output()[-4000:]}"
                    )
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {c.name}\n{c.output()[-2000:]}" for c in self.children)
                raise AssertionError(f"timeout waiting for {what}: {self.meter.look()}\n{logs}")
            time.sleep(0.1)

    def wait_until_idle(self, at_least: int) -> TopicLag:
        """Waits until ``at_least`` posts were written and no consumer has lag."""

        def idle() -> bool:
            flow = self.meter.look()
            return flow.written["posts"] >= at_least and flow.idle and self.meter.look() == flow

        self.wait(f"{at_least} posts to come through", idle)
        return self.meter.look()

    def close(self) -> None:
        for child in reversed(self.children):
            child.stop()
        self.meter.close()
        self.client.close()

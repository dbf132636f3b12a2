"""A sink between a Kafka in memory and a fake Elasticsearch; time passes with its polls."""

from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Event
from typing import Any

from elasticsearch import Elasticsearch
from kafka.structs import TopicPartition
from prometheus_client import REGISTRY

from runtime.health import Health
from runtime.settings import ElasticsearchSettings, SinkSettings
from schemas.codec import DEAD_LETTER, MENTION_EVENT
from schemas.dead_letter import DeadLetter
from schemas.mention import MentionEvent
from sinks.elasticsearch.indices.mappings import templates
from sinks.elasticsearch.sink import GROUP, ElasticsearchSink
from tests.make import AT
from tests.runtime.kafka.fake_kafka import FakeConsumer, FakeKafka
from tests.servers.elasticsearch import ElasticsearchServer
from tests.sinks.elasticsearch.events import NAMES

TOPIC = "t.mentions"
ZERO, ONE = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
MAX_POLLS = 4_000
POLL_S = 0.5


class WatchedConsumer(FakeConsumer):
    """Calls ``on_poll`` before each poll."""

    on_poll: Callable[[], None]

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        self.on_poll()
        return super().poll(timeout_ms, max_records)


class SinkRig:
    """Make another on the same Kafka and server for a restart."""

    def __init__(
        self,
        kafka: FakeKafka,
        server: ElasticsearchServer,
        client: Elasticsearch,
        *,
        on_written: Callable[[MentionEvent], None] = lambda event: None,
        clock: Callable[[], datetime] = lambda: AT,
        **settings: Any,
    ) -> None:
        self.kafka = kafka
        self.server = server
        server.templates = server.templates or templates(ElasticsearchSettings())
        self.health = Health("sink-elasticsearch")
        self.consumer = WatchedConsumer(kafka, GROUP)
        self.polls = 0
        self.now = 0.0
        defaults = {"retry_first_s": 0.001, "retry_max_s": 0.002, "batch_within_s": 0.001}
        self.sink = ElasticsearchSink(
            self.consumer,
            kafka,
            client,
            names=NAMES,
            topic_prefix="t.",
            settings=SinkSettings(**{**defaults, **settings}),
            health=self.health,
            clock=clock,
            on_written=on_written,
            monotonic=lambda: self.now,
        )

    def run(self, until: Callable[[], bool]) -> None:
        """Run until a poll finds ``until`` true; fails if it never is."""
        stop = Event()

        def on_poll() -> None:
            self.polls += 1
            self.now += POLL_S
            assert self.polls < MAX_POLLS, "it never came to an end"
            if until():
                stop.set()

        self.consumer.on_poll = on_poll
        self.sink.run(stop)

    def run_until_committed(self) -> None:
        self.run(lambda: self.all_committed())

    def all_committed(self) -> bool:
        return all(
            (self.committed(TopicPartition(TOPIC, partition)) or 0)
            == self.kafka.end(TopicPartition(TOPIC, partition))
            for partition in self.kafka.partitions
        )

    def committed(self, tp: TopicPartition = ZERO) -> int | None:
        return self.kafka.committed.get((GROUP, tp))

    def letters(self) -> list[DeadLetter]:
        return [
            DEAD_LETTER.decode(record.value or b"") for record in self.kafka.log["t.dead-letters"]
        ]

    def replay(self) -> None:
        """Send the payload of each letter again."""
        for letter in self.letters():
            self.kafka.send(TOPIC, key=letter.key, value=letter.payload)


def send(kafka: FakeKafka, events: Iterable[MentionEvent | bytes], partition: int = 0) -> None:
    for event in events:
        value = event if isinstance(event, bytes) else MENTION_EVENT.encode(event)
        kafka.send(TOPIC, key=b"key", value=value, partition=partition)


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"tocsin_sink_{name}", {"sink": "elasticsearch", **labels})

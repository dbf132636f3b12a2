"""Sends crises through the running services and records when each passes each stage.

Some invented brands have hours of ordinary posts, sent by event time at full speed. Then ordinary
posts continue in real time, and storms begin at one brand after the other. The services are those
of ``tocsin up`` (process, detector, alerts), on real engines; the desk is a local webhook.
"""

import itertools
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.pipeline.meters import ready, scrape, wait_for
from benchmarks.pipeline.services import engines
from brands.registry import publish_brands
from runtime.kafka import client as kafka
from runtime.kafka.client import setup_topics
from runtime.kafka.reader import read_to_end
from runtime.kafka.topic_stats import LagMeter
from runtime.settings import ElasticsearchSettings, KafkaSettings
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.codec import ACTIVITY, ALERT, POST_EVENT
from schemas.ids import microseconds
from schemas.post import Author, Post, PostEvent, PostUpsert
from schemas.topic_registry import topics
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.setup import setup as setup_indices
from tests.servers.http import Answer, FakeHttp, Received
from tocsin.local.stack import Endpoints
from tocsin.local.stack.ports import free_ports
from tocsin.local.supervisor import Supervisor

HISTORY: Final = timedelta(hours=4)
"""A brand has no alerts in its first three hours."""
USUAL: Final = 1.0
"""Ordinary posts per brand and minute."""
RATES: Final = (12.0, 20.0, 30.0, 60.0)
"""Posts per minute of a storm; brands take the values in turn."""
LASTS: Final = timedelta(minutes=5)
APART: Final = timedelta(seconds=11)
"""Interval between two storms; it spreads their starts over the seconds of a minute."""
_SERVICES: Final = {
    "process": ["process"],
    "detector": ["detector"],
    "alerts": ["sink", "alerts"],
}
_ORDINARY: Final = (
    "Just ordered from {name} again",
    "{name} opens a second shop in town",
    "Is {name} open on Sunday?",
    "Really happy with my new {name} bag, thanks",
    "Waiting for my parcel from {name}",
)
_STORMY: Final = (
    "{name} lost all my money and nobody answers, this is a disgrace",
    "Third time this week that {name} is down. Awful, I am furious",
    "Never again {name}! They broke it and refuse to pay",
    "{name} support hung up on me, worst service ever",
    "So {name} charged me twice and it is still not fixed, terrible",
)


class Sent(NamedTuple):
    """A post to send: its time, its brand, and whether it belongs to a storm."""

    at: datetime
    brand: Brand
    stormy: bool


def _at(sent: Sent) -> datetime:
    return sent.at


class Seen(NamedTuple):
    """Observations of all crises."""

    records: dict[str, list[tuple[Activity, float]]]
    """Of each brand, in Kafka's order, with the time at which Kafka had them."""
    decided: dict[str, tuple[Alert, float]]
    """The first alert of each brand, and when Kafka had it."""
    delivered: Mapping[tuple[str, int], float]
    """When the webhook was called, by id and version of the alert. Seconds since 1970."""


def brands(count: int) -> list[Brand]:
    """Invented brands, each named by an unused word."""
    parts = itertools.product(("kel", "mir", "zan", "tor", "vel"), ("varo", "timo", "quist", "dra"))
    names = [f"{first}{last}".title() for first, last in parts]
    if count > len(names):
        raise ValueError(f"there are {len(names)} brands")
    return [Brand(id=name.lower(), name=name) for name in names[:count]]


def arrivals(
    brand: Brand, first: datetime, end: datetime, per_minute: float, pick: random.Random
) -> Iterator[Sent]:
    """Random times of posts, with a mean rate per minute."""
    stormy, at = per_minute > USUAL, first
    while (at := at + timedelta(minutes=pick.expovariate(per_minute))) < end:
        yield Sent(at, brand, stormy)


def storms(chosen: Sequence[Brand], begin: datetime, seed: int = 7) -> list[Sent]:
    """The posts of the real-time part, in order of time."""
    pick = random.Random(seed)
    sent: list[Sent] = []
    end = begin + len(chosen) * APART + LASTS
    for number, (brand, rate) in enumerate(zip(chosen, itertools.cycle(RATES), strict=False)):
        sent += arrivals(brand, begin, end, USUAL, pick)
        began = begin + number * APART
        sent += arrivals(brand, began, began + LASTS, rate, pick)
    return sorted(sent, key=_at)


def event_of(sent: Sent, number: int, read_at: datetime) -> PostEvent:
    """The post as an ingestor would send it."""
    text = random.Random(number).choice(_STORMY if sent.stormy else _ORDINARY)
    native = f"latency:{number}"
    post = Post(
        id=native,
        source="latency",
        author=Author(id=str(number), followers=number % 900),
        text=f"{text.format(name=sent.brand.name)} {number}",
        created_at=sent.at,
    )
    return PostUpsert(
        id=native,
        source="latency",
        version=microseconds(sent.at),
        ingested_at=read_at,
        post=post,
    )


class Desk:
    """A webhook that accepts everything and records the time."""

    def __init__(self) -> None:
        self.delivered: dict[tuple[str, int], float] = {}

    @contextmanager
    def open(self) -> Iterator[str]:
        """Starts the server; returns its address."""
        with FakeHttp(decide=self._take) as server:
            yield f"{server.url}/hook"

    def _take(self, request: Received) -> Answer:
        alert = request.json["alert"]
        self.delivered.setdefault((alert["id"], alert["version"]), time.time())
        return Answer()


class Stage:
    """Topics, indices and services of one run."""

    def __init__(self, endpoints: Endpoints, folder: Path, chosen: Sequence[Brand]) -> None:
        self.brands = chosen
        self._folder = folder
        self.kafka = KafkaSettings(bootstrap_servers=endpoints.kafka)
        elasticsearch = ElasticsearchSettings(url=endpoints.elasticsearch)
        setup_topics(self.kafka, topics().values())
        with connect(elasticsearch) as client:
            setup_indices(client, elasticsearch, lambda text: None)
        publish_brands(self.kafka, list(chosen), keep_others=False)
        self.ports = dict(zip(_SERVICES, free_ports(len(_SERVICES)), strict=True))
        self.supervisor = Supervisor(
            folder / "services",
            {
                "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": endpoints.kafka,
                "TOCSIN_ELASTICSEARCH_URL": endpoints.elasticsearch,
                "OMP_NUM_THREADS": "1",
            },
        )
        self._producer = kafka.producer(self.kafka, "latency", linger_ms=0)
        self._meter = LagMeter(self.kafka)
        self._number = 0

    def start(self, hook: str) -> None:
        """Starts the services and waits until each is ready."""
        (self._folder / "secret").write_text("the key of a benchmark")
        channels = self._folder / "channels.yaml"
        entry = {"name": "desk", "kind": "webhook", "url": hook, "secret_file": "secret"}
        channels.write_text(json.dumps({"channels": [entry]}))
        for name, command in _SERVICES.items():
            environment = {"TOCSIN_MONITOR_PORT": str(self.ports[name])}
            if name == "alerts":
                environment["TOCSIN_ALERTS_CHANNELS"] = str(channels)
                environment["TOCSIN_ALERTS_ALLOW_PRIVATE"] = "true"
            self.supervisor.start(name, command, environment)
        for name, port in self.ports.items():
            wait_for(partial(ready, port), f"{name} to be ready")

    def send(self, sent: Sent) -> None:
        """Sends to ``posts`` with the current time of ingestion."""
        self._number += 1
        event = event_of(sent, self._number, datetime.now(UTC))
        self._producer.send(
            self.kafka.topic_prefix + "posts", key=event.id.encode(), value=POST_EVENT.encode(event)
        )

    def wait_until_counted(self) -> None:
        """Waits until the detector has read the records of all sent posts."""
        self._producer.flush()
        wait_for(lambda: not self._meter.look().lag["posts"], "the posts to be read", 600)
        written = self._meter.look().written["activity"]
        wait_for(lambda: self._read() >= written, "the detector to read it all")

    def _read(self) -> float:
        samples = scrape(self.ports["detector"])
        return sum(value for name, _, value in samples if name == "tocsin_detector_records_total")

    def stop(self) -> None:
        """Stops the services first."""
        self.supervisor.stop()
        self._producer.close()
        self._meter.close()

    def read(self, topic: str) -> list[Any]:
        """All messages of a topic, in order within each partition."""
        consumer = kafka.consumer(self.kafka, "latency")
        try:
            return list(read_to_end(consumer, self.kafka.topic_prefix + topic))
        finally:
            consumer.close()


def run(folder: Path, crises: int) -> Seen:
    """Plays the crises and returns the observations; takes about ten minutes."""
    desk, chosen = Desk(), brands(crises)
    with engines(folder) as endpoints, desk.open() as hook:
        stage = Stage(endpoints, folder, chosen)
        try:
            stage.start(hook)
            _lay_history(stage)
            for sent in storms(chosen, datetime.now(UTC)):
                time.sleep(max((sent.at - datetime.now(UTC)).total_seconds(), 0))
                stage.send(sent._replace(at=datetime.now(UTC)))
            stage.wait_until_counted()
            time.sleep(10)
            return _seen(stage, desk)
        finally:
            stage.stop()


def _lay_history(stage: Stage) -> None:
    pick, now = random.Random(3), datetime.now(UTC)
    posts = [
        one for brand in stage.brands for one in arrivals(brand, now - HISTORY, now, USUAL, pick)
    ]
    for sent in sorted(posts, key=_at):
        stage.send(sent)
    stage.wait_until_counted()


def _seen(stage: Stage, desk: Desk) -> Seen:
    records: dict[str, list[tuple[Activity, float]]] = {}
    for message in stage.read("activity"):
        record = ACTIVITY.decode(message.value)
        records.setdefault(record.brand, []).append((record, message.timestamp / 1000))
    decided: dict[str, tuple[Alert, float]] = {}
    for message in stage.read("alerts"):
        alert = ALERT.decode(message.value)
        if alert.kind == "crisis" and alert.status == "open":
            decided.setdefault(alert.brand, (alert, message.timestamp / 1000))
    return Seen(records, decided, dict(desk.delivered))

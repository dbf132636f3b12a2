"""The pipeline of a scenario: services by role, a feeder of the ledger, an exact comparison."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from runtime.kafka import client as kafka
from schemas.codec import ACTIVITY
from schemas.ids import author_hash
from sinks.elasticsearch.documents import removal_key
from sinks.elasticsearch.lookup import documents
from tests.chaos.gauges import committed_offsets, metric
from tests.chaos.ledger import (
    BRANDS,
    SOURCE,
    Coordinate,
    Difference,
    Ledger,
    Sent,
    compare_activity,
    compare_letters,
    compare_versions,
    expected,
)
from tests.engines.pipeline import FAST, Child, Pipeline
from tests.stack_fixtures import RunningEngines
from tocsin.local.stack.ports import free_ports

LIGHT = {"TOCSIN_PROCESS_ANNOTATORS": "brands"}
"""Starts within two seconds: for services that are killed a hundred times."""
PATIENCE_S = 420.0
"""Maximum wait for a condition; the machine may be busy. No scenario asserts a duration."""
SLOWEST_PER_S = 300.0
"""Messages a second that a busy machine handles at least: a long stream gets more patience."""
SETTLE_S = 90.0
"""Maximum wait for the index after the end of the stream: refreshes, and sweeps of erasures."""
MAX_HITS = 10_000
"""Elasticsearch returns no more in one answer."""
_FINAL = (0, -signal.SIGKILL)
QUICK_RETRIES = {"TOCSIN_SINK_RETRY_FIRST_S": "0.1", "TOCSIN_SINK_RETRY_MAX_S": "1"}


class ChaosPipeline(Pipeline):
    """A :class:`Pipeline` whose services have known monitor ports, and may be restarted.

    ``through``: variables that lead services through proxies.
    """

    def __init__(self, engines: RunningEngines, folder: Path) -> None:
        super().__init__(engines, folder)
        self.ports: dict[str, int] = {}
        self.through: dict[str, str] = {}
        self.restarts = 0

    def start(
        self, name: str, *arguments: str, module: str = "tocsin", **environment: str
    ) -> Child:
        (self.ports[name],) = free_ports(1)
        monitor = {"TOCSIN_MONITOR_PORT": str(self.ports[name])}
        return super().start(
            name, *arguments, module=module, **{**self.through, **monitor, **environment}
        )

    def role(self, role: str, number: int = 1, **environment: str) -> Child:
        """A service by the name of its role, with small batches, so that a kill meets many."""
        name = role if number == 1 else f"{role}-{number}"
        match role:
            case "process":
                return self.start(
                    name, "process", **{**LIGHT, "TOCSIN_PROCESS_BATCH_SIZE": "100", **environment}
                )
            case "sink":
                defaults = {**QUICK_RETRIES, "TOCSIN_SINK_BATCH_SIZE": "100"}
                return self.start(name, "sink", "elasticsearch", **{**defaults, **environment})
            case "detector":
                return self.start(name, "detector", **{**DETECTOR, **environment})
        raise ValueError(role)

    def both(self, **environment: str) -> tuple[Child, Child]:
        """A processor with light annotators, and a sink."""
        self.apply(BRANDS)
        return self.role("process", **{**FAST, **environment}), self.role("sink", **environment)

    def alerts(self, *channels: dict[str, Any], **environment: str) -> Child:
        """The sink of alerts with these channels; their secret is in a file in the same folder."""
        (self.folder / "secret").write_text("correct-horse-battery")
        path = self.folder / "channels.yaml"
        path.write_text(json.dumps({"channels": channels}))
        settings = {
            "TOCSIN_ALERTS_CHANNELS": str(path),
            "TOCSIN_ALERTS_ALLOW_PRIVATE": "true",
            "TOCSIN_ALERTS_RETRY_FIRST_S": "0.1",
            "TOCSIN_ALERTS_RETRY_MAX_S": "0.5",
        }
        return self.start("alerts", "sink", "alerts", **{**settings, **environment})

    def wait(
        self,
        what: str,
        condition: Callable[[], bool],
        dying: bool = False,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Polls until ``condition`` holds; with ``dying``, services that end are started again."""
        deadline = time.monotonic() + patience_s
        while not condition():
            for child in self.children:
                status = child.process.poll()
                if status is None or status in _FINAL:
                    continue
                if not dying:
                    said = child.output()[-4000:]
                    raise AssertionError(f"{child.name} ended ({status}):\n{said}")
                self.restarts += 1
                child.start()
                time.sleep(0.5)
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {c.name}\n{c.output()[-2000:]}" for c in self.children)
                raise AssertionError(f"timeout waiting for {what}: {self.meter.look()}\n{logs}")
            time.sleep(0.1)

    def committed(self, group: str) -> int:
        """Messages that the group has committed, over all partitions."""
        return sum(committed_offsets(self.kafka, [group])[group].values())

    def metric(self, child: Child, name: str, **labels: str) -> float:
        return metric(self.ports[child.name], name, **labels)

    def drain(self, written: int, dying: bool = False) -> None:
        """Waits until all is written and nobody has lag."""

        def idle() -> bool:
            flow = self.meter.look()
            return flow.written["posts"] >= written and flow.idle

        patience_s = max(PATIENCE_S, written / SLOWEST_PER_S)
        self.wait("the end of the stream", lambda: idle() and idle(), dying, patience_s)

    def sweep(self) -> None:
        """Start the sinks anew; the one with the first partition sweeps erasures at once: a post of
        an erased author may have come later, from another partition. While it runs, it sweeps
        hourly."""
        sinks = [child for child in self.children if child.name.partition("-")[0] == "sink"]
        for sink in sinks:
            sink.stop()
        for sink in sinks:
            sink.start()

    def compare(self, feeder: "Feeder", settle_s: float = SETTLE_S) -> Difference:
        """The index, the activity and the letters against the ledger, exactly.

        Kafka refreshes at once and Elasticsearch within a second, so the index may need a moment.
        """
        wanted = expected(feeder.ledger.sent)
        deadline = time.monotonic() + settle_s
        while True:
            versions = {id_: found["_version"] for id_, found in self.documents().items()}
            total = compare_versions(wanted.versions, versions)
            if not (total.lost or total.doubled) or time.monotonic() > deadline:
                break
            time.sleep(1)
        tombstones = self.documents(tombstones=True).keys() - versions.keys()
        unmarked = self.without_removal(wanted.deleted - tombstones)
        total.lost += [f"the tombstone of {id_}" for id_ in unmarked]
        records = [ACTIVITY.decode(record.value) for record in self.read("activity")]
        keys = [(record.brand, record.post_id, record.version) for record in records]
        topic = self.kafka.topic_prefix + "posts"
        for part in (
            compare_activity(wanted.activity, keys),
            compare_letters(feeder.poison, self.dead_letters(), topic),
        ):
            total.lost += part.lost
            total.doubled += part.doubled
            total.repeated += part.repeated
        return total

    def without_removal(self, ids: Iterable[str]) -> list[str]:
        """Those of the posts whose delete is not recorded; it is, where no index had the post."""
        keys = {removal_key(id_): id_ for id_ in ids}
        wanted = [(self.names.removals, key) for key in keys]
        recorded = {found["_id"] for found in documents(self.client, wanted)}
        return sorted(keys[key] for key in keys.keys() - recorded)

    def holders_of(self, author: str) -> list[str]:
        """The indices that hold this author, but for the list of erasures."""
        pattern = f"{self.elasticsearch.index_prefix}*"
        self.client.indices.refresh(index=pattern)
        holders = []
        for index in self.client.indices.get(index=pattern):
            hits = self.search(index=index, size=MAX_HITS)["hits"]["hits"]
            assert len(hits) < MAX_HITS, f"{index} holds too much to be searched whole"
            marks = (author, author_hash(SOURCE, author))
            held = any(mark in json.dumps(hit) for hit in hits for mark in marks)
            if held and index != self.names.erasures:
                holders.append(index)
        return sorted(holders)


DETECTOR = {
    "TOCSIN_DETECTOR_SNAPSHOT_INTERVAL_S": "1",
    "TOCSIN_DETECTOR_TICK_INTERVAL_S": "1",
    "TOCSIN_DETECTOR_BATCH_SIZE": "100",
    # The clock closes no minute, so records that are sent later are not late.
    "TOCSIN_DETECTOR_GRACE_S": "3600",
}


class Feeder:
    """Sends a ledger to ``posts``: at a rate on a thread of its own, or at once."""

    def __init__(self, pipeline: ChaosPipeline, ledger: Ledger) -> None:
        self.ledger = ledger
        self.poison: dict[Coordinate, bytes] = {}
        """Where Kafka put the messages that nobody can read."""
        self._topic = pipeline.kafka.topic_prefix + "posts"
        self._settings = pipeline.kafka
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble: BaseException | None = None
        self._answered = time.monotonic()

    @property
    def waits_s(self) -> float:
        """How long Kafka has acknowledged nothing of the stream."""
        return time.monotonic() - self._answered

    def send(self, messages: Iterable[Sent]) -> int:
        """Sends messages now; returns how many, once Kafka has them."""
        producer = kafka.producer(self._settings, "ledger")
        try:
            return self._send(producer, messages)
        finally:
            kafka.close(producer, timeout_s=30)

    def _send(self, producer: KafkaProducer, messages: Iterable[Sent]) -> int:
        futures = [
            (message, producer.send(self._topic, key=message.key, value=message.value))
            for message in messages
        ]
        for message, future in futures:
            placed = future.get(timeout=300)
            if message.event is None:
                self.poison[Coordinate(placed.partition, placed.offset)] = message.value
        return len(futures)

    def start(self, per_second: float) -> None:
        """Sends at this rate until :meth:`finish`."""
        self._thread = threading.Thread(target=self._run, args=(per_second,), daemon=True)
        self._thread.start()

    def _run(self, per_second: float) -> None:
        producer = kafka.producer(self._settings, "ledger", delivery_timeout_s=900.0)
        began, done = time.monotonic(), 0
        try:
            while not self._stop.wait(0.2):
                due = int((time.monotonic() - began) * per_second) - done
                done += self._send(producer, self.ledger.events(due))
                self._answered = time.monotonic()
        except BaseException as error:  # noqa: BLE001
            self._trouble = error
        finally:
            kafka.close(producer, timeout_s=30)

    def finish(self) -> int:
        """Ends the stream; returns the number of messages that were sent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(600)
        if self._trouble is not None:
            raise AssertionError("the ledger could not be sent") from self._trouble
        return len(self.ledger.sent)

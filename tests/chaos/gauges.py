"""Watches the services of a scenario from outside: memory, descriptors, threads, commits, health.

One thread looks every ``EVERY_S`` seconds. What it finds wrong is in :meth:`Gauges.faults`.
"""

import contextlib
import http.client
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psutil
from kafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from runtime.kafka import client as kafka
from runtime.kafka.reader import partitions_of
from runtime.settings import KafkaSettings
from schemas.errors import TocsinError
from tests.engines.pipeline import Child

EVERY_S = 2.0
COMMITS_EVERY = 3
"""Looks at processes for each look at the commits, which costs Kafka more."""
WARM_S = 60.0
"""A service may grow for so long after its start: models, buffers, connections."""
MIN_SPAN_S = 300.0
"""A shorter span says nothing about growth."""
MAX_BYTES_PER_MINUTE = 2**20
MAX_MORE = 20
"""Descriptors and threads that may come on top after the warm-up."""
MAX_STILL_S = 60.0
"""A service that says it is well, and has lag, must commit within this."""
GROUPS = {"process": "posts", "sink-elasticsearch": "mentions", "detector": "activity"}
"""Consumer group to its topic."""


class Usage(NamedTuple):
    at: float
    rss: int
    descriptors: int
    threads: int


@dataclass
class _Life:
    """One process from its start to its end."""

    name: str
    usages: list[Usage] = field(default_factory=list)


class Gauges:
    """A context manager around a scenario. ``ports``: name of a service to its monitor port."""

    def __init__(
        self,
        settings: KafkaSettings,
        children: Callable[[], list[Child]],
        ports: Mapping[str, int],
        groups: Mapping[str, str] = GROUPS,
    ) -> None:
        self._settings, self._children, self._ports = settings, children, ports
        self._groups = dict(groups)
        self._lives: dict[int, _Life] = {}
        self._committed: dict[tuple[str, Any], int] = {}
        self._moved: dict[str, float] = {}
        self._well_since: dict[str, float] = {}
        self._wrong: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gauges", daemon=True)

    def __enter__(self) -> "Gauges":
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        rounds = 0
        while not self._stop.wait(EVERY_S):
            self._look_at_processes()
            rounds += 1
            if rounds % COMMITS_EVERY:
                continue
            with contextlib.suppress(TocsinError, KafkaError, OSError, AssertionError, KeyError):
                self._look_at_commits()

    def _look_at_processes(self) -> None:
        for child in self._children():
            if child.process.poll() is not None:
                continue
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(child.process.pid)
                with process.oneshot():
                    usage = Usage(
                        time.monotonic(),
                        process.memory_info().rss,
                        process.num_fds(),
                        process.num_threads(),
                    )
                life = self._lives.setdefault(child.process.pid, _Life(child.name))
                life.usages.append(usage)

    def _look_at_commits(self) -> None:
        committed = committed_offsets(self._settings, list(self._groups))
        lag = lag_of(self._settings, committed, self._groups)
        now = time.monotonic()
        for group, offsets in committed.items():
            for tp, offset in offsets.items():
                before = self._committed.get((group, tp), 0)
                if offset < before:
                    self._wrong.append(f"{group} went back on {tp} from {before} to {offset}")
                if offset != before:
                    self._moved[group] = now
                self._committed[group, tp] = offset
            self._look_at_health(group, lag.get(group, 0), now)

    def _look_at_health(self, group: str, lag: int, now: float) -> None:
        """All copies well, lag, and no commit for a minute: one of them lies."""
        names = [child.name for child in self._children() if _group_of(child) == group]
        well = bool(names) and all(self._is_well(name) for name in names)
        if not well or not lag:
            self._well_since.pop(group, None)
            return
        since = max(self._well_since.setdefault(group, now), self._moved.get(group, 0.0))
        if now - since > MAX_STILL_S:
            self._wrong.append(f"{group} said it was well, and committed nothing for a minute")
            self._well_since[group] = now

    def _is_well(self, name: str) -> bool:
        port = self._ports.get(name)
        return port is not None and all(
            get(port, path)[0] == 200 for path in ("/healthz", "/readyz")
        )

    def faults(self) -> list[str]:
        """What is wrong, in sentences; call it after the end."""
        wrong = list(dict.fromkeys(self._wrong))
        for life in self._lives.values():
            wrong += growth(life.name, life.usages)
        return wrong

    @property
    def peak_megabytes(self) -> dict[str, int]:
        """The largest memory of each service."""
        peaks: dict[str, int] = defaultdict(int)
        for life in self._lives.values():
            most = max((usage.rss for usage in life.usages), default=0)
            peaks[life.name] = max(peaks[life.name], most // 2**20)
        return dict(peaks)


def growth(name: str, usages: list[Usage]) -> list[str]:
    """What grows without end in one process, in sentences."""
    warm = [usage for usage in usages if usage.at - usages[0].at >= WARM_S]
    if not warm or warm[-1].at - warm[0].at < MIN_SPAN_S:
        return []
    wrong = []
    slope = _growth(warm)
    if slope > MAX_BYTES_PER_MINUTE:
        curve = [usage.rss // 2**20 for usage in warm[:: max(1, len(warm) // 8)]]
        wrong.append(f"{name} grows by {slope / 2**20:.1f} MB a minute: {curve}")
    third = max(1, len(warm) // 3)
    for what in ("descriptors", "threads"):
        first, last = (
            max(getattr(u, what) for u in part) for part in (warm[:third], warm[-third:])
        )
        if last > first + MAX_MORE:
            wrong.append(f"{name} had {first} {what}, and has {last}")
    return wrong


def _growth(usages: list[Usage]) -> float:
    """Bytes a minute by which the memory grows at least, in every part of the time.

    A cache that fills up, or a burst that a heap keeps, is one step; a leak goes on to the end.
    """
    parts = [usages[n * len(usages) // 6 : (n + 1) * len(usages) // 6] for n in range(6)]
    rss = [statistics.median(usage.rss for usage in part) for part in parts]
    at = [statistics.median(usage.at for usage in part) for part in parts]
    # From each third to the next, and within the last one.
    pairs = [(0, 2), (1, 3), (2, 4), (3, 5), (4, 5)]
    return min((rss[b] - rss[a]) / (at[b] - at[a]) for a, b in pairs) * 60


def _group_of(child: Child) -> str | None:
    """The group of a service that reads Kafka."""
    first = tuple(child.arguments[:2])
    return {("process",): "process", ("detector",): "detector"}.get(
        first[:1], "sink-elasticsearch" if first == ("sink", "elasticsearch") else None
    )


def committed_offsets(settings: KafkaSettings, groups: list[str]) -> dict[str, dict[Any, int]]:
    """Committed offsets by group (without the prefix) and partition."""
    with kafka.kafka_errors(settings), kafka.admin(settings) as client:
        found = client.list_group_offsets([settings.group_prefix + group for group in groups])
    return {
        group: {
            tp: entry.offset
            for tp, entry in found.get(settings.group_prefix + group, {}).items()
            if entry.offset >= 0
        }
        for group in groups
    }


def lag_of(
    settings: KafkaSettings,
    committed: Mapping[str, Mapping[Any, int]],
    topics: Mapping[str, str],
) -> dict[str, int]:
    """Messages that each group has not committed."""
    with kafka.open_consumer(settings, "gauges") as consumer:
        lag = {}
        for group, topic in topics.items():
            partitions = partitions_of(consumer, settings.topic_prefix + topic)
            ends = consumer.end_offsets(partitions)
            begins = consumer.beginning_offsets(partitions)
            done = committed.get(group, {})
            lag[group] = sum(
                max(0, end - max(done.get(tp, 0), begins[tp])) for tp, end in ends.items()
            )
        return lag


def get(port: int, path: str, timeout_s: float = 3.0) -> tuple[int, str]:
    """Status and body; status 0 without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def metric(port: int, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(get(port, "/metrics")[1])
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )

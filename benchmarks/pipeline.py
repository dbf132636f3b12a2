"""The whole pipeline on real Kafka and Elasticsearch: rates, latencies, memory; ``make bench``.

Three runs on one machine, each on fresh topics and indices of the same engines:

- **all match**: every post names a brand and needs spaCy and the encoder (the worst case);
- **one in ten**: 10 % of the posts name a brand, as in a stream from a wide platform filter;
- **paced**: the first at a steady rate well below the limit, for realistic latencies.

Usage: ``python -m benchmarks.pipeline [--posts N] [--rate N] [--processors N] [--report FILE]``
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil

from benchmarks.pipeline_report import Run, report
from brands.registry import publish_brands
from ingestors.generator.accounts import brands
from ingestors.generator.source import generate
from runtime.kafka.client import setup_topics
from runtime.kafka.topic_stats import LagMeter, TopicLag
from runtime.settings import ElasticsearchSettings, KafkaSettings
from schemas.codec import POST_EVENT
from schemas.post import PostEvent, PostUpsert
from schemas.topic_registry import topics
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup as setup_indices
from tocsin.local.stack import Endpoints, open_stack
from tocsin.local.stack.ports import free_ports
from tocsin.local.supervisor import Supervisor

SAMPLE = re.compile(r"^(tocsin_\w+)(?:\{([^}]*)\})? ([0-9.e+-]+)$", re.MULTILINE)


class Watch:
    """Peak resident memory and processor time of each process, sampled during a run."""

    def __init__(self) -> None:
        self.peak_mib: dict[str, float] = {}
        self.cpu_s: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started: dict[int, float] = {}
        self._spent: dict[tuple[str, int], float] = {}

    def _run(self) -> None:
        while not self._stop.wait(0.25):
            self.sample()

    def sample(self) -> None:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                name = name_of(process)
                if name is None:
                    continue
                times = process.cpu_times()
                spent = times.user + times.system
                begun = self._started.setdefault(process.pid, spent)
                rss = process.memory_info().rss / 2**20
                self.peak_mib[name] = max(self.peak_mib.get(name, 0.0), rss)
                self._spent[name, process.pid] = spent - begun

    def __enter__(self) -> "Watch":
        self.sample()
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._thread.join()
        for (name, _), seconds in self._spent.items():
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + seconds


def name_of(process: psutil.Process) -> str | None:
    """The pipeline service that a child process runs."""
    line = " ".join(process.cmdline())
    if "kafka.Kafka" in line:
        return "kafka"
    if "org.elasticsearch" in line:
        return "elasticsearch"
    for name in ("process", "sink", "ingest"):
        if f"-m tocsin {name}" in line:
            return name
    return None


class Bench:
    """Topics, indices and services of one run."""

    def __init__(self, endpoints: Endpoints, folder: Path, processors: int) -> None:
        name = uuid.uuid4().hex[:6]
        self.kafka = KafkaSettings(
            bootstrap_servers=endpoints.kafka, topic_prefix=f"b{name}.", group_prefix=f"b{name}."
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


def ready(port: int) -> bool:
    """Whether /readyz of the service on ``port`` is 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], what: str, most_s: float = 300.0) -> None:
    """Polls until ``condition()`` holds."""
    deadline = time.monotonic() + most_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"waited {most_s:.0f} s for {what}")
        time.sleep(0.1)


def scrape(port: int) -> list[tuple[str, dict[str, str], float]]:
    """The metric samples of a service."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return [
        (name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
        for name, labels, value in SAMPLE.findall(text)
    ]


def quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """Upper bound of the histogram bucket that holds the quantile."""
    total = buckets[-1][1] if buckets else 0.0
    for bound, count in buckets:
        if count >= share * total:
            return bound
    return float("nan")


def latencies(port: int) -> dict[str, dict[str, float]]:
    """Median, p95 and p99 of the sink's latency histograms, seconds (upper bounds)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name, labels, value in scrape(port):
        if name.endswith("_latency_seconds_bucket") and "event" not in name:
            kind = name.removeprefix("tocsin_sink_").removesuffix("_latency_seconds_bucket")
            found.setdefault(kind, []).append((float(labels["le"]), value))
    return {
        kind: {f"p{share * 100:.0f}": quantile(sorted(rows), share) for share in (0.5, 0.95, 0.99)}
        for kind, rows in found.items()
    }


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


def full_speed(name: str, bench: Bench, file: Path, posts: int) -> Run:
    """Sends everything at once and measures the rate."""
    run = Run(name, posts)
    bench.start()
    with Watch() as watch:
        bench.ingest(file)
        # The clock starts at the first post, so the start of the ingestor does not count.
        wait_for(lambda: bench.meter.look().written["posts"] > 0, "the first post")
        begun = time.monotonic()

        def look() -> TopicLag:
            flow, now = bench.meter.look(), time.monotonic() - begun
            if flow.written["posts"] >= posts and not run.ingest_s:
                run.ingest_s = now
            if flow.written["posts"] >= posts and not flow.lag["posts"] and not run.process_s:
                run.process_s = now
            return flow

        wait_for(lambda: (flow := look()).written["posts"] >= posts and flow.idle, name, 900)
        run.end_to_end_s = time.monotonic() - begun
        with connect(bench.elasticsearch) as client:
            index = IndexNames(bench.elasticsearch).mentions_pattern
            client.indices.refresh(index=index)
            run.mentions = client.count(index=index)["count"]
    run.peak_mib, run.cpu_s = watch.peak_mib, watch.cpu_s
    for port in [port for service, port in bench.ports.items() if service != "sink"]:
        for metric, labels, value in scrape(port):
            if metric == "tocsin_process_annotator_seconds_total":
                annotator = labels["annotator"]
                run.annotators[annotator] = run.annotators.get(annotator, 0.0) + value
            if metric == "tocsin_process_enriched_total":
                run.tiers[labels["tier"]] = run.tiers.get(labels["tier"], 0.0) + value
    return run


def paced(bench: Bench, events: list[PostEvent], rate: float) -> Run:
    """Sends a steady ``rate`` of posts per second, as an ingestor would."""
    from runtime.kafka import client as kafka

    run = Run(f"paced, {rate:.0f} posts/s", len(events))
    bench.start()
    producer = kafka.producer(bench.kafka, "bench", linger_ms=5)
    with Watch() as watch:
        begun = time.monotonic()
        for number, event in enumerate(events):
            ahead = begun + number / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            fresh = fresh_of(event)
            producer.send(
                bench.kafka.topic_prefix + "posts",
                key=fresh.id.encode(),
                value=POST_EVENT.encode(fresh),
            )
        producer.flush()
        wait_for(lambda: bench.meter.look().idle, "the paced run")
        run.end_to_end_s = time.monotonic() - begun
        time.sleep(2)
    producer.close()
    run.latencies = latencies(bench.ports["sink"])
    run.peak_mib, run.cpu_s = watch.peak_mib, watch.cpu_s
    return run


def fresh_of(event: PostEvent) -> PostEvent:
    """The event with the current time of ingestion."""
    import msgspec

    return msgspec.structs.replace(event, ingested_at=datetime.now(UTC))


@contextlib.contextmanager
def engines(folder: Path) -> Iterator[Endpoints]:
    """Real engines for the whole benchmark."""
    stack = open_stack("engines", folder / "engines")
    try:
        yield stack.start(lambda text: print(text, file=sys.stderr))
    finally:
        stack.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--posts", type=int, default=40_000)
    parser.add_argument("--rate", type=float, default=200.0, help="posts/s of the paced run")
    parser.add_argument("--seconds", type=float, default=40.0, help="length of the paced run")
    parser.add_argument("--processors", type=int, default=1)
    parser.add_argument("--report", type=Path, default=Path("benchmarks/reports/pipeline.md"))
    options = parser.parse_args()
    runs = []
    # The engines' unprivileged account must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    folder.chmod(0o755)
    with engines(folder) as endpoints:
        for name, share in (("all match", 1.0), ("one in ten", 0.1)):
            file = folder / f"{share}.jsonl"
            posts, matching = write_posts(file, options.posts, share)
            bench = Bench(endpoints, folder / name, options.processors)
            try:
                print(f"{name}: {posts} posts, {matching} name a brand", file=sys.stderr)
                runs.append(full_speed(name, bench, file, posts))
            finally:
                bench.stop()
        lines = (folder / "1.0.jsonl").read_bytes().splitlines()
        events = [POST_EVENT.decode(line) for line in lines]
        bench = Bench(endpoints, folder / "paced", options.processors)
        try:
            print(f"paced at {options.rate:.0f} posts/s", file=sys.stderr)
            runs.append(paced(bench, events[: int(options.rate * options.seconds)], options.rate))
        finally:
            bench.stop()
    arguments = " ".join(sys.argv[1:])
    text = report(runs, options.processors, f"python -m benchmarks.pipeline {arguments}".strip())
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())

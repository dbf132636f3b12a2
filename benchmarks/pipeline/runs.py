"""The runs: everything at once, and a steady rate."""

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil

from benchmarks.pipeline.meters import Watch, latencies, name_of, scrape, wait_for
from benchmarks.pipeline.report_page import Run
from benchmarks.pipeline.services import Bench
from runtime.kafka.client import producer as new_producer
from runtime.kafka.topic_stats import TopicLag
from schemas.codec import POST_EVENT
from schemas.post import PostEvent
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.mappings import IndexNames
from tocsin.local.stack import Endpoints

NAMES = {"bare": "bare clients, indexed", "quix": "quixstreams, not indexed"}


def full_speed(run: Run, bench: Bench, file: Path) -> Run:
    """Send everything at once and measure the rate, into ``run``."""
    posts = run.posts
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

        wait_for(lambda: (flow := look()).written["posts"] >= posts and flow.idle, run.name, 900)
        run.end_to_end_s = time.monotonic() - begun
        with connect(bench.elasticsearch) as client:
            index = IndexNames(bench.elasticsearch).mentions_pattern
            client.indices.refresh(index=index)
            run.mentions = client.count(index=index)["count"]
            client.indices.forcemerge(index=index, max_num_segments=1)
            stats = client.indices.stats(index=index, metric="store")
            run.index_bytes = stats["_all"]["primaries"]["store"]["size_in_bytes"]
    run.post_bytes = file.stat().st_size / posts
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
    """Send a steady ``rate`` of posts per second, as an ingestor would."""
    run = Run(f"paced, {rate:.0f} posts/s", len(events))
    bench.start()
    producer = new_producer(bench.kafka, "bench", linger_ms=5)
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
    return msgspec.structs.replace(event, ingested_at=datetime.now(UTC))


def bare(mode: str, python: Path, endpoints: Endpoints, file: Path, posts: int) -> Run:
    """The bare clients (``benchmarks.pipeline.bare_clients``) on the same engines and posts."""
    run = Run(NAMES[mode], posts)
    script = Path(__file__).with_name("bare_clients.py")
    arguments = [mode, endpoints.kafka, endpoints.elasticsearch, str(file)]
    with Watch() as watch:
        ran = subprocess.run(
            [python, str(script), *arguments], stdout=subprocess.PIPE, check=True, timeout=600
        )
    run.end_to_end_s = json.loads(ran.stdout.splitlines()[-1])["seconds"]
    run.peak_mib, run.cpu_s = watch.peak_mib, watch.cpu_s
    return run


def flame_graphs(bench: Bench, file: Path, py_spy: Path, seconds: int, folder: Path) -> list[str]:
    """Record a flame graph (SVG) of each service while it works; returns the files' names.

    A run of its own: recording slows what it records.
    """
    bench.start()
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    bench.ingest(file)
    wait_for(lambda: bench.meter.look().written["mentions"] > 0, "the first mention")
    recorders = []
    for process in psutil.Process().children(recursive=True):
        name = name_of(process)
        if name in ("process", "sink") and f"{name}.svg" not in names:
            names.append(f"{name}.svg")
            command = [py_spy, "record", "--pid", str(process.pid), "--duration", str(seconds)]
            command += ["--output", str(folder / names[-1]), "--nonblocking", "--threads"]
            recorders.append(subprocess.Popen([*command, "--rate", "50"]))
    for recorder in recorders:
        recorder.wait(seconds + 60)
    return names

"""Running services serve the documented metrics, which move when posts flow."""

import re
from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from ingestors.generator.accounts import brands
from tests.engines.pipeline import Pipeline
from tocsin.local.stack.ports import free_ports

pytestmark = pytest.mark.engines

ROOT = Path(__file__).parents[2]
SAMPLE = re.compile(r"^(tocsin_\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
SUFFIXES = re.compile(r"_(bucket|count|sum|created|info)$")


def get(port: int, path: str) -> tuple[int, str]:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10)
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


def samples(port: int) -> dict[str, float]:
    """Metric name to the sum of its samples, over all labels."""
    totals: dict[str, float] = defaultdict(float)
    for name, _, value in SAMPLE.findall(get(port, "/metrics")[1]):
        totals[name] += float(value)
    return dict(totals)


def test_every_service_serves_the_documented_metrics_and_its_health(pipeline: Pipeline) -> None:
    ports = dict(zip(("process", "sink", "ingest"), free_ports(3), strict=True))
    process = pipeline.process(TOCSIN_MONITOR_PORT=str(ports["process"]))
    pipeline.sink(TOCSIN_MONITOR_PORT=str(ports["sink"]))
    pipeline.wait("the processor to serve", lambda: get(ports["process"], "/healthz")[0] == 200)
    pipeline.wait("it to hold", lambda: "brands apply" in get(ports["process"], "/readyz")[1])
    assert get(ports["process"], "/readyz")[0] == 503, "it cannot work without brands"

    pipeline.apply(brands())
    pipeline.wait("it to be ready", lambda: get(ports["process"], "/readyz")[0] == 200)
    pipeline.start(
        *("ingest", "ingest", "generate", "--posts", "2000", "--pace", "8640"),
        TOCSIN_MONITOR_PORT=str(ports["ingest"]),
        TOCSIN_INGEST_CHECKPOINT_INTERVAL_S="0.5",
    )
    pipeline.produce("posts", [(b"poison", b"garbage")])

    def flowing() -> bool:
        ingest, sink = samples(ports["ingest"]), samples(ports["sink"])
        return (
            ingest.get("tocsin_ingest_checkpoint_timestamp_seconds", 0) > 0
            and sink.get("tocsin_sink_searchable_latency_seconds_count", 0) > 0
        )

    pipeline.wait("posts to flow", flowing)
    served = {name: samples(port) for name, port in ports.items()}
    documented = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    for name, values in served.items():
        assert get(ports[name], "/healthz")[0] == 200
        assert get(ports[name], "/readyz") == (200, "ready\n")
        unknown = {m for m in values if f"`{SUFFIXES.sub('', m)}" not in documented}
        assert not unknown, f"{name} serves metrics that docs/metrics.md does not have"

    positive = {
        "ingest": (
            "tocsin_ingest_events_total",
            "tocsin_ingest_acknowledged_total",
            "tocsin_ingest_last_event_timestamp_seconds",
            "tocsin_ingest_last_received_timestamp_seconds",
            "tocsin_ready",
        ),
        "process": (
            "tocsin_process_events_total",
            "tocsin_process_mentions_total",
            "tocsin_process_batch_seconds_count",
            "tocsin_process_annotator_seconds_total",
            "tocsin_process_brands",
            "tocsin_dead_letters_total",
        ),
        "sink": (
            "tocsin_sink_items_total",
            "tocsin_sink_batch_seconds_count",
            "tocsin_sink_event_latency_seconds_count",
            "tocsin_sink_ingest_latency_seconds_count",
            "tocsin_sink_last_write_timestamp_seconds",
        ),
    }
    for name, wanted in positive.items():
        assert {m for m in wanted if not served[name].get(m)} == set(), name
    assert "tocsin_process_lag_messages" in served["process"]
    assert "tocsin_sink_lag_messages" in served["sink"]
    assert process.process.poll() is None

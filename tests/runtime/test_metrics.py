"""Metrics are named as Prometheus asks, say what they are, and hold nothing of posts or people."""

import re

import pytest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Info
from prometheus_client.metrics import MetricWrapperBase

from runtime import metrics, tower_metrics
from runtime.metric_registry import of_service

ALL = {
    name: metric
    for name, metric in {**vars(metrics), **vars(tower_metrics)}.items()
    if isinstance(metric, MetricWrapperBase)
}
KNOWN_LABELS = {
    "act", "annotator", "cause", "channel", "event", "field", "index", "kind", "op", "outcome",
    "partition", "question", "reason", "result", "service", "severity", "sink", "source", "status",
    "tier", "watch",
}  # fmt: skip
"""All from closed sets or settings. What a post or a person names would grow without bound."""
UNITS = ("_seconds", "_bytes", "_messages", "_ratio", "_timestamp_seconds")
GAUGES_WITHOUT_UNIT = {
    "tocsin_ready",
    "tocsin_ingest_in_flight",
    "tocsin_ingest_connected",
    "tocsin_process_brands",
    "tocsin_process_brands_unreadable",
    "tocsin_process_fast_fallback",
    "tocsin_detector_blind",
    "tocsin_detector_brands",
    "tocsin_detector_late_records",
    "tocsin_ingest_rejected",
    "tocsin_ingest_x_rules",
    "tocsin_ingest_x_rules_outdated",
    "tocsin_sink_blocked_indices",
    "tocsin_sink_paused",
    "tocsin_alerts_failing",
    "tocsin_tower_streams",
}
"""Flags, and counts of things that the name says."""
AGES = {"tocsin_oldest_unread_age_seconds"}
"""Of what may not be there: 0 is none, which no timestamp says."""
cases = pytest.mark.parametrize("metric", ALL.values(), ids=list(ALL))


def name_of(metric: MetricWrapperBase) -> str:
    """The name that is served, with a counter's ``_total``."""
    (family,) = metric.describe()
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_no_two_metrics_share_a_name() -> None:
    names = [name_of(metric) for metric in ALL.values()]
    assert len(set(names)) == len(names) > 0


@cases
def test_a_name_has_our_prefix_base_units_and_the_end_of_its_kind(
    metric: MetricWrapperBase,
) -> None:
    name = name_of(metric)
    assert re.fullmatch(r"tocsin(_[a-z]+)+", name)
    wrong = {"ms", "milliseconds", "minutes", "hours", "kb", "mb", "percent", "count", "age"}
    assert not wrong & set(name.split("_")) or name in AGES
    if isinstance(metric, Counter):
        assert name.endswith("_total")
    elif isinstance(metric, Histogram):
        assert name.endswith(("_seconds", "_bytes"))
        bounds = list(metric._upper_bounds)
        assert bounds == sorted(set(bounds))
    elif isinstance(metric, Gauge):
        assert not name.endswith("_total")
        assert name.endswith(UNITS) or name in GAUGES_WITHOUT_UNIT
    else:
        assert isinstance(metric, Info)


@cases
def test_a_metric_says_what_it_is_and_has_labels_from_closed_sets(
    metric: MetricWrapperBase,
) -> None:
    (family,) = metric.describe()
    assert family.documentation.endswith(".")
    assert len(family.documentation) > 20
    assert set(metric._labelnames) <= KNOWN_LABELS  # the client offers no other way


def test_renamed_metrics_are_served_under_both_names() -> None:
    metrics.ALERTS_LAG.labels("aliased").set(3)
    metrics.PROCESS_ENRICHED.labels("fast").inc(2)
    labels = {"channel": "aliased"}
    assert REGISTRY.get_sample_value("tocsin_alerts_lag_messages", labels) == 3
    assert REGISTRY.get_sample_value("tocsin_alerts_waiting_messages", labels) == 3
    new = REGISTRY.get_sample_value("tocsin_process_enriched_total", {"tier": "fast"})
    assert REGISTRY.get_sample_value("tocsin_process_read_total", {"tier": "fast"}) == new
    for old, metric in metrics.OLD_NAMES.items():
        (family,) = metric.describe()
        assert old != family.name
        assert old in {served.name for served in REGISTRY.collect()}


def test_a_service_serves_its_own_metrics_and_those_of_every_service() -> None:
    metrics.SINK_PAUSED.labels("elasticsearch").set(0)
    metrics.READY.labels("process").set(1)
    prefixes = {"ingest", "process", "detector", "sink", "alerts"}
    for service, own in [
        ("ingest", "ingest"),
        ("process", "process"),
        ("detector", "detector"),
        ("sink-elasticsearch", "sink"),
        ("sink-alerts", "alerts"),
    ]:
        served = {family.name for family in of_service(service).collect()}
        others = tuple(f"tocsin_{prefix}_" for prefix in prefixes - {own})
        assert not [name for name in served if name.startswith(others)]
        assert [name for name in served if name.startswith(f"tocsin_{own}_")]
        assert {"tocsin_ready", "tocsin_build", "tocsin_expired_messages"} <= served
    everything = {family.name for family in REGISTRY.collect()}
    assert {family.name for family in of_service("a test").collect()} == everything


def test_no_sample_tells_when_a_metric_was_created() -> None:
    metrics.RETRIES.labels("created", "none").inc()
    names = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    assert not [name for name in names if name.endswith("_created")]

"""Rules and dashboards name only what exists, and their own tools accept them."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs import generate
from runtime.settings import MonitorSettings, SinkSettings
from tests.deploy.compose import DEPLOY, OURS, SERVICES
from tests.deploy.grafana_files import asked

PROMETHEUS = DEPLOY / "prometheus"
RULES: dict[str, Any] = yaml.safe_load((PROMETHEUS / "rules.yml").read_bytes())
SCRAPES: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_bytes())
ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
ALERTS: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
NOT_OURS = {
    "up",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
}
"""Metrics of Prometheus itself and of its Python client."""


def _needs(tool: str, package: str) -> pytest.MarkDecorator:
    reason = f"{tool} is absent: apt-get install {package}"
    return pytest.mark.skipif(shutil.which(tool) is None, reason=reason)


needs_promtool = _needs("promtool", "prometheus")


def _run(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _served() -> dict[str, set[str]]:
    series: dict[str, set[str]] = {}
    for name, metric in generate.all_metrics().items():
        labels = set(metric._labelnames)
        series[name] = labels
        if metric._type == "histogram":
            series |= {f"{name}_bucket": labels | {"le"}}
            series |= {f"{name}_sum": labels, f"{name}_count": labels}
    return series


def _expressions() -> Iterator[tuple[str, str]]:
    for rule in ALERTS:
        yield rule["alert"], rule["expr"]
    yield from asked()


@pytest.mark.parametrize(("where", "expression"), list(_expressions()))
def test_every_metric_label_and_job_named_exists(where: str, expression: str) -> None:
    served = _served()
    metrics = set(
        re.findall(r"\b(?:tocsin|process|python)_\w+|\bup\b", re.sub(r'"[^"]*"', '""', expression))
    )
    assert metrics, f"{where} names no metric"
    assert metrics <= served.keys() | NOT_OURS, f"{where}: {metrics - served.keys() - NOT_OURS}"
    labels = re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", expression)
    for inside in re.findall(r"\b(?:by|without|ignoring|on)\s*\(([^)]*)\)", expression):
        labels += [label.strip() for label in inside.split(",")]
    own = {"job", "instance", "le", "alertname"}.union(*(served.get(n, set()) for n in metrics))
    assert set(labels) <= own, f"{where}: {set(labels) - own}"
    jobs = {job["job_name"] for job in SCRAPES["scrape_configs"]}
    assert set(re.findall(r'job="([^"]*)"', expression)) <= jobs


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    page = (generate.DOCS / "operations.md").read_text("utf-8")
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "action", "runbook_url"}
        assert f"[`{rule['alert']}`](runbooks.md#{rule['alert'].lower()})" in page


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    page = (generate.DOCS / "runbooks.md").read_text("utf-8")
    anchors = {heading.lower() for heading in re.findall(r"^### (Tocsin\w+)$", page, re.MULTILINE)}
    for rule in ALERTS:
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert path == "docs/runbooks.md"
        assert anchor == rule["alert"].lower()
    assert anchors == {rule["alert"].lower() for rule in ALERTS}


NOT_SHOWN = {
    "tocsin_ingest_gaps_total": "TocsinGap and a panel tell the seconds of the gaps",
    "tocsin_ingest_dropped_values_total": "one file's mapping; the replay prints it at its end",
    "tocsin_ingest_spool_replayed_total": "what a restart is for; nothing is lost by it",
    "tocsin_ingest_x_rule_changes_total": "tocsin_ingest_x_rules_outdated has the rule",
    "tocsin_sink_unknown_deletes_total": "deletes of strangers' posts, most of all deletes",
    "tocsin_sink_expired_total": "what the terms of a source ask for; nothing is lost by it",
}
"""Counters that have neither a rule nor a panel, and why."""


def test_every_counter_of_ours_has_a_rule_a_panel_or_a_reason() -> None:
    """A loss that nothing shows is silent."""
    told = " ".join(expression for _, expression in _expressions())
    counters = {name for name, each in generate.all_metrics().items() if each._type == "counter"}
    unseen = {name for name in counters if not re.search(rf"\b{name}\b", told)}
    assert unseen == NOT_SHOWN.keys()


def test_every_scraped_job_of_ours_is_missed_when_it_goes() -> None:
    """With discovery by DNS, or of pods, a stopped service leaves no series."""
    ours = {job["job_name"] for job in SCRAPES["scrape_configs"] if "dns_sd_configs" in job}
    absent = " ".join(rule["expr"] for rule in ALERTS if "absent(" in rule["expr"])
    assert set(re.findall(r'absent\(up\{job="([^"]+)"\}\)', absent)) == ours


def test_every_rule_and_panel_on_lag_names_its_job_and_counts_a_partition_once() -> None:
    """The detector's lag is not the processors', and each process knows that of all partitions."""
    for where, expression in _expressions():
        for found in re.finditer(r"tocsin_(process|detector|sink)_lag_messages", expression):
            before, after = expression[: found.start()], expression[found.end() :]
            assert after.startswith('{job="tocsin-'), where
            assert re.search(r"max by \([^)]*partition\)\s*\($", before.rstrip()), where


def test_dead_letter_alerts_are_below_the_brake() -> None:
    brake = SinkSettings.model_fields["dead_letter_share"].default
    for name in ("TocsinDeadLetterRate", "TocsinBrakeNear"):
        (rule,) = (rule for rule in ALERTS if rule["alert"] == name)
        for limit in re.findall(r"> (0\.\d+)", rule["expr"]):
            assert float(limit) < brake


def test_prometheus_scrapes_every_service_of_ours() -> None:
    port = MonitorSettings.model_fields["port"].default
    scraped = set()
    for job in SCRAPES["scrape_configs"]:
        for discovery in job.get("dns_sd_configs", ()):
            assert discovery["port"] == port
            scraped |= set(discovery["names"])
    assert scraped == {name for name, service in OURS.items() if service["restart"] != "no"}


@needs_promtool
def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    _run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")


@needs_promtool
def test_alerts_fire_when_they_should() -> None:
    _run("promtool", "test", "rules", Path(__file__).with_name("rules.test.yml"))


@needs_promtool
def test_promtool_reads_the_dashboards(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, (_, expression) in enumerate(_expressions())
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    _run("promtool", "check", "rules", path)


@_needs("amtool", "prometheus-alertmanager")
def test_amtool_accepts_the_configuration(tmp_path: Path) -> None:
    text = ALERTMANAGER.read_text("utf-8")
    version = re.search(r"version (\d+)\.(\d+)", _run("amtool", "--version"))
    # Before 0.26 it knows no url_file; one that does not say its version was built by hand.
    if version is not None and (int(version[1]), int(version[2])) < (0, 26):
        text = re.sub(r"url_file: \S+", "url: http://127.0.0.1/", text)
    path = tmp_path / "alertmanager.yml"
    path.write_text(text)
    _run("amtool", "check-config", path)


def test_alertmanager_inhibits_alerts_that_exist_and_holds_no_address() -> None:
    config: dict[str, Any] = yaml.safe_load(ALERTMANAGER.read_bytes())
    names = {rule["alert"] for rule in ALERTS}
    for inhibition in config["inhibit_rules"]:
        for matcher in inhibition["source_matchers"] + inhibition["target_matchers"]:
            assert set(re.findall(r"Tocsin\w+", matcher)) <= names
    (receiver,) = config["receivers"]
    (webhook,) = receiver["webhook_configs"]
    assert webhook["url_file"] == f"/run/secrets/{SERVICES['alertmanager']['secrets'][0]}"

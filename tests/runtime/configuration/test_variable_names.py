"""A name that nothing reads is refused with the nearest one, in every source of settings."""

import os
import re
from pathlib import Path

import pytest

from runtime.configuration.settings_group import setting_names
from runtime.configuration.variable_names import OLD_NAMES, OTHER_NAMES, known_names
from runtime.settings import GROUPS, LogSettings, load
from schemas.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
NAMED_AND_NOT_SET = {"TOCSIN_PROCESS_PORT"}
"""Kubernetes would set it for a Service; the manifests switch that off and say so."""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TOCSIN_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TOCSIN_MONITOR_PROT", "TOCSIN_MONITOR_PORT"),
        ("TOCSIN_KAFKA_BOOTSTRAP_SERVER", "TOCSIN_KAFKA_BOOTSTRAP_SERVERS"),
        ("TOCSIN_KAFKA_SASL_USERNAME_FILE", "TOCSIN_KAFKA_SASL_USERNAME"),
        ("TOCSIN_KAFKA_SASL_PASWORD_FILE", "TOCSIN_KAFKA_SASL_PASSWORD_FILE"),
        ("tocsin_kafka_partition", "TOCSIN_KAFKA_PARTITIONS"),
        ("TOCSIN_ELASTIC_URL", "TOCSIN_ELASTICSEARCH_URL"),
        ("TOCSIN_JAVAHOME", "TOCSIN_JAVA_HOME"),
        ("TOCSIN_XYZZY", None),
        ("TOCSIN_", None),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, name: str, nearest: str | None
) -> None:
    monkeypatch.setenv(name, "9092")
    with pytest.raises(ConfigurationError) as caught:
        load(LogSettings)
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} is not a setting of tocsin")
    assert "docs/settings.md" in sentence and "\n" not in sentence
    assert "9092" not in sentence, "a value may be a secret"
    if nearest is not None:
        assert f"did you mean {nearest}?" in sentence


def test_more_than_one_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOCSIN_B", "TOCSIN_A", "TOCSIN_C"):
        monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigurationError, match=r"^TOCSIN_A \(and 2 more\)"):
        load(LogSettings)


def test_what_kubernetes_sets_for_a_service_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "PORT_9464_TCP", "PORT_9464_TCP_ADDR", "SERVICE_HOST", "SERVICE_PORT_WEB"):
        monkeypatch.setenv(f"TOCSIN_PROCESS_{name}", "tcp://10.0.0.1:9464")
    with pytest.raises(ConfigurationError, match="TOCSIN_PROCESS_PORT"):
        load(LogSettings)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    load(LogSettings)
    monkeypatch.setenv("TOCSIN_LOG_LEVLE", "info")
    with pytest.raises(ConfigurationError, match="TOCSIN_LOG_LEVEL"):
        load(LogSettings)


def test_every_name_that_something_reads_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in known_names(setting_names()):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("TOCSINESQUE", "1")
    for group in GROUPS:
        load(group)


def test_the_names_are_those_of_the_groups() -> None:
    expected = {
        f"{group.model_config.get('env_prefix')}{field}".upper()
        for group in GROUPS
        for field in group.model_fields
    }
    assert setting_names().keys() == expected
    assert not expected & OTHER_NAMES.keys()
    assert set(OLD_NAMES.values()) <= expected
    assert all(meaning.endswith(".") for meaning in OTHER_NAMES.values())


def test_what_the_repository_sets_or_reads_is_known() -> None:
    """So that no file of ours sets a name which then ends a service."""
    known = known_names(setting_names())
    files = [ROOT / "Makefile", ROOT / "docker-compose.yml", ROOT / "README.md"]
    for folder in ("deploy", "docs", "benchmarks", "training", "runtime", "tocsin"):
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    unknown = set()
    for path in files:
        if path.suffix not in {".py", ".yml", ".yaml", ".md", ".sh", ".service", ".env", ""}:
            continue
        text = path.read_text("utf-8", "replace")
        # A prefix in prose (TOCSIN_KAFKA_SSL_*, TOCSIN_SINK_…) ends with an underscore.
        for name in re.findall(r"TOCSIN_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_…*])", text):
            if name not in known and name not in NAMED_AND_NOT_SET:
                unknown.add((name, path.relative_to(ROOT).as_posix()))
    assert not unknown

"""Every command: help with an example, errors in one sentence, a status that means something."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs import generate
from runtime.service import version
from tests.tocsin.cli.commands import Commands, Ran

NOWHERE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_KAFKA_BOOTSTRAP_SERVERS", NOWHERE)
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", f"http://{NOWHERE}")
    monkeypatch.setenv("TOCSIN_MONITOR_PORT", "0")


def sentence(ran: Ran) -> str:
    assert ran.out == ""
    assert "Traceback" not in ran.err
    lines = ran.err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("tocsin: ")
    return lines[0]


@pytest.mark.parametrize(("path", "command"), generate.all_commands().items(), ids=str)
def test_every_command_shows_an_example(path: tuple[str, ...], command: Any) -> None:
    assert f"Example: `{'TOCSIN_' if '=' in command.help else 'tocsin'}" in command.help
    assert " ".join(path) in command.help


def test_help_version_and_topics_are_shown_without_a_broker(tocsin: Commands) -> None:
    ran = tocsin("brands", "apply", "-h")
    assert ran == tocsin("brands", "apply", "--help")
    assert (ran.status, ran.err) == (0, "")
    assert "Usage:" in ran.out
    assert tocsin("--version") == Ran(0, f"tocsin {version()}\n", "")
    ran = tocsin("topics", "list")
    assert ran.status == 0
    assert any(line.startswith("tocsin.posts ") for line in ran.out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "says", "setting"),
    [
        (["annotate", "absent.jsonl"], "absent.jsonl cannot be read", ""),
        (["annotate", "--brands", "absent.yaml"], "absent.yaml cannot be read", ""),
        (["brands", "apply", "absent.yaml"], "absent.yaml cannot be read", ""),
        (["up", "--brands", "absent.yaml"], "absent.yaml cannot be read", ""),
        (["up", "--source", "myspace"], "there is no source myspace; choose from", ""),
        (["demo", "--data", "absent.jsonl"], "absent.jsonl is not a file", ""),
        (["watch", "brand:velmora"], "--brands brands.yaml", ""),
        (["topics", "list"], "tocsin: TOCSIN_KAFKA_TOPIC_PREFIX is", "no spaces"),
        (["topics", "setup"], "tocsin: TOCSIN_KAFKA_REPLICATION is", "many"),
        (["index", "setup"], "tocsin: TOCSIN_ELASTICSEARCH_SHARDS is", "0"),
        (["annotate"], "tocsin: TOCSIN_PROCESS_ANNOTATORS is", "taste"),
        (["sink", "elasticsearch"], "tocsin: TOCSIN_SINK_BATCH_SIZE is", "-1"),
    ],
)
def test_what_a_person_can_fix_is_one_sentence(
    tocsin: Commands,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
    setting: str,
) -> None:
    if setting:
        monkeypatch.setenv(says.split()[1], setting)
    ran = tocsin(*arguments)
    assert says in sentence(ran)
    assert ran.status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["ingest", "myspace"],
        ["annotate", "--no-such-option"],
        ["dead-letters", "list", "--limit", "0"],
        ["demo", "--stack", "cloud"],
        ["ingest", "replay", "absent.jsonl", "--redate", "noon"],
        ["brands", "apply"],
    ],
)
def test_a_wrong_command_line_shows_the_usage(tocsin: Commands, arguments: list[str]) -> None:
    ran = tocsin(*arguments)
    assert ran.status == 2
    assert "Traceback" not in ran.err
    assert "Usage:" in ran.err


def test_x_without_a_token_is_one_sentence(tocsin: Commands, tmp_path: Path) -> None:
    """Before the notes on what X may not send, which would hide it."""
    brands = tmp_path / "brands.yaml"
    brands.write_text(
        "brands:\n  - id: velmora\n    name: Velmora\n    query: velmora NEAR/3 box\n"
    )
    ran = tocsin("ingest", "x", "--brands", str(brands))
    assert "TOCSIN_INGEST_X_BEARER_TOKEN is not set" in sentence(ran)
    assert ran.status == 2


def test_an_unknown_setting_ends_every_command_with_the_nearest(
    tocsin: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_MONITOR_PROT", "1")
    for command in (["query", "lint", "orange"], ["doctor"], ["ingest", "bluesky"]):
        ran = tocsin(*command)
        assert "did you mean TOCSIN_MONITOR_PORT?" in sentence(ran)
        assert ran.status == 2


def test_errors_are_json_where_the_logs_are(
    tocsin: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_LOG_STYLE", "json")
    ran = tocsin("ingest", "x", "--brands", "nowhere.yaml")
    (line,) = [json.loads(line) for line in ran.err.splitlines()]
    assert "TOCSIN_INGEST_X_BEARER_TOKEN" in line["event"]
    assert (line["level"], line["status"]) == ("error", 2)


def test_elasticsearch_that_is_away_is_one_sentence(tocsin: Commands) -> None:
    for command in (
        ["index", "setup"],
        ["index", "erase", "x", "17"],
        ["alerts", "list"],
        ["coverage"],
        ["query", "preview", "orange", "--index"],
    ):
        ran = tocsin(*command)
        assert "does not answer" in sentence(ran) and "TOCSIN_ELASTICSEARCH_URL" in ran.err
        assert ran.status == 3


@pytest.fixture(scope="module", autouse=True)
def without_kafka() -> Iterator[subprocess.Popen[str]]:
    """A command that finds no Kafka, while the other tests run.

    In its own process: kafka-python then leaves a socket open.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin", "topics", "setup"],
        env={**os.environ, "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": NOWHERE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_kafka_that_is_away_is_one_sentence(without_kafka: subprocess.Popen[str]) -> None:
    out, err = without_kafka.communicate(timeout=120)
    error = sentence(Ran(without_kafka.returncode, out, err))
    assert NOWHERE in error and "TOCSIN_KAFKA_BOOTSTRAP_SERVERS" in error
    assert without_kafka.returncode == 3

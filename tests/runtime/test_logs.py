"""Logs: one line an event, machines read JSON, and secrets stay out."""

import json
import logging

import pytest

from runtime import logs
from runtime.settings import ElasticsearchSettings, KafkaSettings, load

SECRET = "correct-horse-battery"


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_json_style_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log = logs.get_logger("made before the configuration")
    logs.configure("json", "info")
    log.info("two\nlines", count=3, text="é\u2028😡")
    log.warning("busy", why="429")
    log.error("failed", exc_info=ValueError("no\nway"))
    log.info("not JSON", value=object(), raw=b"\xff", lone="\ud800")
    first, second, third, fourth = map(json.loads, lines(capsys))
    assert first["event"] == "two\nlines"
    assert (first["count"], first["text"]) == (3, "é\u2028😡")
    assert (first["subject"], first["level"]) == ("made before the configuration", "info")
    assert first["timestamp"].endswith("Z")
    assert (second["level"], second["why"]) == ("warning", "429")
    assert "ValueError: no\nway" in third["exception"]
    assert fourth["event"] == "not JSON"


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("value", ["k" * 2**20, ["k" * 2**20], ValueError("k" * 2**20)])
def test_a_value_of_any_size_makes_one_short_line(
    capsys: pytest.CaptureFixture[str], style: str, value: object
) -> None:
    logs.configure(style, "info")  # type: ignore[arg-type]
    logs.get_logger("brands").error("unreadable", brand=value)
    (line,) = lines(capsys)
    assert len(line) < 3_000
    assert "kkk" in line
    assert "characters" in line


def test_console_style_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console", "info")
    logs.get_logger("sink").info("paused", why="429")
    (line,) = lines(capsys)
    assert "paused" in line
    assert "why=429" in line
    assert "\x1b" not in line


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_level_is_the_least_that_is_written(
    capsys: pytest.CaptureFixture[str], level: str
) -> None:
    logs.configure("json", level)
    order = ["debug", "info", "warning", "error"]
    for name in order:
        getattr(logs.get_logger("sink"), name)(name)
    written = [json.loads(line)["level"] for line in lines(capsys)]
    assert written == order[order.index(level) :]


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_are_not_logged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    monkeypatch.setenv("TOCSIN_KAFKA_SASL_PASSWORD", SECRET)
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_API_KEY", SECRET)
    kafka, elasticsearch = load(KafkaSettings), load(ElasticsearchSettings)
    logs.configure("json" if style == "json" else "console", "debug")
    log = logs.get_logger("start")
    log.info("settings", kafka=kafka, password=kafka.sasl_password, dumped=kafka.model_dump())
    log.info(f"settings {elasticsearch!r} {elasticsearch.api_key}")
    written = "\n".join(lines(capsys))
    assert "settings" in written
    assert SECRET not in written


def test_the_clients_of_servers_are_quiet() -> None:
    logging.getLogger("kafka").setLevel(logging.DEBUG)
    logs.configure("console", "debug")
    for name in ("kafka", "aiokafka", "faust", "elastic_transport", "urllib3"):
        assert logging.getLogger(name).getEffectiveLevel() >= logging.WARNING

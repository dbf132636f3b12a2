"""What libraries log: in our form, once a minute for one trouble, without needless tracebacks."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiokafka.errors import NodeNotReadyError
from elastic_transport import ConnectionTimeout
from kafka.errors import KafkaTimeoutError
from mode.utils.logging import FileLogProxy

from runtime import logs
from runtime.library_logs import EVERY_S, LibraryHandler, is_outside, trouble_of


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=0.0)


@pytest.fixture
def library(clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> Iterator[logging.Logger]:
    logs.configure("json", "info")
    logger = logging.Logger("kafka.some")
    logger.addHandler(LibraryHandler(lambda: clock.now))
    yield logger
    logger.handlers.clear()


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_of_a_library_has_our_form(
    library: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "info")
    library.warning("Unable connect to node with id %s:\n %s", 1, "refused")
    (line,) = written(capsys)
    assert line["event"] == "Unable connect to node with id 1: refused"
    assert (line["level"], line["subject"]) == ("warning", "kafka.some")
    assert str(line["timestamp"]).endswith("Z")


def test_the_same_trouble_is_told_once_a_minute_with_what_was_held_back(
    library: logging.Logger, capsys: pytest.CaptureFixture[str], clock: SimpleNamespace
) -> None:
    logs.configure("json", "info")
    for second in range(150):
        clock.now = float(second)
        library.error("Unable connect to node with id %s: %s", second, "refused")
        library.error(f"<Connection 127.0.0.1:{second}>: 'topic-{second}' lost after 0x{second:x}")
        library.error("another trouble")
    lines = written(capsys)
    assert len(lines) == 3 * (150 // EVERY_S + 1)
    held_back = [line.get("suppressed") for line in lines if "Unable" in str(line["event"])]
    assert held_back == [None, 59, 59]


@pytest.mark.parametrize(
    "error",
    [
        KafkaTimeoutError("no answer"),
        NodeNotReadyError("node 1"),
        ConnectionTimeout("timed out"),
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
    ],
)
def test_an_error_from_outside_is_a_sentence_without_a_traceback(
    library: logging.Logger, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    logs.configure("json", "info")
    assert is_outside(error)
    try:
        raise error
    except type(error):
        library.exception("Failed fetch messages")
    (line,) = written(capsys)
    assert "exception" not in line
    assert type(error).__name__ in str(line["error"])


def test_a_bug_keeps_its_traceback(
    library: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "info")
    assert not is_outside(ValueError()) and not is_outside(None)
    try:
        raise ValueError("odd")
    except ValueError:
        library.exception("Error: %r", "odd")
    (line,) = written(capsys)
    assert "ValueError: odd" in str(line["exception"])


def test_what_a_busy_start_provokes_is_no_line(
    library: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "info")
    library.error("[^---AIOKafkaConsumerThread]: Thread keepalive is not responding...")
    library.warning("Task <T> ran for 0.1s (>0.1s threshold). It is blocking the event loop -- x")
    library.error("%s wants two arguments", *("one",) * 2)
    assert [line["event"] for line in written(capsys)] == ["%s wants two arguments"]


def test_memory_of_troubles_is_bounded(library: logging.Logger) -> None:
    logs.configure("json", "info")
    handler = library.handlers[0]
    assert isinstance(handler, LibraryHandler)
    for number in range(2_000):
        library.error("trouble " + "x" * (number % 190) + chr(0x4E00 + number))
    assert len(handler._told) <= 500
    assert trouble_of("a", "id 17") == trouble_of("a", "id 18") != trouble_of("b", "id 17")


def test_a_service_takes_over_the_loggers_of_its_libraries(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    own = logging.getLogger("spacy")
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(own, "handlers", [logging.StreamHandler()])
    level = root.level
    try:
        logs.configure("json", "info")
        logs.adopt_libraries()
        own.info("loading")
        own.warning("[W108] the rule-based lemmatizer found nothing")
        logging.getLogger("faust.agents").error("crashed")
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
    assert [line["subject"] for line in written(capsys)] == ["spacy", "faust.agents"]


def test_a_standard_error_that_is_logged_again_is_not_written_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``faust -A`` logs what is written there; our line would come back to us, for ever."""
    with (said := tmp_path / "said").open("w", buffering=1) as own:
        monkeypatch.setattr(sys, "__stderr__", own)
        monkeypatch.setattr(sys, "stderr", FileLogProxy(logging.getLogger("mode.redirect")))
        logs.configure("json", "info")
        logs.get_logger("service").info("begun")
    assert "begun" in said.read_text()

"""The side threads of the sink survive any error, and log it."""

import threading
from collections.abc import Iterator
from datetime import datetime

import pytest
from elasticsearch import Elasticsearch as Client
from structlog.testing import capture_logs

from runtime.settings import ElasticsearchSettings
from schemas.mention import MentionEvent
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.side_threads import Housekeeping, SearchableProbe
from tests.sinks.elasticsearch.events import NAMES, upsert

PATIENCE_S = 20


@pytest.fixture
def client() -> Iterator[Client]:
    """Never used: every error comes earlier."""
    with connect(ElasticsearchSettings()) as client:
        yield client


def test_housekeeping_goes_on_after_any_error(client: Client) -> None:
    thrice = threading.Event()
    calls: list[int] = []

    def clock() -> datetime:
        calls.append(1)
        if len(calls) == 3:
            housekeeping.stop()
            thrice.set()
        raise RuntimeError("a bug")

    housekeeping = Housekeeping(client, NAMES, tombstone_days=8, every_s=0.01, clock=clock)
    with capture_logs() as logs:
        housekeeping.start()
        assert thrice.wait(PATIENCE_S)
    said = [entry for entry in logs if entry["event"].startswith("side thread failed")]
    assert len(said) >= 2 and all(entry["exc_info"] for entry in said)


def test_housekeeping_begins_soon_after_a_sink_takes_the_lead(client: Client) -> None:
    began = threading.Event()
    answers = iter([False])

    def clock() -> datetime:
        housekeeping.stop()
        began.set()
        raise RuntimeError("it has begun")

    housekeeping = Housekeeping(
        client,
        NAMES,
        tombstone_days=8,
        every_s=3_600,
        clock=clock,
        leads=lambda: next(answers, True),
    )
    with capture_logs():
        housekeeping.start()
        assert began.wait(PATIENCE_S)


def test_the_probe_goes_on_after_any_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    again = threading.Event()
    asked: list[str] = []
    probe = SearchableProbe(client, NAMES, "elasticsearch", every_s=0.01)

    def ask(event: MentionEvent) -> None:
        asked.append(event.id)
        if len(asked) == 1:
            probe.sample(upsert("file:2"))
            raise RuntimeError("a bug")
        probe.stop()
        again.set()

    monkeypatch.setattr(probe, "_ask_until_found", ask)
    probe.sample(upsert("file:1"))
    with capture_logs() as logs:
        probe.start()
        assert again.wait(PATIENCE_S)
    assert asked == ["file:1", "file:2"]
    (said,) = logs
    assert said["exc_info"]

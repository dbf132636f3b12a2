"""``tocsin dead-letters replay``: what was removed meanwhile does not come back with a letter."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from processors.faust.messages import Incoming
from runtime.clock import utc_now
from runtime.kafka.dead_letters import dead_letter_of
from runtime.settings import ElasticsearchSettings, load
from schemas.codec import MENTION_EVENT
from schemas.mention import MentionEvent
from sinks.elasticsearch.connection import connect
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.servers.elasticsearch import ElasticsearchServer
from tests.sinks.elasticsearch.events import INDEX, delete, erase, upsert
from tests.sinks.elasticsearch.sink_rig import TOPIC, SinkRig, send
from tests.tocsin.cli.commands import Commands

LETTERS = "t.dead-letters"
POST = upsert("file:1", 1)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ElasticsearchServer]:
    monkeypatch.setenv("TOCSIN_KAFKA_TOPIC_PREFIX", "t.")
    with ElasticsearchServer() as server:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", server.url)
        yield server


def give_up(kafka: FakeKafka, event: MentionEvent) -> None:
    """A letter of the sink with this event, as of an index that was blocked."""
    value = MENTION_EVENT.encode(event)
    record = Incoming(TOPIC, 0, 0, b"file:1", value)
    letter = dead_letter_of(
        record, service="sink-elasticsearch", reason="index_blocked", detail="x", at=utc_now()
    )
    kafka.send(LETTERS, value=letter)


def indexed(kafka: FakeKafka, server: ElasticsearchServer) -> None:
    """The sink reads all that is in the topic."""
    with connect(load(ElasticsearchSettings)) as client:
        SinkRig(kafka, server, client).run_until_committed()


@pytest.mark.parametrize("removal", [delete("file:1", 2), erase("17", 2)], ids=["delete", "erase"])
def test_a_post_that_was_removed_does_not_come_back_with_its_letter(
    tocsin: Commands, kafka: FakeKafka, server: ElasticsearchServer, removal: MentionEvent
) -> None:
    # The post was indexed in an earlier state, and a later one became a letter.
    send(kafka, [POST])
    indexed(kafka, server)
    give_up(kafka, recent(upsert("file:1", 1, text="Velmora, corrected")))
    send(kafka, [removal])
    indexed(kafka, server)
    removed = server.sources(INDEX)["file:1"]
    assert "deleted_at" in removed
    ran = tocsin("dead-letters", "replay", "--yes")
    assert (ran.status, len(kafka.log[TOPIC])) == (0, 3), ran.err
    assert "1 replayed" in ran.err
    indexed(kafka, server)
    assert server.sources(INDEX) == {"file:1": removed}


def test_a_post_that_nobody_removed_comes_with_its_letter(
    tocsin: Commands, kafka: FakeKafka, server: ElasticsearchServer
) -> None:
    give_up(kafka, recent(POST))
    assert "1 replayed" in tocsin("dead-letters", "replay", "--yes").err
    indexed(kafka, server)
    assert "text" in server.sources(INDEX)["file:1"]


def test_a_letter_older_than_what_the_index_remembers_is_refused(
    tocsin: Commands, kafka: FakeKafka, server: ElasticsearchServer
) -> None:
    give_up(kafka, POST)
    ran = tocsin("dead-letters", "replay", "--yes")
    assert "1 letter refused" in ran.err
    assert TOPIC not in kafka.log or not kafka.log[TOPIC]
    forced = tocsin("dead-letters", "replay", "--yes", "--also-old")
    assert "1 replayed" in forced.err
    assert len(kafka.log[TOPIC]) == 1


def recent(event: MentionEvent) -> MentionEvent:
    """The event as if it was read at its source an hour ago."""
    return replace(event, ingested_at=utc_now() - timedelta(hours=1))

"""Commands of people on real engines: what they list, erase, reset and replay is so."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from runtime.kafka.client import publish
from runtime.kafka.protocols import OutgoingRecord
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT, DEAD_LETTER
from schemas.dead_letter import DeadLetter
from sinks.alerts.store import Index
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.engines.pipeline import BROKEN_SOCKETS, Pipeline
from tests.sinks.alerts.states import ID, NOW, rich
from tests.tocsin.cli.commands import Commands
from tests.tocsin.cli.test_alerts import mention

pytestmark = [pytest.mark.engines, BROKEN_SOCKETS]


@pytest.fixture
def tocsin(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    for name, value in (
        ("KAFKA_BOOTSTRAP_SERVERS", pipeline.kafka.bootstrap_servers),
        ("KAFKA_TOPIC_PREFIX", pipeline.kafka.topic_prefix),
        ("ELASTICSEARCH_URL", pipeline.elasticsearch.url),
        ("ELASTICSEARCH_INDEX_PREFIX", pipeline.elasticsearch.index_prefix),
        ("ALERTS_TIME_ZONE", "UTC"),
    ):
        monkeypatch.setenv(f"TOCSIN_{name}", value)
    return Commands(monkeypatch, capsys)


def send(pipeline: Pipeline, topic: str, key: bytes, value: bytes) -> None:
    name = pipeline.kafka.topic_prefix + topic
    publish(pipeline.kafka, "test", [OutgoingRecord(name, key, value)], topic)


def test_topics_are_as_the_cluster_has_them(tocsin: Commands, pipeline: Pipeline) -> None:
    send(pipeline, "posts", b"x:1", b"{}")
    rows = {
        row["topic"]: row for row in json.loads(tocsin("topics", "list", "--format", "json").out)
    }
    posts = rows[f"{pipeline.kafka.topic_prefix}posts"]
    assert (posts["state"], posts["partitions"], posts["records"]) == ("exists", 4, 1)
    assert posts["kept"] == "7 days" and posts["bytes"] > 0
    assert rows[f"{pipeline.kafka.topic_prefix}brands"]["kept"] == "compacted"
    out = tocsin("topics", "list").out
    assert max(map(len, out.splitlines())) <= 80


def test_a_checkpoint_is_reset_by_its_name_alone(tocsin: Commands, pipeline: Pipeline) -> None:
    kept = Checkpoint(source_id="bluesky", position={"cursor": 7}, saved_at=NOW, posts=3)
    send(pipeline, "checkpoints", b"bluesky", CHECKPOINT.encode(kept))
    assert "did you mean bluesky?" in tocsin.error("checkpoints", "reset", "blusky")
    assert "bluesky" in tocsin("checkpoints", "list").out
    assert tocsin("checkpoints", "reset", "bluesky", "--yes").status == 0
    assert tocsin("checkpoints", "list").out == ""


def test_a_replayed_letter_is_marked(tocsin: Commands, pipeline: Pipeline) -> None:
    topic = pipeline.kafka.topic_prefix + "posts"
    for number in range(2):
        letter = DeadLetter(
            service="process", reason="enrich_failed", detail="x", at=NOW, payload=b"{}",
            key=b"x:%d" % number, topic=topic, partition=0, offset=number,
        )  # fmt: skip
        send(pipeline, "dead-letters", b"x:%d" % number, DEAD_LETTER.encode(letter))
    rows = json.loads(tocsin("dead-letters", "list", "--format", "json").out)
    assert [row["replayed"] for row in rows] == [False, False]
    refused = tocsin("dead-letters", "replay", rows[0]["id"]).err
    assert "0 replayed" in refused and "1 letter refused: older than" in refused
    assert "1 replayed" in tocsin("dead-letters", "replay", rows[0]["id"], "--also-old").err
    after = json.loads(tocsin("dead-letters", "list", "--format", "json").out)
    assert {row["id"]: row["replayed"] for row in after} == {
        rows[0]["id"]: True,
        rows[1]["id"]: False,
    }
    assert '"replayed": true' in tocsin("dead-letters", "show", rows[0]["id"]).out


@pytest.fixture
def posts(pipeline: Pipeline) -> Iterator[None]:
    """An alert in the index, and a post of its evidence."""
    Index(pipeline.client, pipeline.names.alerts).deliver(rich(), None)
    event = make.enriched(mention(), version=7)
    write(pipeline.client, [upsert(event, pipeline.names)])  # type: ignore[arg-type]
    pipeline.client.indices.refresh(index="_all")
    yield


def test_an_alert_shows_posts_until_they_are_erased(
    tocsin: Commands, pipeline: Pipeline, posts: None
) -> None:
    shown = tocsin("alerts", "show", ID).out
    assert "first: @odile <https://x.com/" in shown
    assert "Encore une **panne** de **Velmora** à **Nantes**" in shown
    document = json.loads(tocsin("alerts", "show", ID, "--format", "json").out)
    assert document["posts"][0]["author"] == "@odile"
    assert tocsin("erase", "x", "9", "--dry-run").err.startswith("1 post matches")
    assert "1 post erased\n" in tocsin("erase", "x", "9", "--yes").err
    pipeline.client.indices.refresh(index="_all")
    shown = tocsin("alerts", "show", ID).out
    assert shown.count("not in the index: deleted, erased") == 2
    assert "odile" not in shown and "Nantes [" not in shown
    again = tocsin("index", "erase", "x", "9", "--yes")  # its old name
    assert again.status == 0 and "0 posts erased\n" in again.err
    (row,) = json.loads(tocsin("alerts", "list", "--format", "json").out)
    assert row["id"] == ID and msgspec.json.encode(row)

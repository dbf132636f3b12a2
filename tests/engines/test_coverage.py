"""What an ingestor tells of a source's time is in the index, also after a kill, and is shown."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT
from schemas.ids import microseconds
from tests.engines.pipeline import BROKEN_SOCKETS, Child, Pipeline
from tests.ingestors.bluesky.bluesky_feed import DID
from tests.servers.jetstream import Event, Jetstream, post, tid

pytestmark = [pytest.mark.engines, BROKEN_SOCKETS]
HOUR = timedelta(hours=1)


@pytest.fixture
def server() -> Iterator[Jetstream]:
    with Jetstream() as server:
        yield server


def post_now(number: int = 0) -> Event:
    at = microseconds(datetime.now(UTC)) + number
    return post(DID, tid(at), tid(at + 1), at, f"post {number}")


def shown(pipeline: Pipeline, *options: str) -> list[dict[str, Any]]:
    """What ``tocsin coverage`` prints of the last three hours."""
    since = (datetime.now(UTC) - 3 * HOUR).isoformat()
    ran = pipeline.tocsin("coverage", "--from", since, "--format", "json", *options)
    assert ran.returncode == 0, ran.stderr
    rows: list[dict[str, Any]] = json.loads(ran.stdout)
    return rows


def test_a_gap_and_a_kill_are_in_the_index_and_shown(pipeline: Pipeline, server: Jetstream) -> None:
    """The history of the endpoint begins an hour after the checkpoint."""
    stopped = datetime.now(UTC) - 2 * HOUR
    position = {"cursor": microseconds(stopped), "endpoint": server.url}
    saved = Checkpoint(source_id="bluesky", position=position, saved_at=stopped)
    pipeline.produce("checkpoints", [(b"bluesky", CHECKPOINT.encode(saved))])
    server.publish(post_now())
    pipeline.sink()
    ingest = pipeline.start("ingest", "ingest", "bluesky", TOCSIN_INGEST_BLUESKY_URLS=server.url)

    def documents() -> list[dict[str, Any]]:
        pipeline.client.indices.refresh(index=pipeline.names.coverage)
        hits = pipeline.search(index=pipeline.names.coverage, size=100)["hits"]["hits"]
        return [hit["_source"] for hit in hits]

    def told(state: str, **fields: object) -> list[dict[str, Any]]:
        return [
            found
            for found in documents()
            if found["state"] == state and found.items() >= fields.items()
        ]

    pipeline.wait("the gap", lambda: bool(told("gap")) and bool(told("listening")))
    (gap,) = told("gap")
    assert datetime.fromisoformat(gap["from"]) == stopped
    states = {row["state"] for row in shown(pipeline, "--source", "bluesky")}
    assert {"gap", "listening"} <= states

    pipeline.wait("a checkpoint", lambda: saved_since(pipeline, stopped + HOUR))
    ingest.kill()
    again = Child("ingest", ingest.arguments, ingest.environment, ingest.log)
    pipeline.children.append(again)
    pipeline.wait("the end of what was open", lambda: bool(told("listening", why="live")))
    server.publish(post_now(1))

    def is_made_up() -> bool:
        return any("made_up_at" in found for found in told("away", why="killed"))

    pipeline.wait("the time of the kill to be made up for", is_made_up)
    ended = [found for found in told("listening") if "to" in found]
    assert ended, "the interval of the killed run was ended by the next one"
    summary = shown(pipeline, "--summary", "--source", "bluesky")
    assert 0 < summary[0]["heard"] < summary[0]["known"] <= 1


def saved_since(pipeline: Pipeline, when: datetime) -> bool:
    values = [CHECKPOINT.decode(record.value) for record in pipeline.read("checkpoints")]
    return any(value.saved_at > when and value.coverage for value in values)

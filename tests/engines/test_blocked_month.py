"""A month of the real Elasticsearch takes no writes, is closed, or is shaped by a stranger."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas.codec import MENTION_EVENT
from schemas.errors import ConfigurationError
from schemas.mention import MentionEvent
from sinks.elasticsearch import erasure
from sinks.elasticsearch.lookup import locate, refresh, unsearchable
from tests import make
from tests.engines.pipeline import Pipeline

pytestmark = pytest.mark.engines

OCTOBER = datetime(2025, 10, 5, tzinfo=UTC)
QUICK = {"TOCSIN_SINK_BLOCKED_WAIT_S": "5", "TOCSIN_SINK_BATCH_WITHIN_S": "0.1"}


def upsert(id_: str, at: datetime, version: int = 1, author: str = "17") -> MentionEvent:
    post = make.post(id=id_, created_at=at, author=author)
    return make.enriched(make.mention(post), version)


def send(pipeline: Pipeline, events: Sequence[MentionEvent]) -> None:
    """Under one key: one partition, whose order is that of the events."""
    now = datetime.now(UTC)
    fresh = [msgspec.structs.replace(event, ingested_at=now, enriched_at=now) for event in events]
    pipeline.produce("mentions", [(b"k", MENTION_EVENT.encode(event)) for event in fresh])


def settings(pipeline: Pipeline, index: str, **values: object) -> None:
    pipeline.client.indices.put_settings(index=index, settings={"index": values})


def living(pipeline: Pipeline) -> set[str]:
    return set(pipeline.documents())


def test_a_blocked_month_waits_apart_and_comes_back(pipeline: Pipeline) -> None:
    now = datetime.now(UTC)
    old = pipeline.names.mentions_of(OCTOBER)
    first = [upsert("file:gone", OCTOBER), upsert("file:erased", OCTOBER, author="18")]
    send(pipeline, first)
    sink = pipeline.sink(**QUICK)
    pipeline.wait("the first posts", lambda: living(pipeline) == {"file:gone", "file:erased"})
    settings(pipeline, old, **{"blocks.write": True})

    late = [
        upsert("file:late", OCTOBER),
        make.enriched(make.delete("file:gone", 2, OCTOBER)),
        make.enriched(make.erase("18", 9, "file")),
    ]
    recent = [upsert(f"file:now-{number}", now - timedelta(minutes=1)) for number in range(300)]
    send(pipeline, [*late, *recent])
    pipeline.wait(
        "the posts of now",
        lambda: sum(id_.startswith("file:now-") for id_ in living(pipeline)) == 300,
    )
    pipeline.wait("the letters", lambda: len(pipeline.dead_letters()) == 2)
    assert {letter.reason for letter in pipeline.dead_letters()} == {"index_blocked"}
    assert all(old in letter.detail for letter in pipeline.dead_letters())
    assert "file:late" not in living(pipeline)
    assert "file:erased" in living(pipeline)
    assert sink.process.poll() is None

    settings(pipeline, old, **{"blocks.write": None})
    replayed = pipeline.tocsin("dead-letters", "replay", "--reason", "index_blocked", "--yes")
    assert replayed.returncode == 0, replayed.stderr
    pipeline.wait("the late post", lambda: "file:late" in living(pipeline))
    pipeline.wait("the delete", lambda: "file:gone" not in living(pipeline))
    erasure.finish(pipeline.client, pipeline.names, datetime.now(UTC))
    assert "file:erased" not in living(pipeline)
    pipeline.wait("no lag", lambda: pipeline.meter.look().idle)


def test_what_a_blocked_a_read_only_and_a_closed_month_answer(pipeline: Pipeline) -> None:
    """The refresh, the search and the list of months behave as the sink counts on."""
    send(pipeline, [upsert("bluesky:a", OCTOBER)])
    pipeline.sink(**QUICK)
    pipeline.wait("the post", lambda: living(pipeline) == {"bluesky:a"})
    client, names = pipeline.client, pipeline.names
    old = names.mentions_of(OCTOBER)
    for block in ("blocks.write", "blocks.read_only", "blocks.read_only_allow_delete"):
        settings(pipeline, old, **{block: True})
        refresh(client, names)
        assert locate(client, names, ["bluesky:a"]).keys() == {"bluesky:a"}, block
        assert unsearchable(client, names) == [], block
        settings(pipeline, old, **{block: None})
    client.indices.close(index=old)
    refresh(client, names)
    assert locate(client, names, ["bluesky:a"]) == {}, "the search passes it without a word"
    assert unsearchable(client, names) == [old]

    send(pipeline, [make.enriched(make.delete("bluesky:a", 2, None))])
    pipeline.wait("the letter", lambda: len(pipeline.dead_letters()) == 1)
    assert pipeline.dead_letters()[0].reason == "index_blocked"
    client.indices.open(index=old)
    client.cluster.health(index=old, wait_for_status="yellow", timeout="30s")
    replayed = pipeline.tocsin("dead-letters", "replay", "--reason", "index_blocked", "--yes")
    assert replayed.returncode == 0, replayed.stderr
    pipeline.wait("the delete", lambda: living(pipeline) == set())


def test_a_template_that_wins_over_ours_is_told_before_it_shapes_a_month(
    pipeline: Pipeline,
) -> None:
    send(pipeline, [upsert("file:a", datetime.now(UTC))])
    sink = pipeline.sink(**QUICK)
    pipeline.wait("the post", lambda: living(pipeline) == {"file:a"})
    other = f"{pipeline.elasticsearch.index_prefix}ops-defaults"
    pipeline.client.indices.put_index_template(
        name=other,
        index_patterns=[f"{pipeline.elasticsearch.index_prefix}*"],
        priority=100_000,
        template={},
    )
    try:
        send(pipeline, [upsert("file:old", OCTOBER)])
        pipeline.wait("the sink's end", lambda: sink.process.poll() is not None, dying=True)
        assert sink.process.returncode == ConfigurationError.exit_status == 2
        assert f"{other} wins over ours" in sink.output()
        old = pipeline.names.mentions_of(OCTOBER)
        assert not pipeline.client.indices.exists(index=old)
        again = pipeline.start("again", "sink", "elasticsearch", **QUICK)
        pipeline.wait("its end", lambda: again.process.poll() is not None, dying=True)
        assert again.process.returncode == 2
        assert f"{other} wins over ours" in again.output()
        for command in (["index", "setup"], ["doctor"]):
            answer = pipeline.tocsin(*command)
            assert answer.returncode != 0, command
            told = " ".join((answer.stdout + answer.stderr).split())
            assert other in told, (command, json.dumps(told))
    finally:
        pipeline.client.indices.delete_index_template(name=other)

"""Garbage among good posts becomes dead letters with reasons; only garbage trips the brake."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from ingestors.generator.accounts import brands
from ingestors.generator.source import generate
from schemas.codec import MENTION_EVENT, POST_EVENT
from schemas.errors import BrakeTripped
from schemas.post import PostEvent
from tests.engines.expected import final_state
from tests.engines.pipeline import Pipeline

pytestmark = pytest.mark.engines

GARBAGE = {
    b"": "invalid_json",
    b"\xff\xfe\x00": "invalid_json",
    b"[" * 10_000: "invalid_message",
    b'{"op":"upsert","id":"x:1"}': "invalid_message",
    b'{"op":"explode","id":"x:1","source":"x","version":1,"ingested_at":"2026-01-01T00:00:00Z"}': (
        "invalid_message"
    ),
    b"null": "invalid_message",
}


def some_day(posts: int) -> list[PostEvent]:
    return list(generate(7, posts, datetime(2026, 3, 1, tzinfo=UTC), timedelta(hours=24)))


def test_one_percent_of_garbage(pipeline: Pipeline) -> None:
    day = some_day(3_000)
    poison = [garbage for garbage in GARBAGE for _ in range(5)]
    rng = random.Random(1)
    messages = [(event.id.encode(), POST_EVENT.encode(event)) for event in day]
    for garbage in poison:
        messages.insert(rng.randrange(len(messages)), (b"poison", garbage))
    pipeline.listen(brands())
    pipeline.produce("posts", messages)
    pipeline.wait_until_idle(len(messages))

    letters = pipeline.dead_letters()
    assert sorted((letter.payload, letter.reason) for letter in letters) == sorted(
        (garbage, GARBAGE[garbage]) for garbage in poison
    )
    for letter in letters:
        assert (letter.service, letter.key) == ("process", b"poison")
        assert letter.topic == pipeline.kafka.topic_prefix + "posts"
        assert letter.offset is not None
        assert letter.detail
    assert pipeline.documents().keys() == final_state(day, brands()).keys()


@pytest.mark.parametrize("service", ["process", "sink"])
def test_nothing_but_garbage_trips_the_brake(pipeline: Pipeline, service: str) -> None:
    pipeline.apply(brands())
    topic = "posts" if service == "process" else "mentions"
    pipeline.produce(topic, [(b"poison", b"garbage")] * 3_000)
    prefix = f"TOCSIN_{service.upper()}"
    limits = {f"{prefix}_DEAD_LETTER_RUN": "200", f"{prefix}_BATCH_SIZE": "100"}
    child = (pipeline.process if service == "process" else pipeline.sink)(**limits)
    pipeline.wait("the brake", lambda: child.process.poll() is not None, dying=True)
    assert child.process.returncode == BrakeTripped.exit_status
    assert "dead-letters list" in child.output()
    letters = len(pipeline.dead_letters())
    assert 200 < letters < 3_000, "the brake should save most of the stream from dead-letters"


def test_a_document_that_elasticsearch_refuses_is_a_dead_letter(pipeline: Pipeline) -> None:
    """An id over 512 bytes fails the whole bulk request; the sink isolates and indexes the rest."""
    pipeline.apply(brands())
    process, sink = pipeline.process(), pipeline.sink()
    day = some_day(300)
    pipeline.send("posts", day)
    pipeline.wait_until_idle(len(day))
    assert process.process.poll() is None
    good = next(
        MENTION_EVENT.decode(record.value)
        for record in pipeline.read("mentions")
        if b'"upsert"' in record.value
    )
    encoded = MENTION_EVENT.encode(good).decode()
    long_id = "x:" + "é" * 400
    bad = encoded.replace(f'"{good.id}"', f'"{long_id}"').encode()
    later = [encoded.replace(f'"{good.id}"', f'"x:later-{n}"').encode() for n in range(20)]
    before = pipeline.documents().keys()
    pipeline.produce("mentions", [(b"k", value) for value in [*later[:10], bad, *later[10:]]])
    pipeline.wait("the sink", lambda: pipeline.meter.look().idle)

    assert pipeline.documents().keys() - before == {f"x:later-{n}" for n in range(20)}
    (letter,) = pipeline.dead_letters()
    assert (letter.service, letter.reason) == ("sink-elasticsearch", "index_rejected")
    assert letter.payload == bad
    assert "512" in letter.detail
    assert sink.process.poll() is None

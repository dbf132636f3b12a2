"""The runner's promises, on a fake broker and on real Kafka alike."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from kafka.errors import KafkaTimeoutError

from ingestors.runner import Runner
from ingestors.source import Batch, Position, SourceError, Unreadable
from runtime import metrics
from runtime.errors import ServiceUnavailable
from runtime.health import Health
from runtime.settings import IngestSettings
from schemas.codec import DEAD_LETTER, POST_EVENT
from schemas.post import Author, Post, PostEvent
from tests.ingestors.brokers import Broker, FakeBroker, RealBroker

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(params=["fake", pytest.param("kafka", marks=pytest.mark.engines)])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    made: Broker
    if request.param == "fake":
        made = FakeBroker()
    else:
        made = RealBroker(request.getfixturevalue("engines").endpoints.kafka)
    yield made
    made.close()


def event(number: int, text: str = "hello") -> PostEvent:
    post = Post(
        id=f"test:{number}",
        source="test",
        author=Author(id="a"),
        text=text,
        created_at=NOW + timedelta(seconds=number),
    )
    return PostEvent(
        op="upsert", id=post.id, source="test", version=number, ingested_at=NOW, post=post
    )


@dataclass
class ListSource:
    """Hands out batches; ``after`` is called when they are used up."""

    batches: Sequence[Batch]
    source_id: str = "list"
    opened_at: Position | None = None
    closed: bool = False
    reads: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def open(self, position: Position | None) -> None:
        self.opened_at = position

    def next_batch(self) -> Batch:
        if self.reads < len(self.batches):
            self.reads += 1
            return self.batches[self.reads - 1]
        self.stop.set()
        return Batch()

    def close(self) -> None:
        self.closed = True


def numbered(batches: int, size: int) -> list[Batch]:
    return [
        Batch([event(n * size + i) for i in range(size)], {"at": (n + 1) * size})
        for n in range(batches)
    ]


def runner(source: ListSource, broker: Broker, **settings: float) -> Runner:
    return Runner(
        source,
        broker.producer,
        topic_prefix=broker.prefix,
        settings=IngestSettings(checkpoint_every_s=0.001, **settings),
        health=Health("ingest"),
        clock=lambda: NOW,
    )


def test_every_event_is_delivered_in_order_and_the_checkpoint_is_behind_the_last(
    broker: Broker,
) -> None:
    source = ListSource([*numbered(10, 20), Batch(finished=True)])
    assert runner(source, broker).run(threading.Event(), None) == 200
    values = [POST_EVENT.decode(value) for value in broker.values("posts")]
    assert [value.id for value in values] == [f"test:{n}" for n in range(200)]
    saved = broker.checkpoint("list")
    assert saved is not None
    assert (saved.position, saved.posts, saved.saved_at) == ({"at": 200}, 200, NOW)
    assert source.closed


def test_a_restart_resumes_behind_the_checkpoint_and_goes_on_counting(broker: Broker) -> None:
    runner(ListSource([*numbered(2, 5), Batch(finished=True)]), broker).run(threading.Event(), None)
    again = ListSource([Batch([event(10)], {"at": 11}, finished=True)])
    runner(again, broker).run(threading.Event(), broker.checkpoint("list"))
    assert again.opened_at == {"at": 10}
    saved = broker.checkpoint("list")
    assert saved is not None
    assert (saved.position, saved.posts) == ({"at": 11}, 11)


def test_what_a_source_cannot_read_is_a_dead_letter_with_its_bytes(broker: Broker) -> None:
    batch = Batch([event(1)], {"at": 1}, [Unreadable(b"\xff{", "line 2: not JSON")], finished=True)
    runner(ListSource([batch]), broker).run(threading.Event(), None)
    (letter,) = [DEAD_LETTER.decode(value) for value in broker.values("dead-letters")]
    assert (letter.service, letter.reason, letter.source) == ("ingest", "unreadable_post", "list")
    assert (letter.payload, letter.detail) == (b"\xff{", "line 2: not JSON")
    assert len(broker.values("posts")) == 1


def test_an_event_that_cannot_be_written_as_json_is_a_dead_letter(broker: Broker) -> None:
    batch = Batch([event(1, text="broken \ud800 half"), event(2)], {"at": 2}, finished=True)
    runner(ListSource([batch]), broker).run(threading.Event(), None)
    (letter,) = [DEAD_LETTER.decode(value) for value in broker.values("dead-letters")]
    assert letter.reason == "unreadable_post"
    assert b"test:1" in letter.payload
    assert [POST_EVENT.decode(value).id for value in broker.values("posts")] == ["test:2"]


def test_an_event_too_large_for_kafka_is_a_dead_letter(broker: Broker) -> None:
    large = event(1, text="x" * 5 * 2**20)
    runner(ListSource([Batch([large, event(2)], {"at": 2}, finished=True)]), broker).run(
        threading.Event(), None
    )
    (letter,) = [DEAD_LETTER.decode(value) for value in broker.values("dead-letters")]
    assert letter.reason == "too_large"
    assert "cut from" in letter.detail
    assert [POST_EVENT.decode(value).id for value in broker.values("posts")] == ["test:2"]


def test_a_stop_drains_what_is_in_flight(broker: Broker) -> None:
    source = ListSource(numbered(3, 10))
    runner(source, broker).run(source.stop, None)
    assert len(broker.values("posts")) == 30
    saved = broker.checkpoint("list")
    assert saved is not None
    assert saved.position == {"at": 30}


# --- what only a broker that obeys can show --------------------------------------------------


def test_the_checkpoint_never_passes_what_kafka_has_not_acknowledged() -> None:
    broker = FakeBroker()
    broker.holding = True
    source = ListSource(numbered(4, 10))
    with pytest.raises(ServiceUnavailable, match="40 events were not acknowledged"):
        runner(source, broker, drain_timeout_s=0.05).run(source.stop, None)
    assert broker.checkpoint("list") is None
    # The first batch and half of the second are acknowledged, then the process is gone.
    broker = FakeBroker()
    broker.holding = True
    source = ListSource(numbered(4, 10))
    release = source.next_batch

    def next_batch() -> Batch:
        if source.reads == 3:
            broker.release(15)
        return release()

    source.next_batch = next_batch  # type: ignore[method-assign]
    with pytest.raises(ServiceUnavailable):
        runner(source, broker, drain_timeout_s=0.05).run(source.stop, None)
    broker.release()
    saved = broker.checkpoint("list")
    assert saved is not None
    assert saved.position == {"at": 10}


def test_the_source_is_not_read_while_the_buffer_is_full() -> None:
    broker = FakeBroker()
    broker.holding = True
    source = ListSource([*numbered(50, 10), Batch(finished=True)])
    timer = threading.Timer(0.3, lambda: setattr(broker, "holding", False) or broker.release())
    before = metrics.INGEST_BACKPRESSURE_SECONDS.labels("list")._value.get()
    timer.start()
    assert runner(source, broker, buffer_events=100).run(threading.Event(), None) == 500
    timer.join()
    assert broker.most_held <= 110, "more than the buffer and one batch were in flight"
    assert metrics.INGEST_BACKPRESSURE_SECONDS.labels("list")._value.get() > before


def test_a_refused_event_ends_the_runner_before_its_checkpoint() -> None:
    broker = FakeBroker()
    broker.holding = True
    source = ListSource(numbered(2, 10))
    release = source.next_batch

    def next_batch() -> Batch:
        if source.reads == 1:
            broker.refuse(KafkaTimeoutError("too late"))
        return release()

    source.next_batch = next_batch  # type: ignore[method-assign]
    with pytest.raises(ServiceUnavailable, match="start again"):
        runner(source, broker).run(source.stop, None)
    broker.release()
    assert broker.checkpoint("list") is None
    assert source.closed


def test_a_source_that_needs_a_person_ends_the_runner_with_its_sentence() -> None:
    class Broken(ListSource):
        def next_batch(self) -> Batch:
            raise SourceError("the token is wrong; set TOCSIN_INGEST_X_BEARER_TOKEN")

    source = Broken([])
    with pytest.raises(SourceError, match="set TOCSIN"):
        runner(source, FakeBroker()).run(threading.Event(), None)
    assert source.closed

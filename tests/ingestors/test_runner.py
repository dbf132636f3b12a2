"""The runner's promises, on a fake broker and on real Kafka alike."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
from kafka.errors import (
    KafkaTimeoutError,
)

from ingestors.sender import MAX_EVENT_BYTES
from ingestors.source import Batch, Position, SourceError, Unreadable
from runtime import metrics
from runtime.kafka.dead_letters import MAX_PAYLOAD_BYTES
from schemas.errors import ServiceUnavailable
from tests import make
from tests.ingestors.brokers import Broker, FakeBroker, RealBroker
from tests.ingestors.runner_rig import (
    NOW,
    ListSource,
    checkpoint,
    delivered,
    event,
    large_event,
    numbered,
    only_letter,
    run,
    runner,
    seconds,
)
from tests.ingestors.x import x_feed
from tests.servers.x_api import Step, XServer


@pytest.fixture(params=["fake", pytest.param("kafka", marks=pytest.mark.engines)])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    fake = request.param == "fake"
    bootstrap = "" if fake else request.getfixturevalue("engines").endpoints.kafka
    broker = FakeBroker() if fake else RealBroker(bootstrap)
    yield broker
    broker.close()


def test_all_events_are_delivered_before_the_checkpoint(broker: Broker) -> None:
    source = ListSource([*numbered(10, 20), Batch(finished=True)])
    assert runner(source, broker).run(threading.Event(), None) == 200
    assert delivered(broker) == [f"test:{n}" for n in range(200)]
    saved = checkpoint(broker)
    assert (saved.position, saved.posts, saved.saved_at) == ({"at": 200}, 200, NOW)
    assert source.closed


def test_a_restart_resumes_at_the_checkpoint_and_counts_on(broker: Broker) -> None:
    run(broker, *numbered(2, 5))
    again = ListSource([Batch([event(10)], {"at": 11}, finished=True)])
    runner(again, broker).run(threading.Event(), broker.checkpoint("list"))
    assert again.opened_at == {"at": 10}
    saved = checkpoint(broker)
    assert (saved.position, saved.posts) == ({"at": 11}, 11)


def test_an_unreadable_item_is_a_dead_letter_with_its_bytes(broker: Broker) -> None:
    run(broker, Batch([event(1)], {"at": 1}, [Unreadable(b"\xff{", "line 2: not JSON")]))
    letter = only_letter(broker)
    assert (letter.service, letter.reason, letter.source) == ("ingest", "unreadable_post", "list")
    assert (letter.payload, letter.detail) == (b"\xff{", "line 2: not JSON")
    assert len(broker.values("posts")) == 1


def test_an_event_that_cannot_be_written_as_json_is_a_dead_letter(broker: Broker) -> None:
    run(broker, Batch([event(1, text="broken \ud800 half"), event(2)], {"at": 2}))
    letter = only_letter(broker)
    assert letter.reason == "unreadable_post"
    assert b"test:1" in letter.payload
    assert delivered(broker) == ["test:2"]


@pytest.mark.parametrize("size", [MAX_EVENT_BYTES + 1, 2 * 2**20, 3 * 2**20, 5 * 2**20])
def test_an_event_too_large_for_its_topic_is_a_dead_letter(broker: Broker, size: int) -> None:
    assert run(broker, Batch([large_event(1, size), event(2)], {"at": 2})) == 2
    letter = only_letter(broker)
    assert letter.reason == "too_large"
    assert f"it is {size} bytes" in letter.detail
    assert ("cut from" in letter.detail) == (size > MAX_PAYLOAD_BYTES)
    assert delivered(broker) == ["test:2"]


def test_the_largest_event_that_fits_is_sent(broker: Broker) -> None:
    run(broker, Batch([large_event(1, MAX_EVENT_BYTES)], {"at": 1}))
    assert delivered(broker) == ["test:1"]
    assert broker.values("dead-letters") == []


@pytest.mark.parametrize("received", [0, 3])
def test_a_stop_drains_everything_received(broker: Broker, received: int) -> None:
    batches = numbered(4, 10)
    source = ListSource(batches[: 4 - received], iter(batches[4 - received :]))
    assert runner(source, broker).run(source.stop, None) == 40
    assert len(broker.values("posts")) == 40
    assert checkpoint(broker).position == {"at": 40}


def test_a_stop_of_x_sends_every_post(broker: Broker, request: pytest.FixtureRequest) -> None:
    # One chunk: once one post of it is returned, all are read, though the buffer holds two.
    chunk = b"".join(x_feed.sent(number) for number in range(10))
    with (
        XServer(token=x_feed.TOKEN, rules=[x_feed.HELD], scripts=[[chunk, Step.LIVE]]) as server,
        x_feed.opening(request.node.name) as open_source,
    ):
        source = open_source(server, batch_events=1, buffer_lines=2)
        stop = threading.Event()
        read = source.next_batch

        def next_batch() -> Batch:
            batch = read()
            if batch.events:
                stop.set()
            return batch

        source.open = lambda position: None  # type: ignore[method-assign]
        source.next_batch = next_batch  # type: ignore[method-assign]
        assert runner(source, broker).run(stop, None) == 10
    assert delivered(broker) == x_feed.ids(*range(10))
    assert checkpoint(broker, source.source_id).position["last_id"] == x_feed.id_of(9)


# --- only with the fake broker ---------------------------------------------------------------


def test_the_checkpoint_never_passes_what_kafka_has_not_acknowledged() -> None:
    broker = FakeBroker(holding=True)
    source = ListSource(numbered(4, 10))
    with pytest.raises(ServiceUnavailable, match="40 messages were not acknowledged"):
        runner(source, broker, drain_timeout_s=0.05).run(source.stop, None)
    assert broker.checkpoint("list") is None
    # The first batch and half of the second are acknowledged, then the process is gone.
    broker = FakeBroker(holding=True)
    source = ListSource(numbered(4, 10), before={3: lambda: broker.release(15)})
    with pytest.raises(ServiceUnavailable):
        runner(source, broker, drain_timeout_s=0.05).run(source.stop, None)
    broker.release()
    assert checkpoint(broker).position == {"at": 10}


def unreadable(batches: int, size: int) -> list[Batch]:
    return [Batch(unreadable=[Unreadable(b"{", "no post")] * size)] * batches


@pytest.mark.parametrize(("batches", "events"), [(numbered(50, 10), 500), (unreadable(50, 10), 0)])
def test_the_source_is_not_read_while_the_buffer_is_full(batches: list[Batch], events: int) -> None:
    broker = FakeBroker(holding=True)
    source = ListSource([*batches, Batch(finished=True)])
    timer = threading.Timer(0.3, broker.let_go)
    before = metrics.INGEST_BACKPRESSURE_SECONDS.labels("list")._value.get()
    timer.start()
    assert runner(source, broker, buffer_events=100).run(threading.Event(), None) == events
    timer.join()
    assert broker.max_held <= 110, "more than the buffer and one batch were in flight"
    assert metrics.INGEST_BACKPRESSURE_SECONDS.labels("list")._value.get() > before


def test_a_refused_event_ends_the_runner_before_its_checkpoint() -> None:
    broker = FakeBroker(holding=True)
    refuse = partial(broker.refuse, KafkaTimeoutError("too late"))
    source = ListSource(numbered(2, 10), before={1: refuse})
    with pytest.raises(ServiceUnavailable, match="restart once Kafka"):
        runner(source, broker).run(source.stop, None)
    broker.release()
    assert broker.checkpoint("list") is None
    assert source.closed


def test_an_acknowledged_dead_letter_shows_that_kafka_is_back() -> None:
    started = runner(ListSource([*unreadable(1, 1), Batch(finished=True)]), FakeBroker())
    started.health.hinder("kafka", "slow; the source is not being read")
    started.run(threading.Event(), None)
    assert started.health.ready() == (True, "ready")


def test_a_refused_checkpoint_ends_the_runner() -> None:
    broker = FakeBroker(refusing={"checkpoints"})
    source = ListSource(numbered(50, 1))
    with pytest.raises(ServiceUnavailable, match="refused a checkpoint"):
        runner(source, broker).run(source.stop, None)
    assert source.reads == 2
    assert source.closed


@pytest.mark.parametrize(
    ("refusing", "sentence"),
    [({"checkpoints"}, "refused a checkpoint"), (set(), "did not acknowledge the last checkpoint")],
)
def test_a_lost_last_checkpoint_is_an_error(refusing: set[str], sentence: str) -> None:
    broker = FakeBroker(holding=True, refusing=refusing)
    # No checkpoint before the drain: the event is acknowledged when the source is closed.
    source = ListSource([Batch([event(1)], {"at": 1}, finished=True)], on_close=broker.release)
    with pytest.raises(ServiceUnavailable, match=sentence):
        runner(source, broker).run(threading.Event(), None)


@pytest.mark.parametrize("topic", ["posts", "checkpoints"])
def test_a_stop_while_kafka_is_away_ends_the_process(topic: str) -> None:
    broker = FakeBroker(away={topic})
    source = ListSource(numbered(1, 10))

    def on_away() -> None:
        if broker.attempts == 3:
            source.stop.set()

    broker.on_away = on_away
    with pytest.raises(ServiceUnavailable, match="did not answer within 30 s"):
        runner(source, broker, seconds(), drain_timeout_s=30).run(source.stop, None)
    assert broker.attempts > 10, "it gave up long before the time for the drain was over"
    assert source.closed


def test_a_drain_ends_though_kafka_takes_no_checkpoint() -> None:
    broker = FakeBroker(holding=True, away={"checkpoints"})
    source = ListSource([Batch([event(1)], {"at": 1}, finished=True)], on_close=broker.release)
    with pytest.raises(ServiceUnavailable, match="did not answer within 30 s"):
        runner(source, broker, seconds(), drain_timeout_s=30).run(threading.Event(), None)


def test_an_endless_closed_source_does_not_block_the_end() -> None:
    def received() -> Iterator[Batch]:
        for number in range(1_000):
            yield Batch([event(number)], {"at": number})
        raise AssertionError("it was read on and on")

    source, broker = ListSource([], received()), FakeBroker()
    runner(source, broker, seconds(), drain_timeout_s=30).run(source.stop, None)
    assert delivered(broker)[-1] == f"test:{checkpoint(broker).position['at']}"


@pytest.mark.parametrize("reads", [0, 2])
def test_a_source_that_needs_a_person_leaves_nothing_in_flight(reads: int) -> None:
    def fail() -> None:
        raise SourceError("the token is wrong; set TOCSIN_INGEST_X_BEARER_TOKEN")

    broker = FakeBroker(holding=True)
    source = ListSource(numbered(2, 10), before={reads: fail}, on_close=broker.let_go)
    with pytest.raises(SourceError, match="set TOCSIN"):
        runner(source, broker).run(threading.Event(), None)
    assert source.closed
    assert len(delivered(broker)) == reads * 10
    saved = broker.checkpoint("list")
    assert (saved and (saved.position, saved.posts)) == (({"at": 20}, 20) if reads else None)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), GeneratorExit(), MemoryError()])
def test_whatever_a_source_raises_is_told_and_read_again(error: BaseException) -> None:
    def fail() -> None:
        raise error

    broker = FakeBroker()
    failing = ListSource(numbered(4, 10), before={2: fail})
    # What it still holds may be behind posts that were lost on the way: no position may pass them.
    failing.received = iter([Batch([event(99)], {"at": 100})])
    started = runner(failing, broker)
    failing.before[2] = lambda: None if failing.closed else fail()
    with pytest.raises(type(error)):
        started.run(threading.Event(), None)
    assert failing.closed
    assert delivered(broker) == [*(f"test:{n}" for n in range(20)), "test:99"]
    assert checkpoint(broker).position == {"at": 20}
    ready, why = started.health.ready()
    assert not ready
    assert "list has ended" in why


def test_the_newest_event_is_never_after_its_reading() -> None:
    ahead = make.upsert(make.post("x", id="test:1", created_at=NOW + timedelta(hours=20)), 1)
    run(FakeBroker(), Batch([ahead], {"at": 1}))
    assert metrics.INGEST_LAST_EVENT.labels("list")._value.get() == NOW.timestamp()


def test_a_source_is_told_what_kafka_has() -> None:
    @dataclass
    class Keeping(ListSource):
        told: list[Position] = field(default_factory=list)

        def acknowledged(self, position: Position) -> None:
            self.told.append(position)

    broker = FakeBroker(holding=True)
    source = Keeping(numbered(4, 10), before={3: lambda: broker.release(15)})
    with pytest.raises(ServiceUnavailable):
        runner(source, broker, drain_timeout_s=0.05).run(source.stop, None)
    assert source.told == [{"at": 10}]

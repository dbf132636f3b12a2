"""What every channel keeps to: delivers, tries again, gives up what is refused, tells nobody twice,
and shows no secret."""

import threading
import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from runtime import metrics
from runtime.settings import AlertsSettings
from schemas.alert import Alert
from schemas.codec import ALERT, ALERT_DELIVERY, DEAD_LETTER
from schemas.dead_letter import DeadLetter
from schemas.errors import BrakeTripped, TocsinError
from sinks.alerts.deliveries import Deliveries
from sinks.alerts.service import ChannelWorker, group_of
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.sinks.alerts.channels.rigs import RIGS, SECRET, Rig, clock
from tests.sinks.alerts.states import ID, state

PATIENCE_S = 10
SETTINGS = AlertsSettings(retry_first_s=0.01, retry_max_s=0.02, dead_letter_run=3)


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with RIGS[request.param]() as rig:
        yield rig


def numbered(version: int, status: str = "open", **changed: object) -> Alert:
    """A state whose title says its version, for channels that are not told it."""
    return state(version, status, title=f"Velmora #{version}", **changed)


def put(kafka: FakeKafka, *alerts: Alert) -> None:
    for alert in alerts:
        kafka.send("t.alerts", key=alert.brand.encode(), value=ALERT.encode(alert))


def worker_of(kafka: FakeKafka, rig: Rig, settings: AlertsSettings = SETTINGS) -> ChannelWorker:
    channel = rig.channel
    deliveries = None
    if not channel.takes_all:
        deliveries = Deliveries(kafka.consumer(), kafka, "t.alert-deliveries", channel.name)
    return ChannelWorker(
        channel,
        kafka.consumer(group_of(channel.name)),
        kafka,
        deliveries,
        configured={"desk", "other"},
        topic_prefix="t.",
        settings=settings,
        clock=clock,
    )


def run(kafka: FakeKafka, rig: Rig, settings: AlertsSettings = SETTINGS) -> BaseException | None:
    """A worker's life until it has nothing more to do; returns what it died of."""
    worker, stop, died = worker_of(kafka, rig, settings), threading.Event(), []
    kafka.idle.clear()

    def live() -> None:
        try:
            worker.run(stop)
        except BaseException as error:  # noqa: BLE001
            died.append(error)
            kafka.idle.set()

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    in_time = kafka.idle.wait(PATIENCE_S)
    stop.set()
    assert in_time, worker.failing
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    return died[0] if died else None


def letters(kafka: FakeKafka) -> list[DeadLetter]:
    return [DEAD_LETTER.decode(record.value) for record in kafka.log["t.dead-letters"]]


def committed(kafka: FakeKafka, rig: Rig) -> int:
    (offset,) = (
        offset
        for (group, _), offset in kafka.committed.items()
        if group == group_of(rig.channel.name)
    )
    return offset


def counted(rig: Rig, result: str) -> float:
    return metrics.ALERTS_STATES.labels(rig.channel.name, result)._value.get()


def test_it_delivers_each_state_in_order(kafka: FakeKafka, rig: Rig) -> None:
    before = counted(rig, "delivered")
    put(kafka, numbered(1), numbered(2, "update"), numbered(3, "close"))
    assert run(kafka, rig) is None
    assert rig.delivered() == [(ID, 1), (ID, 2), (ID, 3)]
    assert committed(kafka, rig) == 3
    assert counted(rig, "delivered") == before + 3
    assert letters(kafka) == []


def test_it_tries_again_until_it_is_taken(kafka: FakeKafka, rig: Rig) -> None:
    rig.busy(3)
    put(kafka, numbered(1), numbered(2, "update"))
    with capture_logs() as logs:
        assert run(kafka, rig) is None
    assert rig.delivered() == [(ID, 1), (ID, 2)]
    assert committed(kafka, rig) == 2
    assert letters(kafka) == []
    said = [entry["event"] for entry in logs]
    assert said.count("a channel does not take alerts") == 1
    assert metrics.ALERTS_FAILING.labels(rig.channel.name)._value.get() == 0


def test_what_is_refused_goes_to_dead_letters_and_holds_nothing_back(
    kafka: FakeKafka, rig: Rig
) -> None:
    rig.refuse()
    put(kafka, numbered(1), numbered(2, "update"))
    assert run(kafka, rig) is None
    assert rig.delivered() == [(ID, 2)]
    (letter,) = letters(kafka)
    assert letter.service == "sink-alerts"
    assert letter.reason in ("delivery_rejected", "index_rejected")
    assert letter.detail.startswith(f"channel {rig.channel.name}: ")
    assert ALERT.decode(letter.payload).version == 1
    assert committed(kafka, rig) == 2


def test_a_replay_tells_nobody_twice(kafka: FakeKafka, rig: Rig) -> None:
    put(kafka, numbered(1), numbered(2, "update"))
    assert run(kafka, rig) is None
    # As after a reset of the group, or letters that were replayed.
    kafka.committed.clear()
    put(kafka, numbered(1))
    assert run(kafka, rig) is None
    assert rig.delivered() == [(ID, 1), (ID, 2)]
    assert committed(kafka, rig) == 3


def test_a_death_before_the_commit_tells_nobody_twice(kafka: FakeKafka, rig: Rig) -> None:
    put(kafka, numbered(1))
    assert run(kafka, rig) is None
    kafka.committed.clear()
    put(kafka, numbered(2, "update"))
    assert run(kafka, rig) is None
    assert rig.delivered() == [(ID, 1), (ID, 2)]


def test_no_secret_is_shown(kafka: FakeKafka, rig: Rig) -> None:
    rig.busy(1)
    rig.refuse()
    put(kafka, numbered(1), numbered(2, "update"))
    with capture_logs() as logs:
        assert run(kafka, rig) is None
    for record in [record for topic in kafka.log.values() for record in topic]:
        assert SECRET.encode() not in (record.value or b"")
    assert SECRET not in str(logs)
    assert len(letters(kafka)) == 1
    assert SECRET not in repr(vars(rig.channel))


def test_a_fault_of_ours_is_a_dead_letter(
    kafka: FakeKafka, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(alert: Alert, before: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(rig.channel, "deliver", broken)
    put(kafka, numbered(1))
    assert run(kafka, rig) is None
    (letter,) = letters(kafka)
    assert "internal error (ValueError in test_channels_contract.py, line " in letter.detail
    assert SECRET not in letter.detail


def test_too_many_refusals_in_a_row_stop_the_channel(kafka: FakeKafka, rig: Rig) -> None:
    for _ in range(4):
        rig.refuse()
    put(kafka, *(numbered(version) for version in range(1, 7)))
    assert isinstance(run(kafka, rig), BrakeTripped)
    assert len(letters(kafka)) == 4
    assert committed(kafka, rig) == 4


def test_garbage_is_given_up_once_and_by_the_index(kafka: FakeKafka, rig: Rig) -> None:
    kafka.send("t.alerts", key=b"velmora", value=b"{")
    put(kafka, numbered(1))
    assert run(kafka, rig) is None
    assert rig.delivered() == [(ID, 1)]
    reasons = [letter.reason for letter in letters(kafka)]
    assert reasons == (["invalid_json"] if rig.channel.takes_all else [])


def test_a_stop_while_waiting_leaves_the_state_uncommitted(kafka: FakeKafka, rig: Rig) -> None:
    rig.busy(1)
    put(kafka, numbered(1))
    slow = SETTINGS.model_copy(update={"retry_first_s": 60.0, "retry_max_s": 60.0})
    worker, stop = worker_of(kafka, rig, slow), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while worker.failing is None:
        assert thread.is_alive() and time.monotonic() < deadline
        time.sleep(0.005)
    assert metrics.ALERTS_FAILING.labels(rig.channel.name)._value.get() == 1
    assert metrics.ALERTS_LAG.labels(rig.channel.name)._value.get() == 1
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert not kafka.committed
    assert run(kafka, rig) is None
    assert rig.delivered() == [(ID, 1)]


def test_what_was_told_is_written_down_before_the_commit(kafka: FakeKafka, rig: Rig) -> None:
    seen: list[tuple[str, int]] = []
    kafka.on_send = lambda topic: seen.append((topic, len(kafka.committed)))
    put(kafka, numbered(1))
    assert run(kafka, rig) is None
    if rig.channel.takes_all:
        assert kafka.log["t.alert-deliveries"] == []
        return
    assert ("t.alert-deliveries", 0) in seen
    (record,) = kafka.log["t.alert-deliveries"]
    told = ALERT_DELIVERY.decode(record.value)
    assert record.key == f"desk|{ID}".encode()
    assert (told.channel, told.alert_id, told.version, told.status) == ("desk", ID, 1, "open")


def test_kafka_that_is_away_is_a_sentence(
    kafka: FakeKafka, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kafka.errors import KafkaTimeoutError

    def away(topic: str) -> None:
        if topic != "t.alerts":
            raise KafkaTimeoutError("no leader")

    put(kafka, numbered(1))
    rig.refuse()
    kafka.on_send = away
    died = run(kafka, rig)
    assert isinstance(died, TocsinError)
    assert "Kafka does not serve the channel" in str(died)
    assert not kafka.committed

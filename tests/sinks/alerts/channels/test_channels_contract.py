"""What every channel guarantees: delivers in order, retries, gives up what is refused, repeats
nothing, and shows no secret."""

import threading
from collections.abc import Iterator

import pytest
from kafka.errors import KafkaTimeoutError
from structlog.testing import capture_logs

from runtime import metrics
from runtime.settings import AlertsSettings
from schemas.alert import Alert
from schemas.codec import ALERT, ALERT_DELIVERY, DEAD_LETTER
from schemas.dead_letter import DeadLetter
from schemas.errors import BrakeTripped, TocsinError
from sinks.alerts.service import group_of
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.sinks.alerts.channels.rigs import PATIENCE_S, RIGS, SECRET, Rig, wait, worker_of
from tests.sinks.alerts.states import ID, state

SETTINGS = AlertsSettings(retry_first_s=0.01, retry_max_s=0.02, dead_letter_run=3)


class Bench:
    """A channel with its fake server, fed from a fake Kafka."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.channel = rig.channel
        self.kafka = FakeKafka()

    def put(self, *versions: int, last: str = "update") -> None:
        """Write states of one alert; their titles say the version, for channels without one."""
        for version in versions:
            status = "open" if version == 1 else last if version == versions[-1] else "update"
            alert = state(version, status, title=f"Velmora #{version}")
            self.kafka.send("t.alerts", key=alert.brand.encode(), value=ALERT.encode(alert))

    def run(self) -> None:
        """Run a worker until it has nothing more to do; raises what ended it."""
        worker, stop = worker_of(self.channel, self.kafka, SETTINGS), threading.Event()
        errors: list[BaseException] = []
        self.kafka.idle.clear()

        def live() -> None:
            try:
                worker.run(stop)
            except BaseException as error:  # noqa: BLE001
                errors.append(error)
                self.kafka.idle.set()

        thread = threading.Thread(target=live, daemon=True)
        thread.start()
        in_time = self.kafka.idle.wait(PATIENCE_S)
        stop.set()
        assert in_time, worker.failing
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        if errors:
            raise errors[0]

    @property
    def letters(self) -> list[DeadLetter]:
        return [DEAD_LETTER.decode(record.value) for record in self.kafka.log["t.dead-letters"]]

    @property
    def committed(self) -> int:
        (((group, _), offset),) = self.kafka.committed.items()
        assert group == group_of(self.channel.name)
        return offset

    def metric(self, metric: object, *labels: str) -> float:
        return metric.labels(self.channel.name, *labels)._value.get()  # type: ignore[attr-defined]


@pytest.fixture(params=RIGS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with RIGS[request.param]() as rig:
        yield Bench(rig)


def test_it_delivers_each_state_in_order(bench: Bench) -> None:
    before = bench.metric(metrics.ALERTS_STATES, "delivered")
    bench.put(1, 2, 3, last="close")
    bench.run()
    assert bench.rig.delivered() == [(ID, 1), (ID, 2), (ID, 3)]
    assert bench.committed == 3
    assert bench.metric(metrics.ALERTS_STATES, "delivered") == before + 3
    assert bench.letters == []


def test_it_retries_until_it_is_accepted(bench: Bench) -> None:
    bench.rig.busy(3)
    bench.put(1, 2)
    with capture_logs() as logs:
        bench.run()
    assert bench.rig.delivered() == [(ID, 1), (ID, 2)]
    assert bench.committed == 2
    assert bench.letters == []
    assert [log["event"] for log in logs].count("a channel does not take alerts") == 1
    assert bench.metric(metrics.ALERTS_FAILING) == 0


def test_a_refused_alert_is_a_dead_letter_and_holds_nothing_back(bench: Bench) -> None:
    bench.rig.refuse()
    bench.put(1, 2)
    bench.run()
    assert bench.rig.delivered() == [(ID, 2)]
    (letter,) = bench.letters
    assert letter.service == "sink-alerts"
    assert letter.reason in ("delivery_rejected", "index_rejected")
    assert letter.detail.startswith(f"channel {bench.channel.name}: ")
    assert ALERT.decode(letter.payload).version == 1
    assert bench.committed == 2


def test_a_replay_delivers_nothing_twice(bench: Bench) -> None:
    bench.put(1)
    bench.run()
    # As after a death before the commit.
    bench.kafka.committed.clear()
    bench.put(2)
    bench.run()
    assert bench.rig.delivered() == [(ID, 1), (ID, 2)]
    # As after a reset of the group, and a replay of dead letters.
    bench.kafka.committed.clear()
    bench.put(1)
    bench.run()
    assert bench.rig.delivered() == [(ID, 1), (ID, 2)]
    assert bench.committed == 3


def test_no_secret_is_shown(bench: Bench) -> None:
    bench.rig.busy(1)
    bench.rig.refuse()
    bench.put(1, 2)
    with capture_logs() as logs:
        bench.run()
    for record in [record for topic in bench.kafka.log.values() for record in topic]:
        assert SECRET.encode() not in (record.value or b"")
    assert SECRET not in str(logs)
    assert len(bench.letters) == 1
    assert SECRET not in repr(vars(bench.channel))


def test_a_bug_is_a_dead_letter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(alert: Alert, before: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(bench.channel, "deliver", broken)
    bench.put(1)
    bench.run()
    (letter,) = bench.letters
    assert "internal error (ValueError in test_channels_contract.py, line " in letter.detail
    assert SECRET not in letter.detail


def test_too_many_refusals_in_a_row_stop_the_channel(bench: Bench) -> None:
    for _ in range(4):
        bench.rig.refuse()
    bench.put(*range(1, 7))
    with pytest.raises(BrakeTripped):
        bench.run()
    assert len(bench.letters) == bench.committed == 4


def test_garbage_is_one_dead_letter_of_the_index(bench: Bench) -> None:
    bench.kafka.send("t.alerts", key=b"velmora", value=b"{")
    bench.put(1)
    bench.run()
    assert bench.rig.delivered() == [(ID, 1)]
    reasons = [letter.reason for letter in bench.letters]
    assert reasons == (["invalid_json"] if bench.channel.takes_all else [])


def test_a_stop_while_waiting_leaves_the_state_uncommitted(bench: Bench) -> None:
    bench.rig.busy(1)
    bench.put(1)
    slow = SETTINGS.model_copy(update={"retry_first_s": 60.0, "retry_max_s": 60.0})
    worker, stop = worker_of(bench.channel, bench.kafka, slow), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    wait(lambda: worker.failing is not None)
    assert bench.metric(metrics.ALERTS_FAILING) == bench.metric(metrics.ALERTS_LAG) == 1
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert not bench.kafka.committed
    bench.run()
    assert bench.rig.delivered() == [(ID, 1)]


def test_a_delivery_is_stored_before_the_commit(bench: Bench) -> None:
    sent: list[tuple[str, int]] = []
    bench.kafka.on_send = lambda topic: sent.append((topic, len(bench.kafka.committed)))
    bench.put(1)
    bench.run()
    records = bench.kafka.log["t.alert-deliveries"]
    if bench.channel.takes_all:
        assert records == []
        return
    assert ("t.alert-deliveries", 0) in sent
    (record,) = records
    stored = ALERT_DELIVERY.decode(record.value)
    assert record.key == f"desk|{ID}".encode()
    assert (stored.channel, stored.alert_id, stored.version, stored.status) == (
        "desk", ID, 1, "open",
    )  # fmt: skip


def test_kafka_that_is_away_is_a_sentence(bench: Bench) -> None:
    def away(topic: str) -> None:
        if topic != "t.alerts":
            raise KafkaTimeoutError("no leader")

    bench.put(1)
    bench.rig.refuse()
    bench.kafka.on_send = away
    with pytest.raises(TocsinError, match="Kafka does not serve the channel"):
        bench.run()
    assert not bench.kafka.committed

"""A dead channel delays no other, and an error that concerns all ends the process."""

import threading
import time
from datetime import timedelta

import pytest

from runtime import metrics
from runtime.health import Health
from runtime.settings import AlertsSettings
from schemas.alert import Alert
from schemas.codec import ALERT, DEAD_LETTER
from schemas.delivery import AlertDelivery
from schemas.errors import BrakeTripped, ServiceUnavailable
from sinks.alerts.channels.base import Busy, Channel, Refused
from sinks.alerts.workers import run_all
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.sinks.alerts.channels.rigs import PATIENCE_S, wait, worker_of
from tests.sinks.alerts.states import NOW, state

SETTINGS = AlertsSettings(retry_first_s=0.01, retry_max_s=0.02, dead_letter_run=1)


class Scripted(Channel):
    """Raises the error that it is given, and keeps what it accepts."""

    def __init__(self, name: str, error: BaseException | None = None) -> None:
        super().__init__(name)
        self.error = error
        self.taken: list[int] = []
        self.repeated: list[list[int]] = []
        self.closed = False

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        if self.error is not None:
            raise self.error
        self.taken.append(alert.version)
        return "{}"

    def again(self, held: object) -> None:
        self.repeated.append([delivery.version for delivery in held])  # type: ignore[attr-defined]

    def close(self) -> None:
        self.closed = True


class Storing(Scripted):
    takes_all = True


class Hanging(Scripted):
    """Never ends an attempt until it is let go."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.began, self.go = threading.Event(), threading.Event()

    @property
    def attempt_s(self) -> float:
        return 0.02

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        self.began.set()
        self.go.wait()
        return super().deliver(alert, before)


def failing(channel: Channel) -> float:
    return float(metrics.ALERTS_FAILING.labels(channel.name)._value.get())


class Panic(BaseException):
    """What a library in Rust raises: no Exception."""


class Crew:
    """Workers on one broker, run on a thread."""

    def __init__(self, *channels: Channel, kafka: FakeKafka | None = None) -> None:
        self.kafka = kafka or FakeKafka()
        self.health = Health("sink-alerts")
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.workers = [worker_of(channel, self.kafka, SETTINGS) for channel in channels]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            run_all(self.workers, self.stop, self.health)
        except BaseException as error:  # noqa: BLE001
            self.error = error

    def start(self, *versions: int) -> None:
        for version in versions:
            self.kafka.send("t.alerts", key=b"velmora", value=ALERT.encode(state(version)))
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def test_a_dead_channel_delays_no_other() -> None:
    dead, alive = Scripted("dead", Busy("it is away", "connection")), Scripted("alive")
    crew = Crew(dead, alive)
    crew.start(1, 2, 3)
    wait(lambda: alive.taken == [1, 2, 3])
    wait(lambda: "channel dead: it is away" in crew.health.ready()[1])
    assert dead.taken == []
    dead.error = None
    wait(lambda: dead.taken == [1, 2, 3])
    wait(lambda: crew.health.ready()[0])
    crew.end()
    assert crew.error is None
    assert dead.closed and alive.closed


def test_a_channel_that_hangs_is_told_and_the_process_lives_on() -> None:
    hangs, good = Hanging("hangs"), Scripted("good")
    crew = Crew(hangs, good)
    crew.health.stalled_after_s = 2.0
    crew.start(1)
    assert hangs.began.wait(PATIENCE_S)
    wait(lambda: "channel hangs: it has not moved" in crew.health.ready()[1])
    assert failing(hangs) == 1
    # Longer than the process may stand still: the other channel moves, and so does the process.
    wait(lambda: time.monotonic() - crew.workers[0].last_beat > 2 * crew.health.stalled_after_s)
    assert crew.health.alive()[0]
    assert (good.taken, failing(good)) == ([1], 0)
    hangs.go.set()
    wait(lambda: hangs.taken == [1] and crew.health.ready()[0])
    assert failing(hangs) == 0
    crew.end()
    assert crew.error is None


def test_a_stop_does_not_wait_for_a_channel_that_hangs() -> None:
    hangs, good = Hanging("hangs"), Scripted("good")
    crew = Crew(hangs, good)
    crew.start(1)
    assert hangs.began.wait(PATIENCE_S)
    wait(lambda: good.taken == [1])
    crew.end()
    assert crew.error is None
    assert good.closed and hangs.taken == []
    assert {group for group, _ in crew.kafka.committed} == {"sink-alerts-good"}
    hangs.go.set()


def test_a_brake_stops_one_channel_and_is_reported() -> None:
    bad, good = Scripted("bad", Refused("never")), Scripted("good")
    crew = Crew(bad, good)
    crew.start(1, 2, 3)
    wait(lambda: "channel bad: stopped" in crew.health.ready()[1])
    assert (failing(bad), failing(good)) == (1, 0)
    assert crew.health.alive()[0]
    wait(lambda: good.taken == [1, 2, 3])
    crew.end()
    assert crew.error is None
    assert len(crew.kafka.log["t.dead-letters"]) == 2
    # When no channel is left, the process ends.
    crew = Crew(Scripted("bad", Refused("never")))
    crew.start(1, 2, 3)
    wait(lambda: crew.error is not None)
    crew.end()
    assert isinstance(crew.error, BrakeTripped)


def test_an_error_that_concerns_all_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Scripted("one"), Scripted("other")
    crew = Crew(one, other)

    def away(stop: threading.Event) -> None:
        raise ServiceUnavailable("Kafka is away")

    monkeypatch.setattr(crew.workers[0], "run", away)
    crew.start(1)
    wait(lambda: crew.error is not None)
    crew.end()
    assert isinstance(crew.error, ServiceUnavailable)
    assert one.closed and other.closed


def test_open_alerts_are_repeated_also_after_a_restart() -> None:
    ops = Scripted("ops")
    ops.repeat_every_s = 0.05
    crew = Crew(ops)
    crew.start(1)
    wait(lambda: ops.repeated.count([1]) > 2)
    crew.end()
    again = Scripted("ops")
    again.repeat_every_s = 3_600
    second = Crew(again, kafka=crew.kafka)
    second.start()
    wait(lambda: again.repeated == [[1]])
    second.end()
    assert again.taken == []


class FailsToRepeat(Scripted):
    def again(self, held: object) -> None:
        super().again(held)
        raise ValueError("a secret")


def test_a_repeat_that_breaks_the_code_costs_no_alert_and_ends_no_channel() -> None:
    ops = FailsToRepeat("repeats")
    ops.repeat_every_s = 0.05
    crew = Crew(ops)
    crew.start(1, 2)
    wait(lambda: len(ops.repeated) > 2)
    why = crew.workers[0].failing
    crew.end()
    assert (ops.taken, crew.kafka.log["t.dead-letters"], crew.error) == ([1, 2], [], None)
    assert why is not None and "ValueError" in why and "secret" not in why


@pytest.mark.parametrize(
    ("kind", "reason"), [(Storing, "index_rejected"), (Scripted, "delivery_rejected")]
)
def test_an_alert_that_makes_a_channel_panic_is_a_letter_of_that_channel(
    kind: type[Scripted], reason: str
) -> None:
    bad = kind(f"panics-{reason}", Panic("a secret"))
    crew = Crew(bad)
    crew.start(1)
    wait(lambda: len(crew.kafka.log["t.dead-letters"]) == 1)
    crew.end()
    assert crew.error is None
    letter = DEAD_LETTER.decode(crew.kafka.log["t.dead-letters"][0].value or b"")
    assert (letter.service, letter.reason) == ("sink-alerts", reason)
    assert "Panic" in letter.detail
    assert "secret" not in letter.detail
    assert metrics.ALERTS_STATES.labels(bad.name, "dead")._value.get() == 1
    assert failing(bad) == 0


@pytest.mark.parametrize("hours", [-25, 25, 24 * 400])
def test_a_wall_clock_that_steps_makes_no_state_too_old(hours: int) -> None:
    desk, stepped = Scripted("desk"), [timedelta()]
    worker = worker_of(desk, FakeKafka(), SETTINGS, clock=lambda: NOW + stepped[0])
    worker.begin()
    stepped[0] = timedelta(hours=hours)
    crew_kafka = FakeKafka()
    crew_kafka.send("t.alerts", key=b"velmora", value=ALERT.encode(state(1)))
    worker.handle(crew_kafka.log["t.alerts"])
    assert desk.taken == [1]
    assert worker.deliveries is not None
    assert worker.deliveries.held(), "nor is its delivery forgotten"


def test_a_state_is_too_old_after_the_time_has_really_passed() -> None:
    desk, passed = Scripted("desk"), [0.0]
    worker = worker_of(
        desk,
        FakeKafka(),
        SETTINGS,
        clock=lambda: NOW + timedelta(seconds=passed[0]),
        monotonic=lambda: passed[0],
    )
    passed[0] = 25 * 3_600.0
    kafka = FakeKafka()
    kafka.send("t.alerts", key=b"velmora", value=ALERT.encode(state(1)))
    worker.handle(kafka.log["t.alerts"])
    assert desk.taken == []

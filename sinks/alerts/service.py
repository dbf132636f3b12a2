"""One worker a channel: poll, decide, deliver, write down, commit.

Invariants:

1. Each channel has a consumer group of its own (``sink-alerts-<name>``) and a thread of its own. A
   channel that is away holds back itself and nobody else.
2. An offset is committed only after the state before it was delivered and written down in
   ``alert-deliveries``, needs no delivery, or is in dead-letters and acknowledged by Kafka.
3. States of one alert are delivered in order (one partition a brand), and never an older one
   after a newer.
4. No secret is logged: channels raise sentences that hold none.
"""

import random
import time
import traceback
from collections.abc import Callable, Set
from pathlib import Path
from threading import Event
from typing import Any

from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.kafka.brake import Brake
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.dead_letters import dead_letter_of
from runtime.logs import get_logger
from runtime.settings import AlertsSettings
from schemas.alert import Alert
from schemas.codec import ALERT
from schemas.dead_letter import Reason
from schemas.delivery import AlertDelivery
from schemas.errors import InvalidMessage, ServiceUnavailable
from sinks.alerts.channels.base import Busy, Channel, Refused
from sinks.alerts.deliveries import Deliveries
from sinks.alerts.routing import decide, oldest_of, unknown

SERVICE = "sink-alerts"
TOPIC = "alerts"
_MAX_PAUSE_S = 300.0
"""However long a channel asks to be left alone."""
log = get_logger("alerts")


def _place(error: Exception) -> str:
    """What kind of error it is, and where it was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"


class Stopped(Exception):
    """Told to stop while waiting; what was not committed comes again."""


def group_of(channel: str) -> str:
    """The consumer group of a channel, without the prefix."""
    return f"{SERVICE}-{channel}"


class ChannelWorker:
    """Delivers to one channel until told to stop; ``run`` owns its thread."""

    def __init__(
        self,
        channel: Channel,
        consumer: Any,
        producer: Any,
        deliveries: Deliveries | None,
        *,
        configured: Set[str],
        topic_prefix: str,
        settings: AlertsSettings,
        clock: Clock = utc_now,
        pause: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.channel = channel
        self.consumer = consumer
        self.producer = producer
        self.deliveries = deliveries
        self.settings = settings
        self.failing: str | None = None
        """Why the channel takes nothing now; read by the thread that answers for health."""
        self.beat = time.monotonic()
        self._configured = configured
        self._prefix = topic_prefix
        self._clock = clock
        self._pause = pause
        self._carried: list[Any] = []
        self._next: dict[TopicPartition, int] = {}
        """The first offset that is not done, by partition."""
        self._next_repeat = 0.0
        self._brake = Brake(1.0, max(10, settings.dead_letter_run), settings.dead_letter_run)
        metrics.ALERTS_FAILING.labels(channel.name).set(0)

    def run(self, stop: Event) -> None:
        """Consume until ``stop`` is set; raises when a person has to act."""
        self.consumer.subscribe([self._prefix + TOPIC])
        try:
            if self.deliveries is not None:
                self.deliveries.catch_up()
                self.deliveries.forget(self._clock())
            while not stop.is_set():
                self.beat = time.monotonic()
                for record in self._poll(500):
                    self._handle(record, stop)
                self._repeat_when_due()
                self._export_waiting()
        except Stopped:
            log.info("stopped while waiting; the state comes again", channel=self.channel.name)
        except KafkaError as error:
            raise ServiceUnavailable(
                f"Kafka does not serve the channel {self.channel.name} ({error!r}); nothing "
                "uncommitted is lost"
            ) from None
        finally:
            self._close()

    def _close(self) -> None:
        self.consumer.close()
        if self.deliveries is not None:
            self.deliveries.close()

    def _poll(self, timeout_ms: int) -> list[Any]:
        records, self._carried = self._carried, []
        if not records:
            for part in self.consumer.poll(timeout_ms=timeout_ms).values():
                records.extend(part)
        return records

    # --- one state -------------------------------------------------------------------------

    def _handle(self, record: Any, stop: Event) -> None:
        if stop.is_set():
            raise Stopped
        tp = TopicPartition(record.topic, record.partition)
        if tp not in self.consumer.assignment():
            return  # It moved while this batch was worked off: its new owner has it.
        self._next[tp] = record.offset
        self._export_waiting()
        try:
            alert = ALERT.decode(record.value or b"")
        except InvalidMessage as error:
            # One dead letter is enough: the index's.
            if self.channel.takes_all:
                self._dead_letter(record, error.reason, error.detail)
            dead = self.channel.takes_all
        else:
            dead = self._state(alert, record, stop)
        self._commit(tp, record.offset + 1)
        self._brake.record(0 if dead else 1, 1 if dead else 0)

    def _state(self, alert: Alert, record: Any, stop: Event) -> bool:
        """Deliver one state if it is for this channel; whether it became a dead letter."""
        before = self._before(alert)
        now = self._clock()
        oldest = oldest_of(now, self.settings.expire_hours)
        decision = decide(alert, self.channel, before, self._configured, oldest)
        if decision != "deliver":
            self._count(decision)
            if decision == "expired":
                log.info("too old to wake anybody", channel=self.channel.name, alert=alert.id)
            return False
        if self.channel.takes_all and (misspelt := unknown(alert, self._configured)):
            log.warning("channels that are not configured", alert=alert.id, channels=misspelt)
        try:
            repeat = self._deliver(alert, before, stop)
        except Refused as refused:
            reason: Reason = "index_rejected" if self.channel.takes_all else "delivery_rejected"
            log.error("alert refused", channel=self.channel.name, alert=alert.id, why=refused.why)
            self._dead_letter(record, reason, f"channel {self.channel.name}: {refused.why}")
            return True
        self._remember(alert, repeat)
        self._count("delivered")
        return False

    def _before(self, alert: Alert) -> AlertDelivery | None:
        if self.deliveries is None:
            return None
        # Another copy of this service may have had the partition until a moment ago.
        self.deliveries.catch_up()
        return self.deliveries.last(alert.id)

    def _deliver(self, alert: Alert, before: AlertDelivery | None, stop: Event) -> str | None:
        """Try until it is delivered or refused."""
        attempt = 0
        while True:
            try:
                repeat = self.channel.deliver(alert, before)
            except Busy as busy:
                self._wait(attempt, busy, stop)
                attempt += 1
            except Refused:
                self._recovered()
                raise
            except Exception as error:  # noqa: BLE001
                # A fault of ours in one message must not hold back the ones behind it. Its text
                # and its locals are not logged: they may hold a secret.
                raise Refused(f"a fault of ours ({_place(error)})") from None
            else:
                self._recovered()
                delay = (self._clock() - alert.raised_at).total_seconds()
                metrics.ALERTS_LATENCY.labels(self.channel.name).observe(max(0.0, delay))
                return repeat

    def _remember(self, alert: Alert, repeat: str | None) -> None:
        if self.deliveries is None:
            return
        self.deliveries.remember(
            AlertDelivery(
                channel=self.channel.name,
                alert_id=alert.id,
                version=alert.version,
                status=alert.status,
                at=self._clock(),
                repeat=repeat,
            )
        )

    def _dead_letter(self, record: Any, reason: Reason, detail: str) -> None:
        value = dead_letter_of(
            record, service=SERVICE, reason=reason, detail=detail, at=self._clock()
        )
        future = self.producer.send(self._prefix + DEAD_LETTERS, value=value, key=record.key)
        future.get(timeout=60)
        metrics.DEAD_LETTERS.labels(SERVICE, reason).inc()
        self._count("dead")

    def _commit(self, tp: TopicPartition, offset: int) -> None:
        self._next[tp] = offset
        try:
            self.consumer.commit({tp: OffsetAndMetadata(offset, "", -1)})
        except (CommitFailedError, RebalanceInProgressError):
            # The partition went to another copy, which finds the delivery written down.
            log.info("partitions moved before the commit", channel=self.channel.name)

    # --- what is held open -----------------------------------------------------------------

    def _repeat_when_due(self) -> None:
        every = self.channel.repeat_every_s
        if every is None or self.deliveries is None or time.monotonic() < self._next_repeat:
            return
        self._next_repeat = time.monotonic() + every
        self.deliveries.catch_up()
        held = self.deliveries.held()
        if not held:
            return
        try:
            self.channel.again(held)
        except Busy as busy:
            self._failed(busy.why, busy.cause)
        except Refused as refused:
            self._failed(refused.why, "refused")
        else:
            self._recovered()

    # --- waiting ---------------------------------------------------------------------------

    def _wait(self, attempt: int, busy: Busy, stop: Event) -> None:
        """Back off with jitter, with the partitions paused and the membership kept."""
        self._failed(busy.why, busy.cause)
        deadline = time.monotonic() + self._pause_s(attempt, busy.after_s)
        while (left := deadline - time.monotonic()) > 0:
            if stop.is_set():
                raise Stopped
            self.beat = time.monotonic()
            self._export_waiting()
            self.consumer.pause(*self.consumer.assignment())
            polled = self.consumer.poll(timeout_ms=int(min(left, 0.5) * 1000) + 1)
            # A partition that was just assigned may deliver before it is paused.
            self._carried += [record for part in polled.values() for record in part]
        if stop.is_set():
            raise Stopped

    def _pause_s(self, attempt: int, after_s: float | None) -> float:
        settings = self.settings
        most = min(settings.retry_max_s, settings.retry_first_s * 2 ** min(attempt, 20))
        pause = self._pause(most / 2, most)
        return pause if after_s is None else max(pause, min(after_s, _MAX_PAUSE_S))

    def _failed(self, why: str, cause: str) -> None:
        if self.failing is None:
            log.warning("a channel does not take alerts", channel=self.channel.name, why=why)
        self.failing = why
        metrics.ALERTS_RETRIES.labels(self.channel.name, cause).inc()
        metrics.ALERTS_FAILING.labels(self.channel.name).set(1)

    def _recovered(self) -> None:
        if self.failing is not None:
            log.info("a channel takes alerts again", channel=self.channel.name)
        self.failing = None
        metrics.ALERTS_FAILING.labels(self.channel.name).set(0)
        paused = self.consumer.paused()
        if paused:
            self.consumer.resume(*paused)

    # --- metrics ---------------------------------------------------------------------------

    def _count(self, result: str) -> None:
        metrics.ALERTS_STATES.labels(self.channel.name, result).inc()

    def _export_waiting(self) -> None:
        waiting, assigned = 0, self.consumer.assignment()
        self._next = {tp: offset for tp, offset in self._next.items() if tp in assigned}
        for tp, offset in self._next.items():
            end = self.consumer.highwater(tp)
            waiting += 0 if end is None else max(0, end - offset)
        metrics.ALERTS_LAG.labels(self.channel.name).set(waiting)

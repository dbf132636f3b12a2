"""The worker of one channel: decides, delivers, and stores the delivery.

The loop and its invariants are :mod:`runtime.kafka.consumer`. Here:

1. Each channel has its own consumer group (``sink-alerts-<name>``) and thread, so a channel that is
   away delays no other.
2. A state is handled once its delivery is in ``alert-deliveries``, it needs no delivery, or it is
   in dead-letters. States are handled and committed one by one.
3. States of one alert are delivered in order (one partition per brand), never an older one after a
   newer.
4. No secret is logged: the errors of channels contain none.
5. The age of a state is not judged by a wall clock that has stepped forward.
"""

import random
import time
from collections.abc import Callable, Sequence, Set
from datetime import timedelta
from threading import Event

from runtime import metrics
from runtime.backoff import Busy, JitteredBackoff
from runtime.clock import Clock, SteadyClock, utc_now
from runtime.crash_points import reached
from runtime.kafka.consumer import BatchLimits, PausingConsumer
from runtime.kafka.dead_letters import Brake, internal_error
from runtime.kafka.membership import Membership
from runtime.kafka.protocols import Consumer, Producer, Record
from runtime.logs import get_logger
from runtime.settings import AlertsSettings
from schemas.alert import Alert
from schemas.codec import ALERT
from schemas.dead_letter import Reason
from schemas.delivery import AlertDelivery
from schemas.errors import InvalidMessage
from sinks.alerts.channels.base import Channel, Refused
from sinks.alerts.deliveries import Deliveries
from sinks.alerts.routing import decide, unknown

SERVICE = "sink-alerts"
TOPIC = "alerts"
log = get_logger("alerts")


def group_of(channel: str) -> str:
    """The consumer group, without the prefix."""
    return f"{SERVICE}-{channel}"


class ChannelWorker:
    """Delivers to one channel: a :class:`runtime.kafka.consumer.Sink`; :meth:`run` owns its thread.

    ``deliveries`` is None for a channel that takes every state.
    """

    def __init__(
        self,
        channel: Channel,
        consumer: Consumer,
        producer: Producer,
        deliveries: Deliveries | None,
        *,
        configured: Set[str],
        topic_prefix: str,
        settings: AlertsSettings,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.channel = channel
        self.deliveries = deliveries
        self.settings = settings
        self.failing: str | None = None
        """Why the channel takes nothing now; read by the thread that reports health."""
        self.last_beat = time.monotonic()
        self.membership: Membership | None = None
        """Set by whoever reports health."""
        self._lag: dict[int, int] = {}
        self._configured = configured
        self._clock = clock
        self._steady = SteadyClock(clock, monotonic)
        self._refused: Reason = "index_rejected" if channel.takes_all else "delivery_rejected"
        self._next_repeat = 0.0
        self._consumer = PausingConsumer(
            consumer=consumer,
            producer=producer,
            sink=self,
            name=f"the channel {channel.name}",
            service=SERVICE,
            topic_prefix=topic_prefix,
            limits=BatchLimits(max_records=1),
            backoff=JitteredBackoff(settings.retry_first_s, settings.retry_max_s, random.random),
            brake=Brake(1.0, max(10, settings.dead_letter_run), settings.dead_letter_run),
            clock=clock,
            poison_reason=self._refused,
            on_poison=self._on_poison,
            on_gap=self._on_gap,
        )
        metrics.ALERTS_FAILING.labels(channel.name).set(0)

    def run(self, stop: Event) -> None:
        """Consume until ``stop`` is set; raises if a person has to act."""
        try:
            self._consumer.run(TOPIC, stop)
        finally:
            if self.deliveries is not None:
                self.deliveries.close()

    def begin(self) -> None:
        if self.deliveries is not None:
            self.deliveries.catch_up()
            self.deliveries.forget(self._clock())

    def beat(self) -> None:
        self.last_beat = time.monotonic()
        lag = self._consumer.lag()
        if self.membership is not None:
            self.membership.holds(lag, self._consumer.held, self._consumer.positions)
        else:
            for partition, messages in lag.items():
                self.set_lag(partition, messages)

    def _on_gap(self, partition: int, first: int, after: int) -> None:
        if self.membership is not None:
            self.membership.skipped(partition, first, after)

    def hanging(self, now: float) -> str | None:
        """Why it counts as failing though no attempt has failed: the present one has no end.

        ``now`` is monotonic, in seconds.
        """
        silent = now - self.last_beat
        if silent <= 2 * self.channel.attempt_s:
            return None
        return f"it has not moved for {silent:.0f} s"

    def set_lag(self, partition: int, messages: int) -> None:
        """Take the lag of one partition, from the consumer or from Kafka."""
        lag = {**self._lag, partition: messages}
        self._lag = lag
        metrics.ALERTS_LAG.labels(self.channel.name).set(sum(lag.values()))

    def handle(self, records: Sequence[Record]) -> int:
        dead = sum(self._handle(record) for record in records)
        self._repeat_when_due()
        return dead

    def _handle(self, record: Record) -> bool:
        """Returns whether the record became a dead letter."""
        try:
            alert = ALERT.decode(record.value or b"")
        except InvalidMessage as error:
            # One dead letter is enough, and the index writes it.
            if self.channel.takes_all:
                self._dead_letter(record, error.reason, error.detail)
            return self.channel.takes_all
        before = None
        if self.deliveries is not None:
            # Another copy of this service may have had the partition until a moment ago.
            self.deliveries.catch_up()
            before = self.deliveries.last(alert.id)
        oldest = self._steady.earliest() - timedelta(hours=self.settings.expire_hours)
        decision = decide(alert, self.channel, before, self._configured, oldest)
        if decision != "deliver":
            self._count(decision)
            if decision == "expired":
                log.info("alert expired", channel=self.channel.name, alert=alert.id)
            return False
        if self.channel.takes_all and (misspelt := unknown(alert, self._configured)):
            log.warning("unknown channels", alert=alert.id, channels=misspelt)
        try:
            repeat = self._deliver(alert, before)
        except Refused as refused:
            self.free()
            log.error("alert refused", channel=self.channel.name, alert=alert.id, why=refused.why)
            self._dead_letter(record, self._refused, f"channel {self.channel.name}: {refused.why}")
            return True
        reached("alert_delivered")
        self._remember(alert, repeat)
        reached("alert_recorded")
        self._count("delivered")
        return False

    def _deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        """Retry until it is delivered or refused; returns what to repeat."""

        def attempt() -> str | None:
            try:
                return self.channel.deliver(alert, before)
            except (Busy, Refused):
                raise
            except Exception as error:  # noqa: BLE001 - a bug must not hold back the next alerts
                raise Refused(internal_error(error)) from None

        repeat = self._consumer.insist(attempt)
        delay = (self._clock() - alert.raised_at).total_seconds()
        metrics.ALERTS_LATENCY.labels(self.channel.name).observe(max(0.0, delay))
        return repeat

    def _remember(self, alert: Alert, repeat: str | None) -> None:
        if self.deliveries is None:
            return
        delivery = AlertDelivery(
            channel=self.channel.name,
            alert_id=alert.id,
            version=alert.version,
            status=alert.status,
            at=self._steady.earliest(),
            repeat=repeat,
        )
        self.deliveries.remember(delivery)

    def _dead_letter(self, record: Record, reason: Reason, detail: str) -> None:
        self._consumer.dead_letter([(record, reason, detail)])
        self._count("dead")

    def _on_poison(self, record: Record) -> None:
        self.free()
        log.error("alert given up", channel=self.channel.name, offset=record.offset)
        self._count("dead")

    def _repeat_when_due(self) -> None:
        every = self.channel.repeat_every_s
        if every is None or self.deliveries is None or time.monotonic() < self._next_repeat:
            return
        self._next_repeat = time.monotonic() + every
        self.deliveries.catch_up()
        if held := self.deliveries.held():
            try:
                self.channel.again(held)
            except (Busy, Refused) as error:
                self.busy(error.why, error.cause if isinstance(error, Busy) else "refused")
            except Exception as error:  # noqa: BLE001 - the alert before it is delivered already
                self.busy(internal_error(error), "internal")
            else:
                self.free()

    def busy(self, why: str, cause: str) -> None:
        if self.failing is None:
            log.warning("a channel does not take alerts", channel=self.channel.name, why=why)
        self.failing = why
        metrics.ALERTS_RETRIES.labels(self.channel.name, cause).inc()
        metrics.ALERTS_FAILING.labels(self.channel.name).set(1)

    def free(self) -> None:
        if self.failing is not None:
            log.info("a channel takes alerts again", channel=self.channel.name)
        self.failing = None
        metrics.ALERTS_FAILING.labels(self.channel.name).set(0)

    def _count(self, result: str) -> None:
        metrics.ALERTS_STATES.labels(self.channel.name, result).inc()

"""Reads the live stream from Kafka in a thread, and hands it to the hub in the event loop."""

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from typing import Final

from runtime import tower_metrics
from runtime.backoff import exponential, jittered
from runtime.clock import Clock, utc_now
from runtime.kafka.protocols import StoredRecord
from runtime.kafka.reader import TopicTail
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.alert import Alert
from schemas.codec import ALERT, MENTION_EVENT
from schemas.errors import InvalidMessage, TocsinError
from schemas.mention import MentionEvent, MentionUpsert
from tower.live.hub import Hub

POLL_S: Final = 0.25
BATCH: Final = 500
_FIRST_S: Final = 0.5
_MAX_S: Final = 5.0
MENTIONS: Final = "mentions"
ALERTS: Final = "alerts"
log = get_logger("tower")


class StreamReader:
    """Start and stop it from the event loop; ``on_alert`` is called there too."""

    def __init__(
        self,
        settings: KafkaSettings,
        hub: Hub,
        on_alert: Callable[[Alert], None],
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._on_alert = on_alert
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._run, args=[loop], name="live-reader", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Asks it to end; it does within a poll."""
        self._stop.set()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        tail = TopicTail(self._settings, "tower", (MENTIONS, ALERTS))
        failures = 0
        while not self._stop.is_set():
            try:
                records = tail.poll(POLL_S, BATCH)
            except TocsinError as error:
                tail.close()
                tower_metrics.TOWER_LIVE_FAILURES.inc()
                if not failures:
                    log.warning("not live", why=str(error))
                self._tell(loop, False, "kafka")
                self._stop.wait(jittered(exponential(failures, _FIRST_S, _MAX_S), random.random()))
                failures += 1
                continue
            self._tell(loop, True, "")
            failures = 0
            if records:
                self._hand_over(loop, records)
        tail.close()

    def _hand_over(self, loop: asyncio.AbstractEventLoop, records: Sequence[StoredRecord]) -> None:
        events: list[MentionEvent] = []
        alerts: list[Alert] = []
        is_alert = self._settings.topic_prefix + ALERTS
        for record in records:
            if record.value is None:
                continue
            # What is unreadable is a dead letter of the sinks, which tell of it.
            try:
                if record.topic == is_alert:
                    alerts.append(ALERT.decode(record.value))
                else:
                    events.append(MENTION_EVENT.decode(record.value))
            except InvalidMessage:
                continue
        now = self._clock()
        for event in events:
            if isinstance(event, MentionUpsert):
                age = (now - event.enriched_at).total_seconds()
                tower_metrics.TOWER_LIVE_LATENCY.observe(max(0.0, age))
        self._call(loop, self._take, events, alerts)

    def _take(self, events: Sequence[MentionEvent], alerts: Sequence[Alert]) -> None:
        self._hub.receive(events)
        for alert in alerts:
            self._on_alert(alert)

    def _tell(self, loop: asyncio.AbstractEventLoop, live: bool, why: str) -> None:
        if self._hub.state != {"live": live, "why": why}:
            self._call(loop, self._hub.tell_state, live, why)

    def _call(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object
    ) -> None:
        try:
            loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: the application has stopped
            self._stop.set()

"""How much flows: messages by topic, their rate, and what waits, from Kafka's offsets.

A look takes a few requests to Kafka, so it is taken when somebody asks, at most every five seconds,
in one thread; the rate is between the last two looks.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from runtime.kafka.topic_stats import LagMeter, TopicLag
from runtime.settings import KafkaSettings
from schemas.errors import TocsinError

EVERY_S: Final = 5.0
MAX_AGE_S: Final = 300.0
"""An earlier look than this says nothing of the present rate."""


@dataclass(frozen=True)
class TopicFlow:
    """``rate``: messages a second since the look before; None at the first look."""

    topic: str
    written: int
    rate: float | None
    lag: int | None


class FlowWatch:
    """One for the application."""

    def __init__(
        self,
        settings: KafkaSettings,
        monotonic: Callable[[], float] = time.monotonic,
        meter: Callable[[KafkaSettings], LagMeter] = LagMeter,
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._opened = meter
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flow")
        self._meter: LagMeter | None = None
        self._last: tuple[float, TopicLag] | None = None
        self._flows: list[TopicFlow] = []
        self._running: asyncio.Future[None] | None = None
        self.error = ""

    async def flows(self, wait_s: float) -> list[TopicFlow]:
        """The newest known; waits so long for a new look if the last one is old."""
        if self._running is None or self._running.done():
            old = self._last is None or self._monotonic() - self._last[0] >= EVERY_S
            if old:
                loop = asyncio.get_running_loop()
                self._running = loop.run_in_executor(self._thread, self._look)
        if self._running is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._running), wait_s)
        return self._flows

    def _look(self) -> None:
        try:
            if self._meter is None:
                self._meter = self._opened(self._settings)
            seen = self._meter.look()
        except TocsinError as error:
            self.error = str(error)
            if self._meter is not None:
                self._meter.close()
                self._meter = None
            return
        now, before = self._monotonic(), self._last
        self.error = ""
        self._flows = [
            TopicFlow(name, count, _rate(name, count, now, before), seen.lag.get(name))
            for name, count in sorted(seen.written.items())
        ]
        self._last = (now, seen)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._meter is not None:
            self._meter.close()


def _rate(name: str, count: int, now: float, before: tuple[float, TopicLag] | None) -> float | None:
    if before is None or now - before[0] > MAX_AGE_S or now <= before[0]:
        return None
    return max(0, count - before[1].written.get(name, count)) / (now - before[0])

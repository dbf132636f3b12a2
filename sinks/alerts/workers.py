"""Runs the workers of one process, each on a thread, and reports their health.

A channel that needs a person (its brake, its settings) stops alone, and a channel that hangs hangs
alone: both are told as failing, and the process stays alive while one channel moves. An error that
concerns all channels (Kafka) ends the process, for a supervisor to restart it.
"""

import threading
import time
from collections.abc import Sequence

from runtime import metrics
from runtime.health import Health
from runtime.kafka.membership import Membership
from runtime.logs import get_logger
from schemas.errors import BrakeTripped, ConfigurationError, TocsinError
from sinks.alerts.service import TOPIC, ChannelWorker, group_of

_LOOK_EVERY_S = 0.5
_JOIN_S = 5.0
"""Shorter than a service may take to stop; what is under way is delivered again."""
log = get_logger("alerts")


class WorkerThread(threading.Thread):
    """Runs one worker; keeps the error that ended it."""

    def __init__(self, worker: ChannelWorker, stop: threading.Event) -> None:
        super().__init__(name=f"alerts-{worker.channel.name}", daemon=True)
        self.worker = worker
        self.error: BaseException | None = None
        self.logged = False
        self._stop_event = stop

    def run(self) -> None:
        try:
            self.worker.run(self._stop_event)
        except BaseException as error:  # noqa: BLE001  (raised again by the main thread)
            self.error = error
        finally:
            self.worker.channel.close()

    @property
    def held(self) -> bool:
        """Whether it ended and waits for a person."""
        return isinstance(self.error, BrakeTripped | ConfigurationError)


def memberships(workers: Sequence[ChannelWorker], health: Health) -> dict[str, Membership]:
    """The membership of each worker by its group; workers report their partitions to it."""
    by_group = {}
    for worker in workers:
        group = group_of(worker.channel.name)
        what = f"partitions of channel {worker.channel.name}"
        worker.membership = by_group[group] = Membership(
            health, group, TOPIC, worker.set_lag, what=what, service=group
        )
    return by_group


def run_all(workers: Sequence[ChannelWorker], stop: threading.Event, health: Health) -> None:
    """Run until ``stop`` is set; raises if no worker is left, or for an error that concerns all."""
    threads = [WorkerThread(worker, stop) for worker in workers]
    for thread in threads:
        thread.start()
    health.clear("start")
    try:
        while not stop.wait(_LOOK_EVERY_S):
            _report(threads, health)
    finally:
        stop.set()
        deadline = time.monotonic() + _JOIN_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _report(threads: Sequence[WorkerThread], health: Health) -> None:
    """Report the workers to ``health``; raises the error that ends the process."""
    now = time.monotonic()
    for thread in threads:
        worker, error = thread.worker, thread.error
        if error is not None and not thread.held:
            raise error
        if error is not None:
            why: str | None = str(error)
            if not thread.logged:
                log.error("channel stopped", channel=worker.channel.name, why=why)
                thread.logged = True
        else:
            why = worker.hanging(now) or worker.failing
        # Also after a last success, which is what a brake follows on.
        metrics.ALERTS_FAILING.labels(worker.channel.name).set(0 if why is None else 1)
        name = f"channel {worker.channel.name}"
        if why is None:
            health.clear(name)
        else:
            health.hinder(name, why)
    working = [thread.worker for thread in threads if not thread.held]
    if not working:
        raise threads[0].error or TocsinError("no channel is left")
    # A restart helps no channel that hangs alone, and would stop the others each time.
    if now - max(worker.last_beat for worker in working) < health.stalled_after_s:
        health.beat()

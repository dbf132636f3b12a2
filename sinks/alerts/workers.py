"""The workers of one process: each on a thread, and one look over all of them.

A channel that a person has to mend (its brake, its settings) stops alone and is told; the others
go on. What concerns all of them (Kafka) ends the process, for a supervisor to start it again.
"""

import threading
import time
from collections.abc import Sequence

from runtime.health import Health
from runtime.logs import get_logger
from schemas.errors import BrakeTripped, ConfigurationError, TocsinError
from sinks.alerts.service import ChannelWorker

_LOOK_EVERY_S = 0.5
_JOIN_S = 30.0
log = get_logger("alerts")


class Running:
    """One worker and its thread."""

    def __init__(self, worker: ChannelWorker, stop: threading.Event) -> None:
        self.worker = worker
        self.error: BaseException | None = None
        self.told = False
        self._stop = stop
        self.thread = threading.Thread(
            target=self._run, name=f"alerts-{worker.channel.name}", daemon=True
        )

    def _run(self) -> None:
        try:
            self.worker.run(self._stop)
        except BaseException as error:  # noqa: BLE001  (raised again by the main thread)
            self.error = error
        finally:
            self.worker.channel.close()

    @property
    def held(self) -> bool:
        """Whether it ended and waits for a person."""
        return isinstance(self.error, BrakeTripped | ConfigurationError)


def run_all(workers: Sequence[ChannelWorker], stop: threading.Event, health: Health) -> None:
    """Run until ``stop`` is set; raises when none is left, or for what concerns all."""
    running = [Running(worker, stop) for worker in workers]
    for one in running:
        one.thread.start()
    health.clear("start")
    try:
        while not stop.wait(_LOOK_EVERY_S):
            _look(running, health)
    finally:
        stop.set()
        deadline = time.monotonic() + _JOIN_S
        for one in running:
            one.thread.join(max(0.0, deadline - time.monotonic()))


def _look(running: Sequence[Running], health: Health) -> None:
    """Take what the workers say to health; raises what ends the process."""
    for one in running:
        name = f"channel {one.worker.channel.name}"
        if one.error is not None and not one.held:
            raise one.error
        if one.held and not one.told:
            one.told = True
            log.error("channel stopped", channel=one.worker.channel.name, why=str(one.error))
        why = str(one.error) if one.held else one.worker.failing
        if why is None:
            health.clear(name)
        else:
            health.hinder(name, why)
    working = [one for one in running if not one.held]
    if not working:
        error = running[0].error
        raise error if error is not None else TocsinError("no channel is left")
    oldest = min(one.worker.last_beat for one in working)
    if time.monotonic() - oldest < health.stalled_after_s:
        health.beat()

"""Notices a partition that no longer moves, and ends the process: another takes over.

A Faust agent can die while its process lives, holds its partitions and commits nothing. This runs
in a thread, which also notices a blocked event loop. :class:`Progress` is the pure part.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from prometheus_client import Gauge

from processors.faust.messages import end_process
from runtime import metrics
from runtime.kafka.membership import Membership
from runtime.logs import get_logger
from schemas.errors import TocsinError

log = get_logger("watchdog")
MAX_MISSES = 10
"""Failed checks in a row; a rebalance makes a few."""


class PartitionState(NamedTuple):
    """Offsets of one assigned partition; None until they are known."""

    partition: int
    end: int | None
    committed: int | None
    acknowledged: int
    position: int | None = None
    """The offset after the last message that was read."""


class Progress:
    """Finds partitions that have lag and have not committed for ``stuck_after_s`` seconds."""

    def __init__(self, stuck_after_s: float) -> None:
        self.stuck_after_s = stuck_after_s
        self._moved: dict[int, tuple[int | None, float]] = {}
        self._expired: dict[int, int] = {}

    def caught_up(self, partition: int, end: int | None) -> None:
        """All unread messages below ``end`` have expired."""
        self._expired[partition] = end or 0
        self._moved.pop(partition, None)

    def committed(self, state: PartitionState) -> int:
        """The committed offset, or the end of what expired before it could be committed."""
        return max(state.committed or 0, self._expired.get(state.partition, 0))

    def stuck(self, states: Iterable[PartitionState], now: float, holding: bool) -> list[int]:
        """Partitions that are stuck at ``now`` (monotonic seconds); none while ``holding``.

        The service holds back on purpose, for example without brands.
        """
        partitions = []
        seen = set()
        for state in states:
            seen.add(state.partition)
            before = self._moved.get(state.partition)
            idle = state.end is None or self.committed(state) >= state.end
            if holding or idle or before is None or state.committed != before[0]:
                self._moved[state.partition] = (state.committed, now)
            elif now - before[1] > self.stuck_after_s:
                partitions.append(state.partition)
        for gone in self._moved.keys() - seen:
            del self._moved[gone]
            self._expired.pop(gone, None)
        return partitions


class Gauges(NamedTuple):
    """The metrics of one service; both have the label ``partition``."""

    lag: Gauge
    uncommitted: Gauge


def export(
    states: Iterable[PartitionState], progress: Progress, gauges: Gauges, membership: Membership
) -> None:
    """Set the metrics. The lag of a partition that this process lost is read from Kafka."""
    gauges.uncommitted.clear()
    lag, held, positions = {}, [], {}
    for state in states:
        held.append(state.partition)
        if state.position is not None:
            positions[state.partition] = state.position
        if state.end is not None and state.end >= 0:
            lag[state.partition] = max(0, state.end - progress.committed(state))
        gauges.uncommitted.labels(str(state.partition)).set(state.acknowledged)
    membership.holds(lag, held, positions)


def end_blind(why: str) -> None:
    """End the process: another takes its partitions."""
    end_process(TocsinError(f"the watchdog failed {MAX_MISSES} times in a row ({why})"))


def watch(
    states: Callable[[], list[PartitionState]],
    holding: Callable[[], bool],
    on_stuck: Callable[[list[int]], list[int]],
    stuck_after_s: float,
    gauges: Gauges,
    membership: Membership,
    every_s: float = 2.0,
    on_blind: Callable[[str], object] = end_blind,
) -> threading.Thread:
    """Check the partitions every ``every_s`` seconds in a thread.

    ``on_stuck`` ends the process, or returns the partitions that only look stuck. It gets an empty
    list if the process has held no partition for ``stuck_after_s`` while messages wait.
    ``on_blind`` gets the error of the last of ``MAX_MISSES`` failed checks in a row; it ends the
    process, since a partition that stops would not be noticed any more.
    """

    def check(progress: Progress) -> None:
        by_partition = {state.partition: state for state in states()}
        export(by_partition.values(), progress, gauges, membership)
        if membership.idle_s > stuck_after_s:
            on_stuck([])
        stuck = progress.stuck(by_partition.values(), time.monotonic(), holding())
        for partition in on_stuck(stuck) if stuck else ():
            progress.caught_up(partition, by_partition[partition].end)

    def run() -> None:
        progress = Progress(stuck_after_s)
        misses = 0
        while True:
            try:
                check(progress)
            except Exception as error:  # noqa: BLE001
                # A rebalance changes the consumer under us in several ways: try again.
                misses += 1
                metrics.WATCH_FAILURES.labels(membership.service, "partitions").inc()
                log.debug("could not check", why=repr(error), misses=misses)
                if misses >= MAX_MISSES:
                    on_blind(repr(error))
            else:
                misses = 0
            time.sleep(every_s)

    thread = threading.Thread(target=run, name="watchdog", daemon=True)
    thread.start()
    return thread

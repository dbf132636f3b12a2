"""Notices a partition that no longer moves, and ends the process so that another takes over.

Agents of Faust can die slowly: the process lives, holds its partitions and commits nothing. This
runs in a thread, so that a blocked event loop is noticed too. :class:`Progress` is the pure part.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from runtime import metrics
from runtime.logs import get_logger

log = get_logger("watchdog")


class PartitionState(NamedTuple):
    """Offsets of one assigned partition; None while not yet known."""

    partition: int
    end: int | None
    committed: int | None
    acknowledged: int


class Progress:
    """Tells which partitions have lag and have not committed for ``stuck_after_s`` seconds."""

    def __init__(self, stuck_after_s: float) -> None:
        self.stuck_after_s = stuck_after_s
        self._moved: dict[int, tuple[int | None, float]] = {}
        self._expired: dict[int, int] = {}

    def caught_up(self, partition: int, end: int | None) -> None:
        """Kafka has nothing below ``end`` that is still to be read: it has expired."""
        self._expired[partition] = end or 0
        self._moved.pop(partition, None)

    def committed(self, state: PartitionState) -> int:
        """What counts as committed: what is, or what has expired before it could be."""
        return max(state.committed or 0, self._expired.get(state.partition, 0))

    def stuck(self, states: Iterable[PartitionState], now: float, holding: bool) -> list[int]:
        """Partitions that are stuck at ``now`` (monotonic seconds).

        While the processor holds back on purpose (no brands yet), nothing is stuck.
        """
        found = []
        seen = set()
        for state in states:
            seen.add(state.partition)
            before = self._moved.get(state.partition)
            idle = state.end is None or self.committed(state) >= state.end
            if holding or idle or before is None or state.committed != before[0]:
                self._moved[state.partition] = (state.committed, now)
            elif now - before[1] > self.stuck_after_s:
                found.append(state.partition)
        for gone in self._moved.keys() - seen:
            del self._moved[gone]
            self._expired.pop(gone, None)
        return found


def export(states: Iterable[PartitionState], progress: Progress) -> None:
    """Put the offsets into the metrics; partitions that went elsewhere are taken out."""
    metrics.PROCESS_LAG.clear()
    metrics.PROCESS_UNCOMMITTED.clear()
    for state in states:
        label = str(state.partition)
        if state.end is not None:
            metrics.PROCESS_LAG.labels(label).set(max(0, state.end - progress.committed(state)))
        metrics.PROCESS_UNCOMMITTED.labels(label).set(state.acknowledged)


def watch(
    states: Callable[[], list[PartitionState]],
    holding: Callable[[], bool],
    on_stuck: Callable[[list[int]], list[int]],
    stuck_after_s: float,
    every_s: float = 2.0,
) -> threading.Thread:
    """Look at the partitions every ``every_s`` seconds, in a thread, for as long as we live.

    ``on_stuck`` ends the process, or returns those that only look stuck.
    """

    def look(progress: Progress) -> None:
        now_states = states()
        export(now_states, progress)
        found = progress.stuck(now_states, time.monotonic(), holding())
        if found:
            ends = {state.partition: state.end for state in now_states}
            for partition in on_stuck(found):
                progress.caught_up(partition, ends[partition])

    def run() -> None:
        progress = Progress(stuck_after_s)
        while True:
            time.sleep(every_s)
            try:
                look(progress)
            except Exception as error:  # noqa: BLE001
                # A rebalance changes the consumer under us in several ways: look again.
                log.debug("could not look", why=repr(error))

    thread = threading.Thread(target=run, name="watchdog", daemon=True)
    thread.start()
    return thread

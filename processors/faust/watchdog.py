"""Notices a partition that no longer moves, and ends the process: another takes over.

A Faust agent can die while its process lives, holds its partitions and commits nothing. This runs
in a thread, which also notices a blocked event loop. :class:`Progress` is the pure part.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from runtime import metrics
from runtime.logs import get_logger

log = get_logger("watchdog")


class PartitionState(NamedTuple):
    """Offsets of one assigned partition; None until they are known."""

    partition: int
    end: int | None
    committed: int | None
    acknowledged: int


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


def export(states: Iterable[PartitionState], progress: Progress) -> None:
    """Set the metrics; partitions that this process lost are removed."""
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
    """Check the partitions every ``every_s`` seconds in a thread.

    ``on_stuck`` ends the process, or returns the partitions that only look stuck.
    """

    def check(progress: Progress) -> None:
        by_partition = {state.partition: state for state in states()}
        export(by_partition.values(), progress)
        stuck = progress.stuck(by_partition.values(), time.monotonic(), holding())
        for partition in on_stuck(stuck) if stuck else ():
            progress.caught_up(partition, by_partition[partition].end)

    def run() -> None:
        progress = Progress(stuck_after_s)
        while True:
            time.sleep(every_s)
            try:
                check(progress)
            except Exception as error:  # noqa: BLE001
                # A rebalance changes the consumer under us in several ways: try again.
                log.debug("could not check", why=repr(error))

    thread = threading.Thread(target=run, name="watchdog", daemon=True)
    thread.start()
    return thread

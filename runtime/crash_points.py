"""Places where a test kills a service: between two steps of a protocol, where a crash is rarest.

``TOCSIN_TEST_CRASH_AT=name`` or ``name:n`` makes the n-th visit of the point ``name`` a SIGKILL of
the process, as a power cut is. The environment alone sets it. Unset, a visit compares one variable
with None. Each point belongs to a row of the table "What happens when a part dies" of
``docs/architecture.md``.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args

from schemas.errors import ConfigurationError

VARIABLE = "TOCSIN_TEST_CRASH_AT"

Point = Literal[
    "ingest_sent",  # events are with the producer, not acknowledged
    "ingest_acknowledged",  # Kafka has the events, no checkpoint says so
    "ingest_checkpoint_sent",  # a checkpoint is under way
    "process_enriched",  # a batch is annotated, nothing of it is sent
    "process_delivering",  # some messages of a batch are sent, others are not
    "process_delivered",  # all messages of a batch are delivered, none is acknowledged
    "detector_alerted",  # the alerts of a batch are delivered, no state holds its records
    "detector_states_saved",  # the states are saved, the ledger is not
    "detector_ledger_saved",  # both are saved, no record is acknowledged
    "sink_written",  # a batch is in the index, its dead letters are not sent
    "sink_erasure_remembered",  # an erasure is recorded, not carried out
    "sink_erased",  # an erasure is carried out, its record is not committed
    "consumer_letters_sent",  # dead letters are delivered, not committed
    "consumer_handled",  # a batch is handled, not committed
    "consumer_committed",  # a batch is committed
    "alert_delivered",  # a channel took an alert, no delivery is recorded
    "alert_recorded",  # the delivery is recorded, the alert is not committed
]


class _Armed(NamedTuple):
    point: str
    visit: int


def armed(environment: Mapping[str, str]) -> _Armed | None:
    """The point and the visit that kill; None without the variable."""
    text = environment.get(VARIABLE)
    if not text:
        return None
    point, _, visit = text.partition(":")
    if point not in get_args(Point) or not (visit or "1").isdecimal() or visit == "0":
        points = ", ".join(get_args(Point))
        raise ConfigurationError(f"{VARIABLE} takes name or name:number; the names: {points}")
    return _Armed(point, int(visit or "1"))


def kill_self() -> None:
    """Ends the process as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal of a process to itself may take a moment; nothing happens after it


class CrashPoints:
    """Counts the visits of the armed point, and crashes at the wanted one."""

    def __init__(self, wanted: _Armed | None, crash: Callable[[], None] = kill_self) -> None:
        self._wanted = wanted
        self._crash = crash
        self._visits = 0

    def reached(self, point: Point) -> None:
        """A visit; costs one comparison unless a point is armed."""
        if self._wanted is None or self._wanted.point != point:
            return
        self._visits += 1
        if self._visits == self._wanted.visit:
            self._crash()


reached = CrashPoints(armed(os.environ)).reached

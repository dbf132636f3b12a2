"""What a consumer tells of its place in its group: readiness, and lag that is never absent.

A consumer without partitions reads nothing and fails nowhere. It is ready only as a standby: when
every partition has an owner. Otherwise ``/readyz`` is 503 and names the group's state.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from runtime import metrics
from runtime.health import Health
from runtime.kafka.group_positions import (
    KafkaStandings,
    Standing,
    StandingReader,
    reason_without_partitions,
)
from runtime.kafka.losses import Losses
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.errors import TocsinError

EVERY_S = 10.0
_SOONEST_S = 1.0
"""Between two looks, also when transactions leave gaps all the time."""
MAX_FAILURES = 10
"""Looks that fail in a row before the service says so on its ``/readyz``."""
log = get_logger("group")

LagGauge = Callable[[int, int], None]
"""Takes a partition and its lag, messages."""


class Membership:
    """One consumer in one group. The consumer's thread calls :meth:`holds`, a side thread the rest.

    ``idle_s`` is how long it has held no partition while messages wait and it is no standby.
    """

    def __init__(
        self,
        health: Health,
        group: str,
        topic: str,
        set_lag: LagGauge,
        *,
        what: str = "partitions",
        service: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.group = group
        self.topic = topic
        self._health = health
        self._what = what
        self.service = service or health.service
        self._set_lag = set_lag
        self._monotonic = monotonic
        self._held: frozenset[int] = frozenset()
        self._standing: Standing | None = None
        self._positions: Mapping[int, int] = {}
        self._losses = Losses(self.service, topic)
        self.look_soon: Callable[[], None] = lambda: None
        """Asks for a look at the group without waiting for the next; the watch sets it."""
        self._idle_since: float | None = None
        self._tell()

    def holds(
        self,
        lag: Mapping[int, int],
        held: Sequence[int] | None = None,
        positions: Mapping[int, int] | None = None,
    ) -> None:
        """The partitions that the consumer holds now, with their lag where it is known.

        ``positions``: the next offset to read of each, as far as anything was read.
        """
        self._positions = positions or {}
        for partition, messages in lag.items():
            self._set_lag(partition, messages)
        before, self._held = self._held, frozenset(lag if held is None else held)
        if bool(before) != bool(self._held):
            self._tell()

    def stands(self, standing: Standing) -> None:
        """What Kafka says of the group."""
        self._standing = standing
        for partition, messages in standing.lag.items():
            if partition not in self._held:
                self._set_lag(partition, messages)
        self._losses.look(standing, self._held, self._positions)
        self._tell()

    def skipped(self, partition: int, first: int, after: int) -> None:
        """The consumer got no records from offset ``first`` to ``after``, which it has read."""
        self._losses.skipped(partition, first, after)
        self.look_soon()

    def _tell(self) -> None:
        if self._held:
            self._idle_since = None
            self._health.note(self._what, None)
            self._health.clear(self._what)
            return
        why = reason_without_partitions(self._standing, self.group, self.topic)
        waits = self._standing is not None and self._standing.total > 0
        if why is None or not waits:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = self._monotonic()
        if why is None:
            self._health.note(self._what, f"standby, the other members hold all of {self.topic}")
            self._health.clear(self._what)
        else:
            self._health.hinder(self._what, why)

    @property
    def idle_s(self) -> float:
        since = self._idle_since
        return 0.0 if since is None else self._monotonic() - since


class StandingWatch:
    """Reads the groups every ``every_s`` seconds in a daemon thread, and tells the memberships."""

    def __init__(
        self,
        reader: StandingReader,
        memberships: Mapping[str, Membership],
        health: Health,
        every_s: float = EVERY_S,
    ) -> None:
        self._reader = reader
        self._memberships = memberships
        self._health = health
        self._every_s = every_s
        self._failures = 0
        self._stop = threading.Event()
        self._soon = threading.Event()
        for membership in memberships.values():
            membership.look_soon = self._soon.set

    def start(self) -> None:
        """Look once, then go on in the thread.

        The first look comes before the consumer reads: its commits would hide what has expired. It
        also gives the group a position in every partition.
        """
        self.once(claim=True)
        threading.Thread(target=self._run, name="group-standing", daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        self._stop.set()
        self._soon.set()

    def once(self, claim: bool = False) -> None:
        """Read once. Kafka that does not answer is a reason not to be ready."""
        try:
            standings = self._reader.read()
            self._health.clear("kafka")
            for group, standing in standings.items():
                self._memberships[group].stands(standing)
            if claim:
                self._reader.claim(standings)
        except TocsinError as error:
            self._health.hinder("kafka", str(error))
            return
        except Exception as error:  # noqa: BLE001
            # A broker that answers what the client does not know: the consumer still works.
            self._failed(repr(error))
            return
        if self._failures >= MAX_FAILURES:
            self._health.note("group", None)
        self._failures = 0

    def _failed(self, why: str) -> None:
        metrics.WATCH_FAILURES.labels(self._health.service, "group").inc()
        self._failures += 1
        if self._failures in (1, MAX_FAILURES):
            log.warning(
                "the group's standing cannot be read, so lag and expired messages are not told",
                why=why,
                failures=self._failures,
            )
        if self._failures == MAX_FAILURES:
            self._health.note("group", f"its standing cannot be read ({why})")

    def _run(self) -> None:
        while not self._stop.wait(min(_SOONEST_S, self._every_s)):
            self._soon.wait(max(0.0, self._every_s - _SOONEST_S))
            self._soon.clear()
            if not self._stop.is_set():
                self.once()


def watch_groups(
    settings: KafkaSettings, topic: str, memberships: Mapping[str, Membership], health: Health
) -> StandingWatch:
    """Start a watch over Kafka; groups and topic are named without their prefixes."""
    reader = KafkaStandings(settings, topic, list(memberships))
    watch = StandingWatch(reader, memberships, health)
    watch.start()
    return watch

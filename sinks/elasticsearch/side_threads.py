"""The two side threads of the sink: hourly housekeeping, and the probe of the search latency."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from functools import partial

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.mention import MentionEvent
from schemas.topic_registry import topics
from sinks.elasticsearch import erasure, retention
from sinks.elasticsearch.indices.mappings import IndexNames

log = get_logger("housekeeping")
SWEEP_EVERY = timedelta(hours=1)
EXPIRE_EVERY = timedelta(minutes=10)
"""Short, since one round deletes a bounded number of posts."""
RETRY_AFTER = timedelta(minutes=10)
"""A sweep reads every index, so one that the cluster does not take is not repeated at once."""
ASK_TO_LEAD_S = 1.0


@dataclass(eq=False)
class SideThread(ABC):
    """A daemon thread that calls :meth:`once` again and again, whatever it raises."""

    client: Elasticsearch
    names: IndexNames
    _: KW_ONLY
    every_s: float
    clock: Clock = utc_now
    _stop: threading.Event = field(default_factory=threading.Event, init=False)

    def start(self) -> None:
        threading.Thread(target=self._run, name=type(self).__name__, daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.once()
            except Exception:
                log.exception("side thread failed; it goes on", thread=type(self).__name__)
            self._stop.wait(self.rest_s())

    def rest_s(self) -> float:
        """Seconds until the next :meth:`once`."""
        return self.every_s

    @abstractmethod
    def once(self) -> None: ...


@dataclass(eq=False)
class Housekeeping(SideThread):
    """Finishes erasures, sweeps recent ones again, and deletes what is old or expired for good.

    ``leads``: whether this process is the one of its group that does it. Erasures that an index
    did not take are tried again each time; the rest is done hourly, and ``expunge_hours`` apart.
    A process that does not lead asks each second whether it does: a new one gets its partitions
    only after its start.
    """

    tombstone_days: float
    snapshot_days: float = field(default=30.0, kw_only=True)
    expunge_hours: float = field(default=24.0, kw_only=True)
    coverage_days: float = field(default=400.0, kw_only=True)
    leads: Callable[[], bool] = field(default=lambda: True, kw_only=True)
    every_s: float = field(default=60.0, kw_only=True)
    _led: bool = field(default=False, init=False)
    _due_at: dict[str, datetime] = field(default_factory=dict, init=False)

    def once(self) -> None:
        """Do what is due now; what the cluster does not take is tried again."""
        self._led = self.leads()
        if not self._led:
            metrics.SINK_OLDEST_ERASURE.set(0)
            return
        now, expunge_every = self.clock(), timedelta(hours=self.expunge_hours)
        self._attempt(lambda: self._finish(now))
        # Each by itself: an index that takes no deletes stops none of the others.
        self._when_due(self._sweep, now, SWEEP_EVERY)
        self._when_due(self._purge, now, SWEEP_EVERY)
        self._when_due(self._expire, now, EXPIRE_EVERY)
        self._when_due(self._forget, now, SWEEP_EVERY)
        self._when_due(self._forget_coverage, now, SWEEP_EVERY)
        self._when_due(self._expunge, now, expunge_every)

    def _when_due(
        self, action: Callable[[datetime], None], now: datetime, every: timedelta
    ) -> None:
        due_at = self._due_at.get(action.__name__, now)
        # One that is further away than its interval is of a clock that was set back since.
        if now < due_at <= now + every:
            return
        done = self._attempt(partial(action, now))
        self._due_at[action.__name__] = now + (every if done else min(every, RETRY_AFTER))

    def rest_s(self) -> float:
        return self.every_s if self._led else min(self.every_s, ASK_TO_LEAD_S)

    def _attempt(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except (ApiError, TransportError, erasure.ErasureIncomplete) as error:
            log.warning("housekeeping postponed", why=str(error))
            return False
        return True

    def _finish(self, now: datetime) -> None:
        try:
            finished = erasure.finish(self.client, self.names, now)
        finally:
            oldest = erasure.oldest_unfinished(self.client, self.names)
            metrics.SINK_OLDEST_ERASURE.set(0 if oldest is None else oldest.timestamp())
        if finished:
            log.info("erasures finished", posts=finished)

    def _sweep(self, now: datetime) -> None:
        if swept := erasure.sweep(self.client, self.names, now, sweep_days()):
            log.info("late posts of erased authors are erased", posts=swept)

    def _purge(self, now: datetime) -> None:
        if purged := retention.purge(self.client, self.names, now, self.tombstone_days):
            log.info("old tombstones are deleted", documents=purged)

    def _expire(self, now: datetime) -> None:
        try:
            expired = retention.purge_expired(self.client, self.names, now)
        except erasure.ErasureIncomplete as incomplete:
            metrics.SINK_EXPIRED.inc(incomplete.erased)
            raise
        metrics.SINK_EXPIRED.inc(expired)
        if expired:
            log.info("posts are deleted that may be kept no longer", documents=expired)

    def _forget(self, now: datetime) -> None:
        kept = self.tombstone_days + self.snapshot_days
        if forgotten := retention.purge_erasures(self.client, self.names, now, kept):
            log.info("records of old erasures are deleted", documents=forgotten)

    def _forget_coverage(self, now: datetime) -> None:
        purged = retention.purge_coverage(self.client, self.names, now, self.coverage_days)
        if purged:
            log.info("old records of coverage are deleted", documents=purged)

    def _expunge(self, now: datetime) -> None:
        if indices := retention.expunge(self.client, self.names):
            log.info("deleted documents leave the disk", indices=indices)


def sweep_days() -> float:
    """How long an upsert may be under way in the topics, with a day of lag."""
    return 1 + sum(topics()[name].kept_days for name in ("posts", "mentions"))


@dataclass(eq=False)
class SearchableProbe(SideThread):
    """Measures how long it takes until a search finds a mention: a written one is not yet found.

    Each time, it takes the newest mention that was offered and searches until it is found.
    """

    sink: str
    every_s: float = field(default=1.0, kw_only=True)
    _newest: MentionEvent | None = field(default=None, init=False)

    def sample(self, event: MentionEvent) -> None:
        """Offer a mention that was just written."""
        self._newest = event

    def once(self) -> None:
        event, self._newest = self._newest, None
        if event is None:
            return
        try:
            self._ask_until_found(event)
        except (ApiError, TransportError):
            return  # the sink reports that the cluster is away

    def _ask_until_found(self, event: MentionEvent, give_up_s: float = 30.0) -> None:
        written = [
            {"ids": {"values": [event.id]}},
            {"range": {"version": {"gte": event.version}}},
        ]
        deadline = time.monotonic() + give_up_s
        while time.monotonic() < deadline and not self._stop.is_set():
            answer = self.client.count(
                index=self.names.mentions_pattern, query={"bool": {"filter": written}}
            )
            if answer["count"]:
                latency = metrics.SINK_SEARCHABLE_LATENCY.labels(self.sink)
                latency.observe((self.clock() - event.ingested_at).total_seconds())
                return
            self._stop.wait(0.1)

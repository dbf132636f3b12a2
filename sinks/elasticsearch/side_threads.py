"""The two side threads of the sink: hourly housekeeping, and the probe of the search latency."""

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.mention import MentionEvent
from sinks.elasticsearch import erasure
from sinks.elasticsearch.mappings import IndexNames

log = get_logger("housekeeping")


@dataclass(eq=False)
class SideThread(ABC):
    """A daemon thread that calls :meth:`once` every ``every_s`` seconds, whatever it raises."""

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
            self._stop.wait(self.every_s)

    @abstractmethod
    def once(self) -> None: ...


@dataclass(eq=False)
class Housekeeping(SideThread):
    """Sweeps recent erasures again and purges old tombstones; several at once do no harm."""

    tombstone_days: float
    every_s: float = field(default=3600.0, kw_only=True)

    def once(self) -> None:
        """Sweep and purge now; if the cluster is away, the next call tries again."""
        try:
            now = self.clock()
            swept = erasure.sweep(self.client, self.names, now, self.tombstone_days)
            purged = erasure.purge(self.client, self.names, now, self.tombstone_days)
        except (ApiError, TransportError, erasure.ErasureIncomplete) as error:
            log.warning("housekeeping postponed", why=str(error))
            return
        if swept or purged:
            log.info("housekeeping", swept=swept, purged=purged)


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

"""The two side threads of the sink: hourly housekeeping, and the probe of the search latency."""

import threading
import time
from abc import ABC, abstractmethod

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.mention import MentionEvent
from sinks.elasticsearch import erasure
from sinks.elasticsearch.mappings import IndexNames

log = get_logger("housekeeping")


class SideThread(ABC):
    """A daemon thread that calls :meth:`once` every ``every_s`` seconds, whatever it raises."""

    def __init__(self, client: Elasticsearch, names: IndexNames, every_s: float) -> None:
        self._client = client
        self._names = names
        self._every_s = every_s
        self._stop = threading.Event()

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
            self._stop.wait(self._every_s)

    @abstractmethod
    def once(self) -> None: ...


class Housekeeping(SideThread):
    """Sweeps recent erasures again and purges old tombstones; several at once do no harm."""

    def __init__(
        self,
        client: Elasticsearch,
        names: IndexNames,
        tombstone_days: float,
        every_s: float = 3600.0,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(client, names, every_s)
        self._tombstone_days = tombstone_days
        self._clock = clock

    def once(self) -> None:
        """Sweep and purge now; if the cluster is away, the next call tries again."""
        try:
            now = self._clock()
            swept = erasure.sweep(self._client, self._names, now, self._tombstone_days)
            purged = erasure.purge(self._client, self._names, now, self._tombstone_days)
        except (ApiError, TransportError, erasure.ErasureIncomplete) as error:
            log.warning("housekeeping postponed", why=str(error))
            return
        if swept or purged:
            log.info("housekeeping", swept=swept, purged=purged)


class SearchableProbe(SideThread):
    """Measures how long it takes until a search finds a mention: a written one is not yet found.

    Each time, it takes the newest mention that was offered and searches until it is found.
    """

    def __init__(
        self,
        client: Elasticsearch,
        names: IndexNames,
        sink: str,
        every_s: float = 1.0,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(client, names, every_s)
        self._latency = metrics.SINK_SEARCHABLE_LATENCY.labels(sink)
        self._clock = clock
        self._newest: MentionEvent | None = None

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
            answer = self._client.count(
                index=self._names.mentions_pattern, query={"bool": {"filter": written}}
            )
            if answer["count"]:
                self._latency.observe((self._clock() - event.ingested_at).total_seconds())
                return
            self._stop.wait(0.1)

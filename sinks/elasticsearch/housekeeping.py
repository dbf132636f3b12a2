"""Once an hour: sweep recent erasures again, and purge tombstones that nothing can contradict."""

import threading

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from sinks.elasticsearch import erasure
from sinks.elasticsearch.mappings import IndexNames

log = get_logger("housekeeping")


class Housekeeping:
    """A daemon thread; several sinks doing it at once is harmless."""

    def __init__(
        self,
        client: Elasticsearch,
        names: IndexNames,
        tombstone_days: float,
        every_s: float = 3600.0,
        clock: Clock = utc_now,
    ) -> None:
        self._client = client
        self._names = names
        self._tombstone_days = tombstone_days
        self._every_s = every_s
        self._clock = clock
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin, first at once."""
        threading.Thread(target=self._run, name="housekeeping", daemon=True).start()

    def stop(self) -> None:
        """End the thread soon."""
        self._stop.set()

    def _run(self) -> None:
        while True:
            try:
                self.once()
            except Exception:  # the thread goes on, whatever it was
                log.exception("housekeeping failed; again next time")
            if self._stop.wait(self._every_s):
                return

    def once(self) -> None:
        """Sweep and purge now; a cluster that is away is tried again next time."""
        try:
            now = self._clock()
            swept = erasure.sweep(self._client, self._names, now, self._tombstone_days)
            purged = erasure.purge(self._client, self._names, now, self._tombstone_days)
        except (ApiError, TransportError, erasure.ErasureIncomplete) as error:
            log.warning("housekeeping put off", why=str(error))
            return
        if swept or purged:
            log.info("housekeeping", swept=swept, purged=purged)

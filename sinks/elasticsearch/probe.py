"""Measures how long it takes until a search finds a mention: the latency that people feel.

A bulk write that succeeded is not yet searchable. About once a second, this takes the newest
written mention and searches for it until it is found.
"""

import threading
import time

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.mention import MentionEvent
from sinks.elasticsearch.mappings import IndexNames

log = get_logger("probe")


class SearchableProbe:
    """``sample`` takes a written mention; a thread does the asking."""

    def __init__(
        self,
        client: Elasticsearch,
        names: IndexNames,
        sink: str,
        every_s: float = 1.0,
        clock: Clock = utc_now,
    ) -> None:
        self._client = client
        self._names = names
        self._latency = metrics.SINK_SEARCHABLE_LATENCY.labels(sink)
        self._every_s = every_s
        self._clock = clock
        self._newest: MentionEvent | None = None
        self._stop = threading.Event()

    def sample(self, event: MentionEvent) -> None:
        """Offer a mention that was just written."""
        self._newest = event

    def start(self) -> None:
        """Begin to ask, in a daemon thread."""
        threading.Thread(target=self._run, name="searchable-probe", daemon=True).start()

    def stop(self) -> None:
        """End the thread soon."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            event, self._newest = self._newest, None
            if event is None:
                continue
            try:
                self._ask_until_found(event)
            except (ApiError, TransportError):
                continue  # the sink itself says that the cluster is away
            except Exception:  # the thread goes on, whatever it was
                log.exception("a mention could not be looked for")

    def _ask_until_found(self, event: MentionEvent, give_up_s: float = 30.0) -> None:
        deadline = time.monotonic() + give_up_s
        while time.monotonic() < deadline and not self._stop.is_set():
            found = self._client.count(
                index=self._names.mentions_pattern,
                query={
                    "bool": {
                        "filter": [
                            {"ids": {"values": [event.id]}},
                            {"range": {"version": {"gte": event.version}}},
                        ]
                    }
                },
            )["count"]
            if found:
                self._latency.observe((self._clock() - event.ingested_at).total_seconds())
                return
            self._stop.wait(0.1)

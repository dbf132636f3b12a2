"""What each service says of itself: its readiness, and the state of its source.

Every service serves /readyz and /metrics on loopback; a look asks all of them, for at most
``TIMEOUT_S`` each.
"""

import http.client
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from text.terminal import single_line

TIMEOUT_S = 3.0
MAX_REASON = 200
MAX_BYTES = 4 * 2**20
"""Bytes read of one answer."""
_CONNECTED = "tocsin_ingest_connected"
_RECEIVED = "tocsin_ingest_last_received_timestamp_seconds"
_EVENTS = "tocsin_ingest_events"


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source, by its ingestor; None where the ingestor does not say."""

    connected: bool | None = None
    heard_at: float | None = None
    """Time of its last item, seconds since the epoch."""
    events: int = 0


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The answer of one service; ``reason`` says why it is not ready."""

    ready: bool
    reason: str = ""
    sources: Mapping[str, SourceState] = field(default_factory=dict)


class ServiceProbe:
    """Asks services by name; ``ports`` tells their monitor ports, again at every look.

    ``ingestors``: the services that have a source; the metrics of the others are not read.
    """

    def __init__(
        self, ports: Callable[[], Mapping[str, int]], ingestors: Collection[str] = ()
    ) -> None:
        self._ports = ports
        self._ingestors = ingestors

    def look(self) -> dict[str, ServiceState]:
        """State by name; a service that does not answer has no entry."""
        states = {}
        for name, port in self._ports().items():
            state = probe(port, with_sources=name in self._ingestors)
            if state is not None:
                states[name] = state
        return states

    def close(self) -> None:
        """Nothing stays open between looks."""


def probe(port: int, with_sources: bool = True) -> ServiceState | None:
    """The state of the service on this port, or None if it does not answer."""
    try:
        status, reason = _get(port, "/readyz")
        sources = source_states(_get(port, "/metrics")[1]) if with_sources else {}
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return ServiceState(status == 200, single_line(reason, MAX_REASON), sources)


def _get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_BYTES).decode("utf-8", "replace")
    finally:
        connection.close()


def source_states(metrics: str) -> dict[str, SourceState]:
    """The sources of an ingestor by its metrics (the text format of Prometheus)."""
    connected: dict[str, bool] = {}
    heard: dict[str, float] = {}
    events: dict[str, int] = {}
    for family in text_string_to_metric_families(metrics):
        if family.name not in (_CONNECTED, _RECEIVED, _EVENTS):
            continue
        for sample in family.samples:
            source = sample.labels.get("source", "")
            if family.name == _CONNECTED:
                connected[source] = sample.value > 0
            elif family.name == _RECEIVED:
                heard[source] = sample.value
            elif sample.name == _EVENTS + "_total":
                events[source] = events.get(source, 0) + int(sample.value)
    return {
        name: SourceState(connected.get(name), heard.get(name), events.get(name, 0))
        for name in sorted(connected.keys() | heard.keys() | events.keys())
    }

"""The probe: readiness and sources of services, asked over HTTP from the real health server."""

from collections.abc import Iterator

import pytest

from runtime import health, metrics
from runtime.health import Health
from tocsin.local.service_probe import ServiceProbe, SourceState, probe, source_states
from tocsin.local.stack.ports import free_ports


@pytest.fixture
def service() -> Iterator[tuple[Health, int]]:
    state = Health("ingest")
    server = health.serve(state, "127.0.0.1", 0)
    yield state, server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_service_says_why_it_is_not_ready(service: tuple[Health, int]) -> None:
    state, port = service
    state.hinder("start", "loading models")
    seen = probe(port)
    assert seen is not None
    assert (seen.ready, seen.reason) == (False, "start: loading models")
    state.clear("start")
    seen = probe(port)
    assert seen is not None and seen.ready


def test_a_reason_of_any_length_is_one_line(service: tuple[Health, int]) -> None:
    state, port = service
    state.hinder("kafka", "a\nb" * 10_000)
    seen = probe(port)
    assert seen is not None and "\n" not in seen.reason and len(seen.reason) <= 200


def test_a_service_that_does_not_answer_has_no_state() -> None:
    assert probe(free_ports(1)[0]) is None
    assert ServiceProbe(lambda: {"process": free_ports(1)[0]}).look() == {}


def test_the_probe_asks_the_services_that_there_are_now(service: tuple[Health, int]) -> None:
    ports: dict[str, int] = {}
    asked = ServiceProbe(lambda: ports, ["bluesky"])
    assert asked.look() == {}
    metrics.INGEST_EVENTS.labels("named", "upsert").inc()
    ports |= {"sink": service[1], "bluesky": service[1]}
    seen = asked.look()
    assert seen["sink"].sources == {}
    assert "named" in seen["bluesky"].sources


def test_the_source_of_an_ingestor_is_in_its_metrics(service: tuple[Health, int]) -> None:
    metrics.INGEST_CONNECTED.labels("probed").set(0)
    metrics.INGEST_LAST_RECEIVED.labels("probed").set(1_700_000_000)
    metrics.INGEST_EVENTS.labels("probed", "upsert").inc(3)
    metrics.INGEST_EVENTS.labels("probed", "delete").inc(2)
    seen = probe(service[1])
    assert seen is not None
    assert seen.sources["probed"] == SourceState(False, 1_700_000_000, 5)


def test_a_source_that_says_nothing_of_its_connection_has_none() -> None:
    text = "# TYPE tocsin_ingest_events_total counter\n"
    text += 'tocsin_ingest_events_total{source="file:a",op="upsert"} 2.0\nother 1\n'
    assert source_states(text) == {"file:a": SourceState(None, None, 2)}

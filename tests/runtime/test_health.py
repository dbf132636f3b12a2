"""The state of a service over HTTP."""

from collections.abc import Iterator
from http.client import HTTPConnection
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from runtime import metrics
from runtime.health import Health, serve
from schemas.errors import ConfigurationError


@pytest.fixture
def time() -> SimpleNamespace:
    return SimpleNamespace(now=100.0)


@pytest.fixture
def health(time: SimpleNamespace) -> Health:
    return Health("test-health", stalled_after_s=30, monotonic=lambda: time.now)


@pytest.fixture
def port(health: Health) -> Iterator[int]:
    server = serve(health, "127.0.0.1", 0)
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def get(port: int, path: str) -> tuple[int, str, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, answer.headers["Content-Type"]


def test_metrics_are_served_as_prometheus_reads_them(port: int) -> None:
    metrics.RETRIES.labels("test-health", "connection").inc(3)
    status, body, kind = get(port, "/metrics")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    assert 'tocsin_retries_total{cause="connection",service="test-health"} 3.0' in body
    assert "# HELP tocsin_build_info" in body


def test_it_is_alive_while_its_loop_beats(port: int, health: Health, time: SimpleNamespace) -> None:
    for path in ("/healthz", "/healthz?verbose=1"):
        time.now += 30
        assert get(port, path)[:2] == (200, "alive\n")
        health.beat()
    time.now += 31
    assert get(port, "/healthz")[:2] == (503, "the main loop has not moved for 31 s\n")
    health.beat()
    assert get(port, "/healthz")[0] == 200


def test_it_is_ready_once_nothing_hinders(port: int, health: Health) -> None:
    assert get(port, "/readyz")[:2] == (503, "start: still starting\n")
    health.clear("start")
    assert get(port, "/readyz")[:2] == (200, "ready\n")
    assert REGISTRY.get_sample_value("tocsin_ready", {"service": "test-health"}) == 1
    health.hinder("brands", "there are none")
    health.hinder("elasticsearch", "it is away")
    health.hinder("elasticsearch", "it is busy")
    hindered = "brands: there are none; elasticsearch: it is busy\n"
    assert get(port, "/readyz")[:2] == (503, hindered)
    assert get(port, "/healthz")[0] == 200, "what hinders it does not make it dead"
    health.clear("brands")
    assert get(port, "/readyz")[0] == 503
    health.clear("elasticsearch")
    health.clear("elasticsearch")
    assert get(port, "/readyz")[0] == 200


def test_what_is_worth_a_word_is_told_by_a_service_that_is_ready(port: int, health: Health) -> None:
    health.clear("start")
    health.note("partitions", "standby")
    assert get(port, "/readyz")[:2] == (200, "ready; partitions: standby\n")
    health.hinder("kafka", "away")
    assert get(port, "/readyz")[:2] == (503, "kafka: away\n")
    health.clear("kafka")
    health.note("partitions", None)
    assert get(port, "/readyz")[:2] == (200, "ready\n")


def test_it_knows_where_it_is_served(port: int, health: Health) -> None:
    assert health.url == f"http://127.0.0.1:{port}"


def test_other_paths_say_where_to_look(port: int) -> None:
    assert get(port, "/")[:2] == (404, "see /metrics, /healthz, /readyz\n")


def test_one_connection_serves_many_requests(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    for path in ("/metrics", "/nowhere", "/healthz", "/readyz"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert len(answer.read()) == int(answer.headers["Content-Length"])
    connection.close()


def test_a_port_that_is_taken_is_a_sentence(port: int, health: Health) -> None:
    with pytest.raises(ConfigurationError, match="TOCSIN_MONITOR_PORT"):
        serve(health, "127.0.0.1", port)

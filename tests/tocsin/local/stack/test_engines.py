"""The real servers, really started: what the stack promises of them."""

import os
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from elasticsearch import ConflictError, Elasticsearch
from kafka import KafkaAdminClient
from kafka.errors import UnknownTopicOrPartitionError

from schemas.errors import ServiceUnavailable
from tests.stack_fixtures import RunningEngines
from tests.tocsin.local.stack.records import consume, create_topic, produce, quiet
from tocsin.local.stack import StackError, open_stack
from tocsin.local.stack.engines import EnginesStack

pytestmark = pytest.mark.engines


def test_a_started_stack_carries_records_and_documents(engines: RunningEngines) -> None:
    topic = create_topic(engines.endpoints.kafka)
    values = [*(b"%d" % number for number in range(100)), b"x" * 2_000_000]
    produce(engines.endpoints.kafka, topic, values)
    assert consume(engines.endpoints.kafka, topic, 101) == values

    with Elasticsearch(engines.endpoints.elasticsearch) as client:
        index = f"test-{uuid4().hex}"
        client.index(index=index, id="1", document={"text": "bell"}, refresh=True)
        found = client.search(index=index, query={"match": {"text": "bell"}})
        assert found["hits"]["total"]["value"] == 1


def test_start_again_changes_nothing(engines: RunningEngines) -> None:
    before = engines.stack.pid("kafka")
    assert engines.stack.start(quiet) == engines.endpoints
    assert engines.stack.pid("kafka") == before


def test_topics_are_not_created_by_accident(engines: RunningEngines) -> None:
    admin = KafkaAdminClient(bootstrap_servers=engines.endpoints.kafka)
    name = f"test.{uuid4().hex}"
    with suppress(UnknownTopicOrPartitionError):
        admin.describe_topics([name])
    assert name not in admin.list_topics()
    admin.close()


def test_an_older_version_of_a_document_is_a_conflict(engines: RunningEngines) -> None:
    with Elasticsearch(engines.endpoints.elasticsearch) as client:
        index = f"test-{uuid4().hex}"

        def write(version: int) -> None:
            versioned = {"version": version, "version_type": "external_gte"}
            client.index(index=index, id="1", document={"version": version}, **versioned)

        write(2)
        write(2)
        with pytest.raises(ConflictError):
            write(1)


def test_killed_kafka_restarts_with_what_it_acknowledged(engines: RunningEngines) -> None:
    topic = create_topic(engines.endpoints.kafka)
    values = [b"%d" % number for number in range(500)]
    produce(engines.endpoints.kafka, topic, values)
    before = engines.stack.pid("kafka")
    engines.stack.kill("kafka")
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    engines.stack.restart("kafka")
    assert engines.stack.pid("kafka") != before
    assert consume(engines.endpoints.kafka, topic, 500) == values


def test_killed_elasticsearch_restarts_with_what_it_acknowledged(engines: RunningEngines) -> None:
    index = f"test-{uuid4().hex}"
    with Elasticsearch(engines.endpoints.elasticsearch) as client:
        for number in range(20):
            client.index(index=index, id=str(number), document={"number": number})
        engines.stack.kill("elasticsearch")
        engines.stack.restart("elasticsearch")
        client.indices.refresh(index=index)
        assert client.count(index=index)["count"] == 20


def test_a_second_stack_runs_beside_and_keeps_its_data(
    engines: RunningEngines, stack_dir: Path
) -> None:
    second = EnginesStack(stack_dir, kafka_heap_mb=256, elasticsearch_heap_mb=384)
    try:
        endpoints = second.start(quiet)
        assert endpoints.kafka != engines.endpoints.kafka
        assert endpoints.elasticsearch != engines.endpoints.elasticsearch
        topic = create_topic(endpoints.kafka)
        produce(endpoints.kafka, topic, [b"kept"])
        with pytest.raises(StackError, match="in use by another running stack"):
            EnginesStack(stack_dir).start(quiet)
        second.stop()
        second.stop()
        assert second.start(quiet) == endpoints
        assert consume(endpoints.kafka, topic, 1) == [b"kept"]
    finally:
        second.stop()


def test_the_servers_die_with_a_parent_that_is_killed(stack_dir: Path) -> None:
    program = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from tocsin.local.stack.engines import EnginesStack
        stack = EnginesStack(Path({str(stack_dir)!r}))
        stack.start(lambda line: None)
        print(stack.pid("kafka"), stack.pid("elasticsearch"), flush=True)
        time.sleep(600)
        """
    )
    root = Path(__file__).parents[4]
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(is_running(pid) for pid in pids)


def is_running(pid: int) -> bool:
    """Whether a process is there and more than an unburied entry."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root switches to another account")
def test_a_folder_that_the_account_cannot_reach_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(StackError, match=r"cannot pass through .*: choose a data folder"):
        EnginesStack(closed / "data").start(quiet)


def test_missing_java_is_a_sentence(stack_dir: Path, tmp_path: Path) -> None:
    stack = EnginesStack(stack_dir, environment={"TOCSIN_JAVA_HOME": str(tmp_path)})
    with pytest.raises(StackError, match=r"holds no Java runtime: set it"):
        stack.start(quiet)


def test_the_external_stack_reaches_running_servers_or_names_the_one_that_does_not_answer(
    engines: RunningEngines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_KAFKA_BOOTSTRAP_SERVERS", engines.endpoints.kafka)
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", engines.endpoints.elasticsearch)
    stack = open_stack("external", tmp_path)
    assert stack.start(quiet) == engines.endpoints
    stack.stop()
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", "http://127.0.0.1:1")
    with pytest.raises(ServiceUnavailable, match="Elasticsearch at http://127.0.0.1:1 does not"):
        open_stack("external", tmp_path).start(quiet)

"""Taking away what an author wrote: all of it, nothing else, and again for what was under way."""

from datetime import timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from structlog.testing import capture_logs

from runtime.settings import ElasticsearchSettings
from schemas.post import Author
from sinks.elasticsearch import erasure
from sinks.elasticsearch.bulk import write
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import tombstone
from sinks.elasticsearch.documents import upsert as upsert_of
from sinks.elasticsearch.erasure import Erasure
from sinks.elasticsearch.side_threads import Housekeeping
from tests.servers.elasticsearch import ElasticsearchServer, Failure, Items, Stall
from tests.sinks.elasticsearch.events import AT, INDEX, NAMES, SNOWFLAKE, upsert

ERASURE = Erasure("file", "17", 9)


def index(client: Elasticsearch, id_: str, author: str, version: int = 1) -> None:
    event = upsert(id_, version, author=Author(id=author))
    write(client, [upsert_of(event, NAMES)])


def living(server: ElasticsearchServer) -> set[str]:
    return {id_ for (_, id_), found in server.documents.items() if "text" in found.source}


def dead(server: ElasticsearchServer) -> set[str]:
    return {id_ for (_, id_), found in server.documents.items() if "deleted_at" in found.source}


def test_all_that_the_author_wrote_becomes_tombstones(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    for id_ in ("file:1", "file:2"):
        index(client, id_, "17")
    index(client, "file:3", "18")
    index(client, "x:1541815603606036480", "17")
    assert erasure.erase(client, NAMES, ERASURE, AT) == 2
    assert dead(server) == {"file:1", "file:2"}
    assert living(server) == {"file:3", SNOWFLAKE}
    assert server.sources(INDEX)["file:1"] == {
        "id": "file:1",
        "source": "file",
        "version": 9,
        "deleted_at": "2026-01-02T03:04:05Z",
    }


def test_erasing_again_finds_nothing(client: Elasticsearch, server: ElasticsearchServer) -> None:
    index(client, "file:1", "17")
    assert erasure.erase(client, NAMES, ERASURE, AT) == 1
    assert erasure.erase(client, NAMES, ERASURE, AT) == 0
    assert dead(server) == {"file:1"}


def test_what_was_written_after_the_erasure_stays(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    index(client, "file:1", "17", version=10)
    index(client, "file:2", "17", version=9)
    assert erasure.erase(client, NAMES, ERASURE, AT) == 1
    assert living(server) == {"file:1"}


def test_an_older_state_does_not_come_back(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    index(client, "file:1", "17", version=3)
    erasure.erase(client, NAMES, ERASURE, AT)
    index(client, "file:1", "17", version=3)
    assert living(server) == set()


def test_more_than_a_page_is_erased(client: Elasticsearch, server: ElasticsearchServer) -> None:
    events = [upsert(f"file:{number}", author=Author(id="17")) for number in range(1_201)]
    write(client, [upsert_of(event, NAMES) for event in events])
    assert erasure.erase(client, NAMES, ERASURE, AT) == 1_201
    assert living(server) == set()


@pytest.mark.parametrize(
    "fault",
    [Failure(503), Failure(429), Items({"file:1": (429, "es_rejected_execution_exception")})],
)
def test_an_erasure_that_is_not_whole_is_told(
    client: Elasticsearch, server: ElasticsearchServer, fault: Failure | Items
) -> None:
    index(client, "file:1", "17")
    server.faults = [fault]
    with pytest.raises(erasure.ErasureIncomplete):
        erasure.erase(client, NAMES, ERASURE, AT)
    assert erasure.erase(client, NAMES, ERASURE, AT) == 1


def test_a_tombstone_that_is_refused_keeps_nobody_from_the_others(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    events = [upsert(f"file:{number}", author=Author(id="17")) for number in range(501)]
    write(client, [upsert_of(event, NAMES) for event in events])
    server.faults = [Items({"file:1": (400, "document_parsing_exception")})]
    with capture_logs() as logs:
        assert erasure.erase(client, NAMES, ERASURE, AT) == 500
    assert living(server) == {"file:1"}
    (said,) = logs
    assert (said["log_level"], said["id"]) == ("error", "file:1")
    assert "document_parsing_exception" in said["why"]
    # The next sweep tries it again.
    assert erasure.erase(client, NAMES, ERASURE, AT) == 1


def test_a_post_that_has_a_later_state_by_now_is_left(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    index(client, "file:1", "17")
    server.faults = [Items({"file:1": (409, "version_conflict_engine_exception")})]
    assert erasure.erase(client, NAMES, ERASURE, AT) == 0


def test_a_post_that_slipped_past_is_swept(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    erasure.remember(client, NAMES, ERASURE, AT)
    erasure.remember(client, NAMES, Erasure("file", "18", 9), AT)
    client.indices.refresh(index=NAMES.erasures)
    assert erasure.erase(client, NAMES, ERASURE, AT) == 0
    index(client, "file:1", "17", version=3)
    index(client, "file:2", "18", version=3)
    assert erasure.sweep(client, NAMES, AT + timedelta(days=1), keep_days=8) == 2
    assert living(server) == set()


def test_an_erasure_that_is_old_is_not_swept(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    erasure.remember(client, NAMES, ERASURE, AT)
    client.indices.refresh(index=NAMES.erasures)
    index(client, "file:1", "17", version=3)
    assert erasure.sweep(client, NAMES, AT + timedelta(days=9), keep_days=8) == 0
    assert living(server) == {"file:1"}


@pytest.mark.parametrize("author", ["17", "did:plc:invented", "🍊" * 400, "n" * 2_048, "a/b c"])
def test_any_author_can_be_remembered(
    client: Elasticsearch, server: ElasticsearchServer, author: str
) -> None:
    for _ in range(2):
        erasure.remember(client, NAMES, Erasure("file", author, 9), AT)
    ((_, found),) = [entry for entry in server.documents.items() if entry[0][0] == NAMES.erasures]
    assert found.source["author_id"] == author


def test_two_long_authors_are_two(client: Elasticsearch, server: ElasticsearchServer) -> None:
    for last in ("a", "b"):
        erasure.remember(client, NAMES, Erasure("file", "n" * 2_000 + last, 9), AT)
    assert len(server.sources(NAMES.erasures)) == 2


def test_only_old_tombstones_are_purged(client: Elasticsearch, server: ElasticsearchServer) -> None:
    days = {"file:1": 20, "file:2": 9, "file:3": 7}
    write(
        client,
        [tombstone(id_, "file", 2, INDEX, AT - timedelta(days=age)) for id_, age in days.items()],
    )
    index(client, "file:4", "17")
    assert erasure.purge(client, NAMES, AT, keep_days=8) == 2
    assert dead(server) == {"file:3"}
    assert living(server) == {"file:4"}


def test_a_post_that_was_written_over_a_tombstone_is_not_purged(
    client: Elasticsearch, server: ElasticsearchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = AT - timedelta(days=30)
    write(client, [tombstone(f"file:{number}", "file", 2, INDEX, old) for number in range(3)])

    def bulk(**arguments: Any) -> Any:
        monkeypatch.undo()
        index(client, "file:1", "17", version=3)
        return client.bulk(**arguments)

    monkeypatch.setattr(client, "bulk", bulk)
    assert erasure.purge(client, NAMES, AT, keep_days=8) == 2
    assert (living(server), dead(server)) == ({"file:1"}, set())


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_purge_that_is_not_whole_is_told(
    client: Elasticsearch, server: ElasticsearchServer, status: int
) -> None:
    old = AT - timedelta(days=30)
    write(client, [tombstone(f"file:{number}", "file", 2, INDEX, old) for number in range(3)])
    server.faults = [Items({"file:1": (status, "some_exception")})]
    with pytest.raises(erasure.ErasureIncomplete):
        erasure.purge(client, NAMES, AT, keep_days=8)
    assert dead(server) == {"file:1"}


def test_housekeeping_sweeps_and_purges(client: Elasticsearch, server: ElasticsearchServer) -> None:
    erasure.remember(client, NAMES, ERASURE, AT)
    index(client, "file:1", "17")
    write(client, [tombstone("file:2", "file", 2, INDEX, AT - timedelta(days=30))])
    client.indices.refresh(index="*")
    Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: AT).once()
    assert (living(server), dead(server)) == (set(), {"file:1"})


def test_housekeeping_puts_off_what_the_cluster_does_not_take(server: ElasticsearchServer) -> None:
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=0.3)) as client:
        write(client, [tombstone("file:2", "file", 2, INDEX, AT - timedelta(days=30))])
        housekeeping = Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: AT)
        for fault in (Failure(503), Stall()):
            server.faults = [fault]
            housekeeping.once()
            assert dead(server) == {"file:2"}
        housekeeping.once()
        assert dead(server) == set()

"""Erasing an author: every post, nothing else, and again for posts that come late."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from elasticsearch import Elasticsearch as Client
from structlog.testing import capture_logs

from runtime.settings import ElasticsearchSettings
from schemas.post import Author
from sinks.elasticsearch.bulk import write
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import tombstone
from sinks.elasticsearch.documents import upsert as upsert_of
from sinks.elasticsearch.erasure import Erasure, ErasureIncomplete, erase, purge, remember, sweep
from sinks.elasticsearch.side_threads import Housekeeping
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.servers.elasticsearch import Failure, Items, Stall
from tests.sinks.elasticsearch.events import AT, INDEX, NAMES, SNOWFLAKE, upsert

ERASURE = Erasure("file", "17", 9)
BUSY = (429, "es_rejected_execution_exception")


def index(client: Client, *ids: str, author: str = "17", version: int = 1) -> None:
    events = [upsert(id_, version, author=Author(id=author)) for id_ in ids]
    write(client, [upsert_of(event, NAMES) for event in events])


def bury(client: Client, *ids: str, days: int = 30) -> None:
    """Write tombstones of that age."""
    at = AT - timedelta(days=days)
    write(client, [tombstone(id_, "file", 2, INDEX, at) for id_ in ids])


def with_field(field: str, server: Server) -> set[str]:
    return {id_ for (_, id_), document in server.documents.items() if field in document.source}


living = partial(with_field, "text")
dead = partial(with_field, "deleted_at")


def test_all_that_the_author_wrote_becomes_tombstones(client: Client, server: Server) -> None:
    index(client, "file:1", "file:2", SNOWFLAKE)
    index(client, "file:3", author="18")
    assert erase(client, NAMES, ERASURE, AT) == 2
    assert dead(server) == {"file:1", "file:2"}
    assert living(server) == {"file:3", SNOWFLAKE}
    assert server.sources(INDEX)["file:1"] == {
        "id": "file:1",
        "source": "file",
        "version": 9,
        "deleted_at": "2026-01-02T03:04:05Z",
    }
    assert erase(client, NAMES, ERASURE, AT) == 0
    assert dead(server) == {"file:1", "file:2"}


def test_what_was_written_after_the_erasure_stays_and_no_older_state_comes_back(
    client: Client, server: Server
) -> None:
    index(client, "file:1", version=10)
    index(client, "file:2", version=9)
    assert erase(client, NAMES, ERASURE, AT) == 1
    index(client, "file:2", version=3)
    assert living(server) == {"file:1"}


def test_more_than_a_page_is_erased(client: Client, server: Server) -> None:
    index(client, *(f"file:{number}" for number in range(1_201)))
    assert erase(client, NAMES, ERASURE, AT) == 1_201
    assert living(server) == set()


@pytest.mark.parametrize("fault", [Failure(503), Failure(429), Items({"file:1": BUSY})])
def test_an_incomplete_erasure_is_an_error(
    client: Client, server: Server, fault: Failure | Items
) -> None:
    index(client, "file:1")
    server.faults = [fault]
    with pytest.raises(ErasureIncomplete):
        erase(client, NAMES, ERASURE, AT)
    assert erase(client, NAMES, ERASURE, AT) == 1


def test_a_refused_tombstone_does_not_stop_the_others(client: Client, server: Server) -> None:
    index(client, *(f"file:{number}" for number in range(501)))
    server.faults = [Items({"file:1": (400, "document_parsing_exception")})]
    with capture_logs() as logs:
        assert erase(client, NAMES, ERASURE, AT) == 500
    assert living(server) == {"file:1"}
    (entry,) = logs
    assert (entry["log_level"], entry["id"]) == ("error", "file:1")
    assert "document_parsing_exception" in entry["why"]
    # The next sweep tries it again.
    assert erase(client, NAMES, ERASURE, AT) == 1


def test_a_post_that_has_a_later_state_by_now_is_left(client: Client, server: Server) -> None:
    index(client, "file:1")
    server.faults = [Items({"file:1": (409, "version_conflict_engine_exception")})]
    assert erase(client, NAMES, ERASURE, AT) == 0


def test_late_posts_of_recent_erasures_are_swept(client: Client, server: Server) -> None:
    for author in ("17", "18"):
        remember(client, NAMES, Erasure("file", author, 9), AT)
    client.indices.refresh(index=NAMES.erasures)
    assert erase(client, NAMES, ERASURE, AT) == 0
    index(client, "file:1", version=3)
    index(client, "file:2", author="18", version=3)
    assert sweep(client, NAMES, AT + timedelta(days=9), keep_days=8) == 0
    assert living(server) == {"file:1", "file:2"}
    assert sweep(client, NAMES, AT + timedelta(days=1), keep_days=8) == 2
    assert living(server) == set()


def test_any_author_can_be_remembered_once(client: Client, server: Server) -> None:
    long = "n" * 2_047
    authors = ["17", "did:plc:invented", "🍊" * 400, f"{long}a", f"{long}b", "a/b c"]
    for author in authors * 2:
        remember(client, NAMES, Erasure("file", author, 9), AT)
    sources = server.sources(NAMES.erasures).values()
    assert sorted(source["author_id"] for source in sources) == sorted(authors)


def test_only_old_tombstones_are_purged(client: Client, server: Server) -> None:
    for id_, days in {"file:1": 20, "file:2": 9, "file:3": 7}.items():
        bury(client, id_, days=days)
    index(client, "file:4")
    assert purge(client, NAMES, AT, keep_days=8) == 2
    assert (living(server), dead(server)) == ({"file:4"}, {"file:3"})


def test_a_post_that_replaced_its_tombstone_is_not_purged(
    client: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(client, "file:0", "file:1", "file:2")

    def bulk(**arguments: Any) -> Any:
        monkeypatch.undo()
        index(client, "file:1", version=3)
        return client.bulk(**arguments)

    monkeypatch.setattr(client, "bulk", bulk)
    assert purge(client, NAMES, AT, keep_days=8) == 2
    assert (living(server), dead(server)) == ({"file:1"}, set())


@pytest.mark.parametrize("status", [403, 429, 503])
def test_an_incomplete_purge_is_an_error(client: Client, server: Server, status: int) -> None:
    bury(client, "file:0", "file:1", "file:2")
    server.faults = [Items({"file:1": (status, "some_exception")})]
    with pytest.raises(ErasureIncomplete):
        purge(client, NAMES, AT, keep_days=8)
    assert dead(server) == {"file:1"}


def test_housekeeping_sweeps_and_purges(client: Client, server: Server) -> None:
    remember(client, NAMES, ERASURE, AT)
    index(client, "file:1")
    bury(client, "file:2")
    client.indices.refresh(index="*")
    Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: AT).once()
    assert (living(server), dead(server)) == (set(), {"file:1"})


def test_housekeeping_postpones_what_the_cluster_does_not_take(server: Server) -> None:
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=0.3)) as client:
        bury(client, "file:2")
        housekeeping = Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: AT)
        for fault in (Failure(503), Stall()):
            server.faults = [fault]
            housekeeping.once()
            assert dead(server) == {"file:2"}
        housekeeping.once()
        assert dead(server) == set()

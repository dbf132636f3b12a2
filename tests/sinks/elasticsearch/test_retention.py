"""What is old is deleted for good: tombstones, records of deletes and erasures, and their bytes."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from elasticsearch import Elasticsearch as Client
from prometheus_client import REGISTRY

from runtime.settings import ElasticsearchSettings
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import removal, removal_key, tombstone
from sinks.elasticsearch.documents import upsert as upsert_of
from sinks.elasticsearch.erasure import Erasure, ErasureIncomplete, remember
from sinks.elasticsearch.retention import expunge, purge, purge_erasures, purge_expired
from sinks.elasticsearch.side_threads import EXPIRE_EVERY, RETRY_AFTER, Housekeeping
from sinks.elasticsearch.writes.bulk import write
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.servers.elasticsearch import Failure, Items, Stall
from tests.sinks.elasticsearch.events import AT, INDEX, NAMES, upsert


def index(client: Client, *ids: str, version: int = 1) -> None:
    write(client, [upsert_of(upsert(id_, version), NAMES) for id_ in ids])


def bury(client: Client, *ids: str, days: int = 30) -> None:
    """Write tombstones of that age."""
    at = AT - timedelta(days=days)
    write(client, [tombstone(id_, "file", 2, INDEX, at) for id_ in ids])


def with_field(field: str, server: Server) -> set[str]:
    return {id_ for (_, id_), document in server.documents.items() if field in document.source}


living = partial(with_field, "text")
dead = partial(with_field, "deleted_at")


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


def test_a_blocked_month_keeps_its_tombstones_and_stops_no_other_purge(
    client: Client, server: Server
) -> None:
    closed, at = "tocsin-mentions-2025.01", AT - timedelta(days=90)
    old = [tombstone(f"file:{number:03}", "file", 2, closed, at) for number in range(600)]
    write(client, old)
    bury(client, "file:new")
    write(client, [removal("file:2", 1, NAMES, at)])
    remember(client, NAMES, Erasure("file", "17", 1), at, at)
    server.blocked = {closed: (403, "cluster_block_exception", "FORBIDDEN/8/index write (api)")}
    Housekeeping(client, NAMES, clock=lambda: AT, tombstone_days=8).once()
    assert dead(server) == {operation.id for operation in old}
    assert server.sources(NAMES.erasures) == {}


def keep(client: Client, until: datetime | None, *ids: str) -> None:
    write(client, [upsert_of(upsert(id_, keep_until=until), NAMES) for id_ in ids])


def test_only_posts_whose_time_is_over_expire(client: Client, server: Server) -> None:
    keep(client, AT - timedelta(seconds=1), "file:1", "x:1541815603606036480")
    keep(client, AT, "file:2")
    keep(client, None, "file:3")
    bury(client, "file:4")
    assert purge_expired(client, NAMES, AT) == 2
    assert (living(server), dead(server)) == ({"file:2", "file:3"}, {"file:4"})


def test_a_round_of_expiry_is_bounded_and_the_next_goes_on(client: Client, server: Server) -> None:
    keep(client, AT - timedelta(days=1), *(f"file:{number:04}" for number in range(1_200)))
    assert purge_expired(client, NAMES, AT, pages=2) == 1_000
    assert len(living(server)) == 200
    now = [AT]
    housekeeping = Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: now[0])
    before = expired_posts()
    housekeeping.once()
    assert (living(server), expired_posts() - before) == (set(), 200)
    keep(client, AT, "file:1")
    now[0] += EXPIRE_EVERY
    housekeeping.once()
    assert (living(server), expired_posts() - before) == (set(), 201)


def test_an_edit_that_may_be_kept_longer_survives_the_round(
    client: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(client, AT - timedelta(days=1), "file:1", "file:2")

    def bulk(**arguments: Any) -> Any:
        monkeypatch.undo()
        later = upsert("file:1", 3, keep_until=AT + timedelta(days=1))
        write(client, [upsert_of(later, NAMES)])
        return client.bulk(**arguments)

    monkeypatch.setattr(client, "bulk", bulk)
    assert purge_expired(client, NAMES, AT) == 1
    assert living(server) == {"file:1"}


def test_expired_posts_that_an_index_keeps_are_counted_when_they_go(
    client: Client, server: Server
) -> None:
    keep(client, AT - timedelta(days=1), "file:0", "file:1", "file:2")
    server.faults = [Items({"file:1": (403, "cluster_block_exception")})]
    before, now = expired_posts(), [AT]
    housekeeping = Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: now[0])
    housekeeping.once()
    assert (living(server), expired_posts() - before) == ({"file:1"}, 2)
    now[0] += RETRY_AFTER
    housekeeping.once()
    assert (living(server), expired_posts() - before) == (set(), 3)


def expired_posts() -> float:
    return REGISTRY.get_sample_value("tocsin_sink_expired_total") or 0.0


@pytest.mark.parametrize("status", [403, 429, 503])
def test_an_incomplete_purge_is_an_error(client: Client, server: Server, status: int) -> None:
    bury(client, "file:0", "file:1", "file:2")
    server.faults = [Items({"file:1": (status, "some_exception")})]
    with pytest.raises(ErasureIncomplete):
        purge(client, NAMES, AT, keep_days=8)
    assert dead(server) == {"file:1"}


def test_recorded_deletes_and_done_erasures_go_in_time(client: Client, server: Server) -> None:
    for id_, days in (("file:1", 60), ("file:2", 6)):
        write(client, [removal(id_, 1, NAMES, AT - timedelta(days=days))])
        remember(client, NAMES, Erasure("file", id_, 9), AT, AT - timedelta(days=days))
    remember(client, NAMES, Erasure("file", "open", 9), AT - timedelta(days=900))
    assert purge(client, NAMES, AT, keep_days=8) == 1
    assert purge_erasures(client, NAMES, AT, keep_days=8) == 1
    assert server.sources(NAMES.removals).keys() == {removal_key("file:2")}
    left = {record["author_id"] for record in server.sources(NAMES.erasures).values()}
    assert left == {"file:2", "open"}


def test_only_indices_with_deleted_documents_are_merged(client: Client, server: Server) -> None:
    index(client, "file:1", "file:2")
    bury(client, "file:1")
    index(client, "x:1541815603606036480")
    server.deleted.add("somebody-elses")
    assert expunge(client, NAMES) == [INDEX]
    assert server.expunged == [INDEX]
    assert expunge(client, NAMES) == []


def test_housekeeping_sweeps_and_purges(client: Client, server: Server) -> None:
    remember(client, NAMES, Erasure("file", "17", 9), AT)
    index(client, "file:1")
    bury(client, "file:2")
    client.indices.refresh(index="*")
    Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: AT).once()
    assert (living(server), dead(server)) == (set(), {"file:1"})


def test_housekeeping_postpones_what_the_cluster_does_not_take(server: Server) -> None:
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=0.3)) as client:
        bury(client, "file:2")
        now = [AT]
        housekeeping = Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: now[0])
        for fault in (Failure(503), Stall()):
            server.faults = [fault] * 9
            housekeeping.once()
            assert dead(server) == {"file:2"}
            now[0] += RETRY_AFTER
        server.faults = []
        housekeeping.once()
        assert dead(server) == set()


def test_housekeeping_that_is_not_taken_is_not_repeated_each_minute(
    client: Client, server: Server
) -> None:
    now = [AT]
    housekeeping = Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: now[0])
    bury(client, "file:2")
    server.faults = [Failure(503)] * 9
    housekeeping.once()
    server.faults = []
    now[0] += timedelta(minutes=1)
    housekeeping.once()
    assert dead(server) == {"file:2"}
    now[0] += RETRY_AFTER
    housekeeping.once()
    assert dead(server) == set()


def test_a_clock_that_is_set_back_stops_no_housekeeping(client: Client, server: Server) -> None:
    now = [AT + timedelta(days=365)]
    housekeeping = Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: now[0])
    housekeeping.once()
    bury(client, "file:2")
    now[0] = AT
    housekeeping.once()
    assert dead(server) == set()


def test_only_the_leader_keeps_house(client: Client, server: Server) -> None:
    bury(client, "file:2")
    housekeeping = Housekeeping(
        client, NAMES, tombstone_days=8, clock=lambda: AT, leads=lambda: False
    )
    housekeeping.once()
    assert (dead(server), server.searches) == ({"file:2"}, 0)


def test_housekeeping_finishes_each_time_and_sweeps_hourly(client: Client, server: Server) -> None:
    now = [AT]
    housekeeping = Housekeeping(client, NAMES, tombstone_days=8, clock=lambda: now[0])
    housekeeping.once()
    remember(client, NAMES, Erasure("file", "17", 9), AT)
    index(client, "file:1")
    bury(client, "file:2")
    now[0] = AT + timedelta(minutes=1)
    housekeeping.once()
    assert (living(server), dead(server)) == (set(), {"file:1", "file:2"})
    now[0] = AT + timedelta(minutes=61)
    housekeeping.once()
    assert dead(server) == {"file:1"}

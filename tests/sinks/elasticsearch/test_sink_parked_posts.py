"""What waits for a blocked month is weighed again before it is written, and is never forgotten."""

from datetime import UTC, datetime

import pytest
from elasticsearch import Elasticsearch as Client

from schemas.mention import MentionEvent, MentionUpsert
from sinks.elasticsearch.erasure import Erasure, ErasureIncomplete, finish, remember
from sinks.elasticsearch.lookup import Lookup
from sinks.elasticsearch.placement import Copy, Known
from sinks.elasticsearch.sink import KNOWN_S
from tests.make import AT
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch.events import INDEX, NAMES, delete, erase, upsert
from tests.sinks.elasticsearch.sink_rig import ONE, ZERO, SinkRig, metric, send

OCTOBER = datetime(2025, 10, 5, tzinfo=UTC)
OLD = "tocsin-mentions-2025.10"
BLOCK = (403, "cluster_block_exception", "FORBIDDEN/8/index write (api)")
CLOSED = (400, "index_closed_exception", "closed")
RED = (503, "unavailable_shards_exception", "primary shard is not active")


def old(id_: str, version: int = 1, **fields: object) -> MentionEvent:
    return upsert(id_, version, created_at=OCTOBER, **fields)


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


def lifted_after(rig: SinkRig, server: Server, seconds: float) -> None:
    """Run until everything is committed; the blocks are lifted on the way."""

    def done() -> bool:
        if rig.now > seconds:
            server.blocked = {}
        return rig.all_committed()

    rig.run(done)
    assert rig.now > seconds


def test_an_erasure_also_covers_what_waits(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.blocked = {OLD: BLOCK}
    theirs = [old(f"file:a{number}", author="17") for number in range(20)]
    send(kafka, [*theirs, old("file:b", author="18"), erase("17")])
    lifted_after(SinkRig(kafka, server, client), server, 30)
    assert server.sources(OLD).keys() == {"file:b"}


def test_an_index_stays_blocked_where_an_erasure_covers_all_that_waits(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.blocked = {OLD: BLOCK}
    send(kafka, [old("file:a", author="17"), erase("17")])
    rig = SinkRig(kafka, server, client)
    rig.run_until_committed()
    assert metric("blocked_indices") == 1
    send(kafka, [old("file:b", author="18")])
    lifted_after(rig, server, rig.now + 30)
    assert metric("blocked_indices") == 0
    assert server.sources(OLD).keys() == {"file:b"}


@pytest.mark.parametrize("source", ["bluesky", "file"])
def test_a_delete_of_what_waits_is_no_stranger_after_the_memory_was_cleared(
    server: Server, client: Client, source: str
) -> None:
    kafka = FakeKafka(partitions=2)
    server.blocked = {OLD: BLOCK}
    id_ = f"{source}:old"
    send(kafka, [old(id_)])
    rig = SinkRig(kafka, server, client)
    moves = ["away", "back"]

    def done() -> bool:
        if rig.polls == 5:
            rig.consumer.lose(ONE)
            moves.remove("away")
        if rig.polls == 10:  # a new partition: the lookup refreshes and forgets
            rig.consumer.receive(ONE)
            moves.remove("back")
        if rig.polls == 15:
            send(kafka, [delete(id_, 2)])
        if rig.polls == 25:
            server.blocked = {}
        return rig.polls > 25 and rig.all_committed()

    rig.run(done)
    assert moves == []
    assert all("text" not in document for document in server.sources(OLD).values())


def test_the_lookup_remembers_what_waits_when_it_remembers_too_much(
    server: Server, client: Client
) -> None:
    lookup = Lookup(client, NAMES, 2, waiting=lambda: {"file:1"})
    events = [upsert(f"file:{number}") for number in range(1, 4)]
    known = Known(copies={event.id: [Copy(OLD, 1, id=event.id)] for event in events})
    lookup.wrote(known)
    found = lookup.known([event for event in events if isinstance(event, MentionUpsert)])
    assert found.copies.keys() == {"file:1"}


def test_the_sink_waits_for_the_index_of_removals(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    """A late post must meet the record of its delete, so the record is no later than the post."""
    server.blocked = {NAMES.removals: BLOCK}
    send(kafka, [delete("file:1", 2), upsert("file:1", 1), upsert("file:2", 1)])
    rig = SinkRig(kafka, server, client, batch_size=1)

    def done() -> bool:
        if rig.polls == 30:
            assert server.sources(INDEX) == {}
            assert not rig.health.ready()[0]
            server.blocked = {}
        return rig.all_committed()

    rig.run(done)
    assert server.sources(INDEX).keys() == {"file:2"}
    assert rig.letters() == []


@pytest.mark.parametrize("hidden", [CLOSED, RED])
@pytest.mark.parametrize("created_at", [OCTOBER, None])
def test_a_delete_of_a_post_in_a_month_that_no_search_sees_waits_for_the_month(
    kafka: FakeKafka,
    server: Server,
    client: Client,
    hidden: tuple[int, str, str],
    created_at: datetime | None,
) -> None:
    send(kafka, [old("bluesky:old")])
    SinkRig(kafka, server, client).run_until_committed()
    server.blocked = {OLD: hidden}
    send(kafka, [delete("bluesky:old", 2, created_at), upsert("file:now")])
    rig = SinkRig(kafka, server, client)
    rig.run(lambda: rig.polls > 20)
    assert rig.committed(ZERO) == 1
    assert metric("parked_messages", index=OLD) == 1
    assert server.sources(INDEX).keys() == {"file:now"}
    lifted_after(SinkRig(kafka, server, client), server, 10)
    assert "deleted_at" in server.sources(OLD)["bluesky:old"]


def test_a_closed_month_makes_a_delete_a_letter_that_a_replay_carries_out(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    send(kafka, [old("bluesky:old")])
    SinkRig(kafka, server, client).run_until_committed()
    server.blocked = {OLD: CLOSED}
    send(kafka, [delete("bluesky:old", 2)])
    rig = SinkRig(kafka, server, client, blocked_wait_s=5)
    rig.run_until_committed()
    (letter,) = rig.letters()
    assert letter.reason == "index_blocked"
    assert OLD in letter.detail
    server.blocked = {}
    rig.replay()
    SinkRig(kafka, server, client).run_until_committed()
    assert "deleted_at" in server.sources(OLD)["bluesky:old"]


def test_a_delete_of_another_month_does_not_wait_for_a_closed_one(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.blocked = {OLD: CLOSED}
    send(kafka, [delete("bluesky:new", 2, created_at=AT)])
    rig = SinkRig(kafka, server, client)
    rig.run_until_committed()
    assert rig.now < 60
    assert rig.letters() == []


def test_an_erasure_is_not_done_while_a_month_is_closed(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    send(kafka, [old("file:old", author="17")])
    SinkRig(kafka, server, client).run_until_committed()
    server.blocked = {OLD: CLOSED}
    send(kafka, [erase("17")])
    SinkRig(kafka, server, client).run_until_committed()
    with pytest.raises(ErasureIncomplete, match=OLD):
        finish(client, NAMES, AT)
    server.blocked = {}
    assert finish(client, NAMES, AT) == 1
    assert "deleted_at" in server.sources(OLD)["file:old"]


def test_a_search_that_is_refused_costs_the_waiting_post_only(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.blocked = {OLD: BLOCK}
    send(kafka, [old("file:old")])
    rig = SinkRig(kafka, server, client, blocked_wait_s=20)

    def done() -> bool:
        if rig.polls == 5:
            server.refused_searches = {"file:old"}
            send(kafka, [upsert(f"file:now-{number}") for number in range(5)])
        return rig.all_committed()

    rig.run(done)
    assert [letter.reason for letter in rig.letters()] == ["index_blocked"]
    assert len(server.sources(INDEX)) == 5


def test_an_erasure_by_others_covers_what_waits_for_the_current_month(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.blocked = {INDEX: BLOCK}
    send(
        kafka,
        [upsert("file:a", author="17"), old("file:b", author="18"), upsert("file:c", author="18")],
    )
    rig = SinkRig(kafka, server, client)
    to_erase = [Erasure("file", "17", 9)]

    def done() -> bool:
        if to_erase and rig.now > KNOWN_S / 2:
            remember(client, NAMES, to_erase.pop(), AT)
        if rig.now > 2 * KNOWN_S:
            server.blocked = {}
        return rig.all_committed()

    rig.run(done)
    assert server.sources(INDEX).keys() == {"file:c"}
    assert server.sources(OLD).keys() == {"file:b"}


def test_a_batch_that_raises_parks_nothing_twice(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    def on_written(event: MentionEvent) -> None:
        assert event.id != "file:c", "a fault of ours"

    server.blocked = {OLD: BLOCK}
    send(kafka, [old("file:a"), upsert("file:b"), upsert("file:c")])
    rig = SinkRig(kafka, server, client, on_written=on_written)
    rig.run(lambda: len(rig.letters()) == 1 and rig.polls > 20)
    assert metric("parked_messages", index=OLD) == 1
    lifted_after(SinkRig(kafka, server, client), server, 10)
    assert server.sources(OLD).keys() == {"file:a"}

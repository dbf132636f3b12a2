"""The sink's loop: one blocked index holds back its own messages only, and nothing is lost."""

from datetime import UTC, datetime

import msgspec
import pytest
from elasticsearch import Elasticsearch as Client

from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError
from schemas.mention import MentionEvent
from sinks.elasticsearch.erasure import ErasureIncomplete, finish
from sinks.elasticsearch.indices.mappings import templates
from tests.make import AT
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.servers.elasticsearch import Failure
from tests.sinks.elasticsearch.events import INDEX, NAMES, delete, erase, upsert
from tests.sinks.elasticsearch.sink_rig import ONE, TOPIC, ZERO, SinkRig, metric, send

OCTOBER = datetime(2025, 10, 5, tzinfo=UTC)
OLD = "tocsin-mentions-2025.10"
BLOCK = (
    403,
    "cluster_block_exception",
    f"index [{OLD}] blocked by: [FORBIDDEN/8/index write (api)]",
)
KINDS = [
    BLOCK,
    (429, "cluster_block_exception", f"index [{OLD}] blocked by: [TOO_MANY_REQUESTS/12/disk]"),
    (503, "unavailable_shards_exception", "primary shard is not active"),
    (400, "index_closed_exception", "closed"),
    (404, "index_not_found_exception", "no such index"),
    (403, "security_exception", "action is unauthorized"),
]


def old(id_: str, version: int = 1, **fields: object) -> MentionEvent:
    return upsert(id_, version, created_at=OCTOBER, **fields)


def now(count: int, first: int = 0) -> list[MentionEvent]:
    return [upsert(f"file:now-{number}") for number in range(first, first + count)]


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


@pytest.mark.parametrize("block", KINDS)
def test_a_blocked_month_does_not_hold_back_the_others(
    kafka: FakeKafka, server: Server, client: Client, block: tuple[int, str, str]
) -> None:
    server.blocked = {OLD: block}
    send(kafka, [*now(3), old("file:old"), *now(30, 3)])
    rig = SinkRig(kafka, server, client, batch_size=5)
    rig.run(lambda: len(server.sources(INDEX)) == 33 and rig.committed() == 3)
    assert server.sources(OLD) == {}
    assert rig.letters() == []
    assert metric("parked_messages", index=OLD) == 1
    assert metric("blocked_indices") == 1
    assert metric("lag_messages", partition="0") == 31, "what is not committed is lag"
    ready, text = rig.health.ready()
    assert ready
    assert f"{OLD}: {block[0]} {block[1]}" in text
    # A restart reads the message again, and writes it once the block is lifted.
    server.blocked = {}
    again = SinkRig(kafka, server, client)
    again.run_until_committed()
    assert server.sources(OLD).keys() == {"file:old"}
    assert len(server.sources(INDEX)) == 33


def test_a_block_that_is_lifted_in_time_costs_nothing(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.blocked = {OLD: BLOCK}
    send(kafka, [old("file:a", 1), *now(3), old("file:a", 2), old("file:b", 1), old("file:a", 1)])
    rig = SinkRig(kafka, server, client)

    def done() -> bool:
        if rig.now > 60:
            server.blocked = {}
        return rig.all_committed()

    rig.run(done)
    assert rig.now > 60
    assert rig.letters() == []
    assert {id_: document["version"] for id_, document in server.sources(OLD).items()} == {
        "file:a": 2,
        "file:b": 1,
    }
    assert metric("parked_messages", index=OLD) is None
    assert metric("blocked_indices") == 0


@pytest.mark.parametrize("block", KINDS)
def test_after_its_time_a_blocked_month_becomes_letters_that_can_be_replayed(
    kafka: FakeKafka, server: Server, client: Client, block: tuple[int, str, str]
) -> None:
    server.blocked = {OLD: block}
    posts = [old(f"file:old-{number}") for number in range(50)]
    removal = delete("file:old-0", 2, created_at=OCTOBER)
    send(kafka, [*posts, removal, *now(2)])
    rig = SinkRig(kafka, server, client, dead_letter_run=3, dead_letter_window=10)
    rig.run_until_committed()
    assert rig.now > 300
    letters = rig.letters()
    assert len(letters) == 50, "the delete covers the post that it is of"
    assert {(letter.service, letter.reason) for letter in letters} == {
        ("sink-elasticsearch", "index_blocked")
    }
    assert all(OLD in letter.detail for letter in letters)
    assert all("dead-letters replay" in letter.detail for letter in letters)
    assert len(server.sources(INDEX)) == 2
    # Each later message is tried before it is given up.
    server.blocked = {}
    rig.replay()
    again = SinkRig(kafka, server, client)
    again.run_until_committed()
    documents = server.sources(OLD)
    assert len(documents) == 49
    assert "file:old-0" not in documents
    assert any("deleted_at" in kept for kept in server.sources(NAMES.removals).values())


@pytest.mark.parametrize("wait_s", [1, 900])
def test_the_sink_waits_if_the_current_month_is_blocked(
    kafka: FakeKafka, server: Server, client: Client, wait_s: float
) -> None:
    server.blocked = {INDEX: (429, "cluster_block_exception", "disk usage exceeded flood-stage")}
    send(kafka, [*now(3), old("file:old")])
    rig = SinkRig(kafka, server, client, blocked_wait_s=wait_s)
    seen: list[float | None] = []
    ready: list[bool] = []

    def done() -> bool:
        if rig.polls > 20:
            server.blocked = {}
        else:
            seen.append(metric("lag_messages", partition="0"))
            ready.append(rig.health.ready()[0])
        return rig.all_committed()

    rig.run(done)
    assert rig.letters() == []
    assert seen[-1] == 4, "what waits is lag"
    assert not ready[-1], "it is told, as nothing goes on"
    assert len(server.sources(INDEX)) == 3
    assert len(server.sources(OLD)) == 1


def test_nothing_is_given_up_while_the_current_month_is_blocked_too(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    flood = (429, "cluster_block_exception", "disk usage exceeded flood-stage watermark")
    server.blocked = {INDEX: flood, OLD: flood}
    send(kafka, [old("file:old")])
    rig = SinkRig(kafka, server, client, blocked_wait_s=5)

    def done() -> bool:
        if rig.polls == 100:
            assert rig.letters() == []
            assert not rig.health.ready()[0]
            server.blocked = {}
        return rig.all_committed()

    rig.run(done)
    assert len(server.sources(OLD)) == 1


def test_a_partition_that_is_taken_away_and_comes_back_while_messages_are_parked(
    server: Server, client: Client
) -> None:
    kafka = FakeKafka(partitions=2)
    server.blocked = {OLD: BLOCK}
    send(kafka, [*now(2), old("file:zero"), *now(2, 2)], 0)
    send(kafka, [old("file:one"), *now(4, 4)], 1)
    rig = SinkRig(kafka, server, client, batch_size=3)
    moves = {10: "away", 20: "back", 30: "flap"}

    def done() -> bool:
        move = moves.pop(rig.polls, None)
        if move == "away":
            rig.consumer.lose(ONE)
        if move == "back":
            rig.consumer.receive(ONE)
        if move == "flap":
            rig.consumer.lose(ZERO)
            rig.consumer.receive(ZERO)
        if rig.polls == 60:
            assert (rig.committed(ZERO), rig.committed(ONE)) == (2, None)
            server.blocked = {}
        return rig.all_committed()

    rig.run(done)
    assert moves == {}
    assert rig.letters() == []
    assert server.sources(OLD).keys() == {"file:zero", "file:one"}
    assert len(server.sources(INDEX)) == 8


def test_what_moved_while_it_was_parked_gets_its_letter_from_the_new_owner_only(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.blocked = {OLD: BLOCK}
    send(kafka, [old("file:old")])
    rig = SinkRig(kafka, server, client, blocked_wait_s=5)

    def done() -> bool:
        if rig.polls == 5:
            rig.consumer.lose(ZERO)
        return rig.polls > 100

    rig.run(done)
    assert rig.letters() == []
    other = SinkRig(kafka, server, client, blocked_wait_s=5)
    other.run_until_committed()
    assert [letter.reason for letter in other.letters()] == ["index_blocked"]


def test_an_erasure_that_a_blocked_month_stops_is_told_and_recorded(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    send(kafka, [old("file:old", author="17"), upsert("file:new", author="17")])
    SinkRig(kafka, server, client).run_until_committed()
    server.blocked = {OLD: BLOCK}
    send(kafka, [erase("17"), *now(1)])
    rig = SinkRig(kafka, server, client)
    rig.run_until_committed()
    assert rig.now < 300, "nothing waits for it"
    assert "deleted_at" in server.sources(INDEX)["file:new"]
    assert "deleted_at" not in server.sources(OLD)["file:old"]
    (record,) = server.sources("tocsin-erasures").values()
    assert "done_at" not in record, "the housekeeping finds it"
    with pytest.raises(ErasureIncomplete, match=OLD):
        finish(client, NAMES, AT)
    server.blocked = {}
    assert finish(client, NAMES, AT) == 1
    assert "deleted_at" in server.sources(OLD)["file:old"]
    (record,) = server.sources("tocsin-erasures").values()
    assert "done_at" in record


def test_a_document_that_fails_for_ever_is_a_letter(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.broken = {"file:now-3"}
    send(kafka, now(6))
    rig = SinkRig(kafka, server, client)
    rig.run_until_committed()
    assert len(server.sources(INDEX)) == 5
    (letter,) = rig.letters()
    assert letter.reason == "index_rejected"
    assert "500 null_pointer_exception" in letter.detail


def test_one_record_that_makes_the_code_raise_is_a_letter(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    def fails(event: MentionEvent) -> None:
        if event.id == "file:now-5":
            raise RecursionError

    send(kafka, [*now(5), *now(1, 5)])
    rig = SinkRig(kafka, server, client, on_written=fails)
    rig.run_until_committed()
    assert len(server.sources(INDEX)) == 6
    (letter,) = rig.letters()
    assert (letter.offset, letter.reason) == (5, "index_rejected")
    assert "RecursionError" in letter.detail


def test_a_refusal_of_a_whole_search_costs_the_one_record(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.refused_searches = {"file:bad"}
    send(kafka, [*now(3), delete("file:bad"), delete("file:now-1"), *now(2, 3)])
    rig = SinkRig(kafka, server, client)
    rig.run_until_committed()
    (letter,) = rig.letters()
    assert (letter.offset, letter.reason) == (3, "index_rejected")
    assert "deleted_at" in server.sources(INDEX)["file:now-1"]


def test_one_request_is_bounded_by_the_bytes_of_documents(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    texts = "Velmora is slow today. " * 200
    send(kafka, [upsert(f"file:{number}", text=texts) for number in range(200)])
    rig = SinkRig(kafka, server, client, batch_bytes=2**16)
    rig.run_until_committed()
    assert len(server.sources(INDEX)) == 200
    assert max(server.sizes) <= 2**16
    assert len(server.sizes) < 100


def test_a_request_that_was_too_large_lowers_the_limit_for_the_process(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.max_bytes = 2**16
    text = "Velmora is slow today. " * 100
    send(kafka, [upsert(f"file:{number}", text=text) for number in range(300)])
    rig = SinkRig(kafka, server, client, batch_size=30)
    rig.run_until_committed()
    assert len(server.sources(INDEX)) == 300
    assert 0 < server.too_large < 4, "not halved anew for each batch"


def test_a_template_that_wins_over_ours_stops_the_sink_before_the_first_write(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    send(kafka, now(1))
    server.templates = {
        **templates(ElasticsearchSettings()),
        "ops-defaults": {"index_patterns": ["*"], "priority": 1000, "template": {}},
    }
    rig = SinkRig(kafka, server, client)
    with pytest.raises(ConfigurationError, match="ops-defaults wins over ours"):
        rig.run_until_committed()
    assert server.bulks == []
    assert rig.committed() is None


def test_a_template_that_comes_later_is_seen_with_the_next_new_index(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    send(kafka, now(1))
    rig = SinkRig(kafka, server, client, batch_size=1)

    def done() -> bool:
        if rig.committed() == 1 and "ops-defaults" not in server.templates:
            low = {"index_patterns": ["tocsin-*"], "priority": 501, "template": {}}
            server.templates = {**server.templates, "ops-defaults": low}
            send(kafka, [*now(1), old("file:old")])
        return False

    with pytest.raises(ConfigurationError, match="ops-defaults"):
        rig.run(done)
    assert rig.committed() == 2
    assert server.sources(OLD) == {}


def test_a_busy_cluster_is_waited_for_with_the_partitions_paused(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    server.faults = [Failure(429), Failure(503), Failure(403)]
    send(kafka, now(3))
    rig = SinkRig(kafka, server, client)
    paused: list[bool] = []

    def done() -> bool:
        paused.append(bool(rig.consumer.paused()))
        return rig.all_committed()

    rig.run(done)
    assert len(server.answered_faults) == 3
    assert any(paused)
    assert len(server.sources(INDEX)) == 3
    assert rig.letters() == []


def test_an_event_at_the_end_of_the_calendar_stops_nothing(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    send(kafka, [*now(1), upsert("file:last", created_at=last), *now(1, 1), b"\xff", b"[" * 9_999])
    rig = SinkRig(kafka, server, client)
    rig.run_until_committed()
    assert len(server.sources(INDEX)) == 2
    assert last > AT
    assert kafka.end(ZERO) == 5
    assert TOPIC in kafka.log


def test_the_bytes_of_what_is_written_are_counted_and_those_of_what_waits_are_not(
    kafka: FakeKafka, server: Server, client: Client
) -> None:
    before = metric("written_bytes_total") or 0
    server.blocked = {OLD: BLOCK}
    send(kafka, [*now(3), old("file:old")])
    rig = SinkRig(kafka, server, client)
    rig.run(lambda: len(server.sources(INDEX)) == 3 and metric("parked_messages", index=OLD) == 1)
    documents = server.sources(INDEX).values()
    counted = (metric("written_bytes_total") or 0) - before
    assert counted == sum(len(msgspec.json.encode(document)) for document in documents)

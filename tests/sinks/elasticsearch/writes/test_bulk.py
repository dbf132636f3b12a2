"""Bulk writes against a server that misbehaves: every operation ends in exactly one list."""

import random
from collections.abc import Sequence

import pytest
from elasticsearch import Elasticsearch as Client
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.settings import ElasticsearchSettings
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import Operation
from sinks.elasticsearch.writes.bulk import Outcome, triage, write
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.servers.elasticsearch import Failure, Items, Reset, Stall
from tests.sinks.elasticsearch.events import INDEX, operation

TEN = [operation(f"file:{number}") for number in range(10)]
BUSY = (429, "es_rejected_execution_exception")
BAD = (400, "document_parsing_exception")


def ids(operations: Sequence[Operation]) -> list[str]:
    return [operation.id for operation in operations]


def all_of(outcome: Outcome) -> list[Operation]:
    kept = [*outcome.written, *outcome.superseded, *rejected(outcome), *outcome.retry]
    return [*kept, *blocked(outcome)]


def blocked(outcome: Outcome) -> list[Operation]:
    return [operation for operation, _ in outcome.blocked]


def rejected(outcome: Outcome) -> list[Operation]:
    return [operation for operation, _ in outcome.rejected]


def assert_all_is_retried(outcome: Outcome, cause: str) -> None:
    assert outcome.retry == all_of(outcome) == TEN
    assert outcome.cause == cause
    assert outcome.why


def test_nothing_is_written_without_a_request(client: Client, server: Server) -> None:
    assert write(client, []) == Outcome()
    assert server.bulks == []


def test_documents_are_written_in_order(client: Client, server: Server) -> None:
    assert write(client, TEN) == Outcome(written=TEN)
    (actions,) = server.bulks
    assert [action["_id"] for action in actions] == ids(TEN)
    assert all(action["version_type"] == "external_gte" for action in actions)
    assert server.sources(INDEX).keys() == set(ids(TEN))


def test_writing_again_changes_nothing(client: Client, server: Server) -> None:
    write(client, TEN)
    before = server.sources(INDEX)
    assert write(client, TEN).written == TEN
    assert server.sources(INDEX) == before


def test_an_older_state_is_superseded(client: Client, server: Server) -> None:
    newer, older = operation("file:1", 5), operation("file:1", 4)
    assert write(client, [newer, older]) == Outcome(written=[newer], superseded=[older])


@pytest.mark.parametrize(
    ("status", "kind", "ends_in"),
    [
        (409, "version_conflict_engine_exception", "superseded"),
        (409, "another_conflict", "rejected"),
        (*BAD, "rejected"),
        (413, "too_large", "rejected"),
        (*BUSY, "retry"),
        (500, "internal", "retry"),
        (503, "unavailable_shards_exception", "blocked"),
        (403, "cluster_block_exception", "blocked"),
        (429, "cluster_block_exception", "blocked"),
        (404, "index_not_found_exception", "blocked"),
        (400, "index_closed_exception", "blocked"),
    ],
)
def test_an_item_is_triaged_by_its_answer(
    client: Client, server: Server, status: int, kind: str, ends_in: str
) -> None:
    server.faults = [Items({"file:3": (status, kind)})]
    outcome = write(client, TEN)
    assert outcome.written == [*TEN[:3], *TEN[4:]]
    assert all_of(outcome) == [*outcome.written, TEN[3]]
    assert len(getattr(outcome, ends_in)) == 1
    if ends_in == "retry":
        assert f"{INDEX}: {status} {kind}" in outcome.why
        assert outcome.cause == f"status_{status}"
    else:
        assert (outcome.why, outcome.cause) == ("", "")
    if ends_in == "blocked":
        assert f"{INDEX}: {status} {kind}" in outcome.blocked[0][1]


def test_a_rejected_document_says_why(client: Client, server: Server) -> None:
    server.faults = [Items({"file:3": BAD})]
    ((_, why),) = write(client, TEN).rejected
    assert why == "400 document_parsing_exception: scripted 400 (the cause)"


SHARD_LIMIT = (
    "Validation Failed: 1: this action would add [2] shards, but this cluster currently has "
    "[1000]/[1000] maximum normal shards open; for more information, see https://elastic.example;"
)


@pytest.mark.parametrize("kind", ["validation_exception", "illegal_argument_exception"])
def test_an_index_that_cannot_be_made_is_blocked_and_says_why(
    client: Client, server: Server, kind: str
) -> None:
    server.faults = [Items({"file:3": (400, kind, SHARD_LIMIT)})]
    outcome = write(client, TEN)
    ((operation, why),) = outcome.blocked
    assert (operation, outcome.retry, outcome.rejected) == (TEN[3], [], [])
    assert "maximum normal shards open" in why


def test_a_post_that_quotes_the_shard_limit_is_still_rejected(
    client: Client, server: Server
) -> None:
    quoted = f"failed to parse field [created_at]. Preview of field's value: '{SHARD_LIMIT}'"
    server.faults = [Items({"file:3": (400, "document_parsing_exception", quoted)})]
    assert ids(rejected(write(client, TEN))) == ["file:3"]


def test_answers_of_all_kinds_at_once(client: Client, server: Server) -> None:
    block = (403, "cluster_block_exception")
    faults = {"file:7": BUSY, "file:2": BAD, "file:4": block, "file:1": BUSY, "file:9": BAD}
    server.faults = [Items(faults)]
    outcome = write(client, TEN)
    assert ids(outcome.written) == ["file:0", "file:3", "file:5", "file:6", "file:8"]
    assert ids(rejected(outcome)) == ["file:2", "file:9"]
    assert ids(outcome.retry) == ["file:1", "file:7"]
    assert ids(blocked(outcome)) == ["file:4"]
    assert len(write(client, [*outcome.retry, *blocked(outcome)]).written) == 3
    assert len(server.sources(INDEX)) == 8


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 504])
def test_a_request_that_is_refused_as_a_whole_is_tried_again_as_a_whole(
    client: Client, server: Server, status: int
) -> None:
    server.faults = [Failure(status)]
    outcome = write(client, TEN)
    assert_all_is_retried(outcome, f"status_{status}")
    assert str(status) in outcome.why
    assert write(client, outcome.retry) == Outcome(written=TEN)


def test_a_connection_that_is_reset_is_tried_again(client: Client, server: Server) -> None:
    server.faults = [Reset()]
    assert_all_is_retried(write(client, TEN), "connection")
    assert write(client, TEN).written == TEN


def test_a_server_that_is_silent_is_tried_again(server: Server) -> None:
    server.faults = [Stall()]
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=0.3)) as client:
        assert_all_is_retried(write(client, TEN), "connection")


def test_a_server_that_is_gone_is_tried_again() -> None:
    with Server() as server:
        url = server.url
    with connect(ElasticsearchSettings(url=url)) as client:
        assert_all_is_retried(write(client, TEN), "connection")


def test_the_client_repeats_nothing_by_itself(client: Client, server: Server) -> None:
    server.faults = [Failure(503), Failure(503)]
    write(client, TEN)
    assert len(server.faults) == 1


def test_a_request_that_is_too_large_is_halved(client: Client, server: Server) -> None:
    large = [operation(f"file:{number}", size=1_000) for number in range(9)]
    server.max_bytes = 3_000
    assert write(client, large) == Outcome(written=large)
    assert [action["_id"] for actions in server.bulks for action in actions] == ids(large)
    assert len(server.bulks) > 3


def test_only_the_document_that_is_too_large_is_rejected(client: Client, server: Server) -> None:
    batch = [*TEN[:4], operation("file:huge", size=50_000), *TEN[4:]]
    server.max_bytes = 10_000
    outcome = write(client, batch)
    assert outcome.written == TEN
    ((refused, why),) = outcome.rejected
    assert refused.id == "file:huge"
    assert "413" in why


def test_only_the_document_that_fails_the_request_is_rejected(
    client: Client, server: Server
) -> None:
    batch = [*TEN[:7], operation("file:" + "🍊" * 200), *TEN[7:]]
    outcome = write(client, batch)
    assert outcome.written == TEN
    assert ids(rejected(outcome)) == [batch[7].id]


def test_a_busy_server_stops_the_halving_in_order(client: Client, server: Server) -> None:
    server.faults = [Failure(413), Failure(413), Failure(429)]
    assert_all_is_retried(write(client, TEN), "status_429")
    assert server.bulks == []


def test_the_second_half_waits_for_the_first(client: Client, server: Server) -> None:
    server.faults = [Failure(413), Items({"file:2": BUSY})]
    outcome = write(client, TEN)
    assert ids(outcome.written) == ["file:0", "file:1", "file:3", "file:4"]
    assert ids(outcome.retry) == ["file:2", *ids(TEN[5:])]


ITEM_FAULTS = st.sampled_from(
    [
        (200, ""),
        (201, ""),
        (409, "version_conflict_engine_exception"),
        (409, "other"),
        *((status, "kind") for status in (400, 403, 404, 413, 429, 500, 502, 503)),
    ]
)


@given(st.lists(ITEM_FAULTS, max_size=20))
def test_every_item_ends_in_exactly_one_list(answers: list[tuple[int, str]]) -> None:
    operations = [operation(f"file:{number}") for number in range(len(answers))]
    items = [
        {"index": {"status": status, **({"error": {"type": kind}} if kind else {})}}
        for status, kind in answers
    ]
    outcome = triage(operations, items)
    assert sorted(ids(all_of(outcome))) == sorted(ids(operations))
    for items in (outcome.written, outcome.superseded, outcome.retry, rejected(outcome)):
        assert items == [operation for operation in operations if operation in items]


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_whatever_goes_wrong_retrying_writes_everything_once(rng: random.Random) -> None:
    with Server(max_bytes=2_000) as server:
        for _ in range(rng.randrange(8)):
            items = Items({f"file:{rng.randrange(10)}": BUSY for _ in range(3)})
            faults = [Failure(503), Failure(429), Failure(413), Reset(), items]
            server.faults.append(rng.choice(faults))
        # With one document alone, 413 is the document's own fault: keep two states of each.
        wanted = [operation(state.id, version) for version in (1, 2) for state in TEN]
        pending, lost = list(wanted), set[str]()
        with connect(ElasticsearchSettings(url=server.url)) as client:
            while pending:
                outcome = write(client, pending)
                assert sorted(map(id, all_of(outcome))) == sorted(map(id, pending))
                assert outcome.retry == [state for state in pending if state in outcome.retry]
                lost.update(ids(rejected(outcome)))
                pending = outcome.retry
        versions = {id_: document.version for (_, id_), document in server.documents.items()}
        assert versions.keys() | lost == set(ids(TEN))
        assert all(versions[id_] == 2 for id_ in versions.keys() - lost)

"""Bulk writes against a server that misbehaves: every operation ends in exactly one list."""

import random
from collections.abc import Sequence

import pytest
from elasticsearch import Elasticsearch
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.settings import ElasticsearchSettings
from sinks.elasticsearch.bulk import Outcome, triage, write
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import Operation
from tests.servers.elasticsearch import ElasticsearchServer, Failure, Items, Reset, Stall
from tests.sinks.elasticsearch.events import INDEX, operation

TEN = [operation(f"file:{number}") for number in range(10)]


def ids(operations: Sequence[Operation]) -> list[str]:
    return [found.id for found in operations]


def all_of(outcome: Outcome) -> list[Operation]:
    rejected = [found for found, _ in outcome.rejected]
    return [*outcome.written, *outcome.superseded, *rejected, *outcome.retry]


def test_nothing_is_written_without_a_request(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    assert write(client, []) == Outcome()
    assert server.bulks == []


def test_documents_are_written_in_order(client: Elasticsearch, server: ElasticsearchServer) -> None:
    assert write(client, TEN) == Outcome(written=TEN)
    (actions,) = server.bulks
    assert [action["_id"] for action in actions] == ids(TEN)
    assert all(action["version_type"] == "external_gte" for action in actions)
    assert server.sources(INDEX).keys() == set(ids(TEN))


def test_writing_again_changes_nothing(client: Elasticsearch, server: ElasticsearchServer) -> None:
    write(client, TEN)
    before = server.sources(INDEX)
    assert write(client, TEN).written == TEN
    assert server.sources(INDEX) == before


def test_an_older_state_is_superseded(client: Elasticsearch, server: ElasticsearchServer) -> None:
    newer, older = operation("file:1", 5), operation("file:1", 4)
    assert write(client, [newer, older]) == Outcome(written=[newer], superseded=[older])


@pytest.mark.parametrize(
    ("status", "kind", "ends_in"),
    [
        (409, "version_conflict_engine_exception", "superseded"),
        (409, "another_conflict", "rejected"),
        (400, "document_parsing_exception", "rejected"),
        (413, "too_large", "rejected"),
        (429, "es_rejected_execution_exception", "retry"),
        (500, "internal", "retry"),
        (503, "unavailable_shards_exception", "retry"),
        (403, "cluster_block_exception", "retry"),
        (404, "index_not_found_exception", "retry"),
    ],
)
def test_an_item_is_triaged_by_its_answer(
    client: Elasticsearch, server: ElasticsearchServer, status: int, kind: str, ends_in: str
) -> None:
    server.faults = [Items({"file:3": (status, kind)})]
    outcome = write(client, TEN)
    assert outcome.written == [found for found in TEN if found.id != "file:3"]
    found = [entry[0] if isinstance(entry, tuple) else entry for entry in getattr(outcome, ends_in)]
    assert found == [TEN[3]]
    assert len(all_of(outcome)) == 10
    if ends_in == "retry":
        assert f"{INDEX}: {status} {kind}" in outcome.why
        assert outcome.cause == f"status_{status}"
    else:
        assert (outcome.why, outcome.cause) == ("", "")


def test_a_rejected_document_says_why(client: Elasticsearch, server: ElasticsearchServer) -> None:
    server.faults = [Items({"file:3": (400, "document_parsing_exception")})]
    ((_, why),) = write(client, TEN).rejected
    assert why == "400 document_parsing_exception: scripted 400 (the cause)"


SHARD_LIMIT = (
    "Validation Failed: 1: this action would add [2] shards, but this cluster currently has "
    "[1000]/[1000] maximum normal shards open; for more information, see https://elastic.example;"
)


@pytest.mark.parametrize("kind", ["validation_exception", "illegal_argument_exception"])
def test_an_index_that_cannot_be_made_is_tried_again_and_said(
    client: Elasticsearch, server: ElasticsearchServer, kind: str
) -> None:
    server.faults = [Items({"file:3": (400, kind, SHARD_LIMIT)})]
    outcome = write(client, TEN)
    assert (outcome.retry, outcome.rejected) == ([TEN[3]], [])
    assert "maximum normal shards open" in outcome.why
    assert write(client, outcome.retry) == Outcome(written=[TEN[3]])


def test_a_post_that_quotes_the_shard_limit_is_still_rejected(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    quoted = f"failed to parse field [created_at]. Preview of field's value: '{SHARD_LIMIT}'"
    server.faults = [Items({"file:3": (400, "document_parsing_exception", quoted)})]
    assert ids([found for found, _ in write(client, TEN).rejected]) == ["file:3"]


def test_answers_of_all_kinds_at_once(client: Elasticsearch, server: ElasticsearchServer) -> None:
    busy, bad = (429, "es_rejected_execution_exception"), (400, "document_parsing_exception")
    blocked = (403, "cluster_block_exception")
    server.faults = [
        Items({"file:7": busy, "file:2": bad, "file:4": blocked, "file:1": busy, "file:9": bad})
    ]
    outcome = write(client, TEN)
    assert ids(outcome.written) == ["file:0", "file:3", "file:5", "file:6", "file:8"]
    assert ids([found for found, _ in outcome.rejected]) == ["file:2", "file:9"]
    assert ids(outcome.retry) == ["file:1", "file:4", "file:7"]
    # What is tried again succeeds, and all is there.
    assert write(client, outcome.retry).written == outcome.retry
    assert len(server.sources(INDEX)) == 8


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 504])
def test_a_request_that_is_refused_as_a_whole_is_tried_again_as_a_whole(
    client: Elasticsearch, server: ElasticsearchServer, status: int
) -> None:
    server.faults = [Failure(status)]
    outcome = write(client, TEN)
    assert outcome.retry == all_of(outcome) == TEN
    assert outcome.cause == f"status_{status}"
    assert str(status) in outcome.why
    assert write(client, outcome.retry) == Outcome(written=TEN)


def test_a_connection_that_is_reset_is_tried_again(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    server.faults = [Reset()]
    outcome = write(client, TEN)
    assert outcome.retry == all_of(outcome) == TEN
    assert outcome.cause == "connection"
    assert outcome.why
    assert write(client, TEN).written == TEN


def test_a_server_that_is_silent_is_tried_again(server: ElasticsearchServer) -> None:
    server.faults = [Stall()]
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=0.3)) as client:
        outcome = write(client, TEN)
    assert outcome.retry == all_of(outcome) == TEN
    assert outcome.cause == "connection"


def test_a_server_that_is_gone_is_tried_again() -> None:
    with ElasticsearchServer() as server:
        url = server.url
    with connect(ElasticsearchSettings(url=url)) as client:
        outcome = write(client, TEN)
    assert outcome.retry == all_of(outcome) == TEN
    assert outcome.cause == "connection"


def test_the_client_repeats_nothing_by_itself(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    server.faults = [Failure(503), Failure(503)]
    write(client, TEN)
    assert len(server.faults) == 1


def test_a_request_that_is_too_large_is_halved(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    large = [operation(f"file:{number}", size=1_000) for number in range(9)]
    server.max_bytes = 3_000
    assert write(client, large) == Outcome(written=large)
    assert [action["_id"] for actions in server.bulks for action in actions] == ids(large)
    assert len(server.bulks) > 3


def test_only_the_document_that_is_too_large_is_rejected(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    batch = [*TEN[:4], operation("file:huge", size=50_000), *TEN[4:]]
    server.max_bytes = 10_000
    outcome = write(client, batch)
    assert outcome.written == TEN
    ((found, why),) = outcome.rejected
    assert found.id == "file:huge"
    assert "413" in why


def test_only_the_document_that_fails_the_request_is_rejected(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    batch = [*TEN[:7], operation("file:" + "🍊" * 200), *TEN[7:]]
    outcome = write(client, batch)
    assert outcome.written == TEN
    assert ids([found for found, _ in outcome.rejected]) == [batch[7].id]


def test_a_busy_server_stops_the_halving_in_order(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    server.faults = [Failure(413), Failure(413), Failure(429)]
    outcome = write(client, TEN)
    assert outcome.retry == all_of(outcome) == TEN
    assert server.bulks == []


def test_the_second_half_waits_for_the_first(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    busy = (429, "es_rejected_execution_exception")
    server.faults = [Failure(413), Items({"file:2": busy})]
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
    found = all_of(outcome)
    assert sorted(ids(found)) == sorted(ids(operations))
    lists = (outcome.written, outcome.superseded, outcome.retry, [op for op, _ in outcome.rejected])
    for part in lists:
        assert part == [found for found in operations if found in part]


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_whatever_goes_wrong_retrying_writes_everything_once(rng: random.Random) -> None:
    busy = (429, "es_rejected_execution_exception")
    with ElasticsearchServer(max_bytes=2_000) as server:
        for _ in range(rng.randrange(8)):
            some = {f"file:{rng.randrange(10)}": busy for _ in range(3)}
            server.faults.append(
                rng.choice([Failure(503), Failure(429), Failure(413), Reset(), Items(some)])
            )
        # With one document alone, 413 is the document's own fault: keep two states of each.
        wanted = [operation(found.id, version) for version in (1, 2) for found in TEN]
        pending, rejected = list(wanted), []
        with connect(ElasticsearchSettings(url=server.url)) as client:
            while pending:
                outcome = write(client, pending)
                assert sorted(map(id, all_of(outcome))) == sorted(map(id, pending))
                assert outcome.retry == [found for found in pending if found in outcome.retry]
                rejected += [found for found, _ in outcome.rejected]
                pending = outcome.retry
        written = {id_ for _, id_ in server.documents}
        assert written | {found.id for found in rejected} == set(ids(TEN))
        kept = {id_: found.version for (_, id_), found in server.documents.items()}
        lost = {found.id for found in rejected}
        assert all(kept[id_] == 2 for id_ in kept if id_ not in lost)

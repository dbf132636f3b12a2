"""A delete reaches its post in whichever index it is, and asks for it in few searches."""

from datetime import UTC, datetime
from functools import partial

import msgspec
from elasticsearch import Elasticsearch

from sinks.elasticsearch.bulk import write
from sinks.elasticsearch.plan import locate, located, plan, refresh
from tests.servers.elasticsearch import Document, ElasticsearchServer
from tests.sinks.elasticsearch.events import NAMES, SNOWFLAKE, delete, operation, record, upsert

FEBRUARY = "bluesky:did:plc:a/3mdykyfq22222"
"""A record key that says February 2026; a client may choose it in January."""


def test_a_delete_reaches_a_post_whose_id_was_not_believed_when_it_came(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    events = [
        upsert(FEBRUARY, 1),
        # Believed by now.
        msgspec.structs.replace(delete(FEBRUARY, 2), ingested_at=datetime(2026, 2, 10, tzinfo=UTC)),
    ]
    for event in events:
        (step,) = plan([record(event)], NAMES).steps
        write(client, step.operations)
        refresh(client, NAMES)
        write(client, located(step, partial(locate, client, NAMES)))
    assert {key: found.source.keys() for key, found in server.documents.items()} == {
        ("tocsin-mentions-2026.01", FEBRUARY): {"id", "source", "version", "deleted_at"},
        ("tocsin-mentions-2026.02", FEBRUARY): {"id", "source", "version", "deleted_at"},
    }


def test_deletes_of_x_are_not_searched_for(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    (step,) = plan([record(delete(SNOWFLAKE))], NAMES).steps
    assert located(step, partial(locate, client, NAMES)) == []
    assert server.searches == server.refreshes == 0


def test_a_post_is_found_in_each_of_its_indices(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    places = ["tocsin-mentions-2025.12", "tocsin-mentions-2026.01", "tocsin-mentions-before-2015"]
    write(client, [operation("file:1", index=index) for index in places])
    write(client, [operation("file:2")])
    assert locate(client, NAMES, ["file:1"]) == {}, "not yet searchable"
    refresh(client, NAMES)
    found = locate(client, NAMES, ["file:1", "file:2", "file:3"])
    assert {id_: sorted(indices) for id_, indices in found.items()} == {
        "file:1": places,
        "file:2": [places[1]],
    }
    assert (server.searches, server.refreshes) == (2, 1)


def test_many_posts_are_asked_for_in_chunks(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    ids = [f"file:{number}" for number in range(2_001)]
    write(client, [operation(id_) for id_ in ids])
    refresh(client, NAMES)
    assert locate(client, NAMES, ids).keys() == set(ids)
    assert (server.searches, server.refreshes) == (3, 1)


def test_more_copies_than_an_answer_holds_are_all_found(
    client: Elasticsearch, server: ElasticsearchServer
) -> None:
    ids = [f"file:{number}" for number in range(100)]
    for id_ in ids:
        for number in range(101):
            server.documents[f"tocsin-mentions-{number}", id_] = Document({}, 1)
    refresh(client, NAMES)
    found = locate(client, NAMES, ids)
    assert {id_: len(set(indices)) for id_, indices in found.items()} == dict.fromkeys(ids, 101)

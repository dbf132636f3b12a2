"""From records to steps: in order, each month right, invalid ones aside with the reason; and
a delete reaches its post in whichever index it is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec
import pytest
from elasticsearch import Elasticsearch as Client
from hypothesis import given
from hypothesis import strategies as st

from schemas.mention import MentionEvent
from sinks.elasticsearch.bulk import write
from sinks.elasticsearch.documents import Operation
from sinks.elasticsearch.plan import Plan, Step, locate, located, plan, refresh
from tests.servers.elasticsearch import Document
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch import events
from tests.sinks.elasticsearch.events import INDEX, NAMES, SNOWFLAKE, delete, erase, record, upsert

TID = "bluesky:did:plc:a/3mbhcqgfbzz2a"
"""Its time is early in 2026."""
FEBRUARY = "bluesky:did:plc:a/3mdykyfq22222"
"""Its time is February 2026; a client may choose it in January."""
NOVEMBER = datetime(2025, 11, 5, tzinfo=UTC)


def planned(*events: MentionEvent | bytes | None) -> Plan:
    return plan([record(event) for event in events], NAMES)


def only_step(*events: MentionEvent) -> Step:
    (step,) = planned(*events).steps
    return step


def ids(items: Sequence[Operation] | Sequence[MentionEvent]) -> list[str]:
    return [item.id for item in items]


def test_an_erasure_ends_a_step() -> None:
    steps = planned(upsert("file:1"), erase("17"), erase("18"), upsert("file:2")).steps
    assert [ids(step.operations) for step in steps] == [["file:1"], [], ["file:2"]]
    assert [step.erase and step.erase.author_id for step in steps] == ["17", "18", None]


@pytest.mark.parametrize(
    ("batch", "written", "searched"),
    [
        ([], [], []),
        (
            [upsert("file:1", 1), upsert("file:2", 1), upsert("file:1", 2)],
            [("file:1", 1, "2026.01"), ("file:2", 1, "2026.01"), ("file:1", 2, "2026.01")],
            [],
        ),
        # A delete that knows its month is a tombstone there; only ids of X are certain.
        (
            [delete(SNOWFLAKE), delete(TID), delete("file:1", created_at=NOVEMBER)],
            [(SNOWFLAKE, 2, "2022.06"), (TID, 2, "2026.01"), ("file:1", 2, "2025.11")],
            [TID, "file:1"],
        ),
        # One that knows nothing is searched for; after its post it knows the month.
        ([delete("x:7"), upsert("file:2")], [("file:2", 1, "2026.01")], ["x:7"]),
        (
            [upsert("file:1"), delete("file:1")],
            [("file:1", 1, "2026.01"), ("file:1", 2, "2026.01")],
            ["file:1"],
        ),
    ],
)
def test_operations_are_in_order_and_deletes_searched_for_unless_certain(
    batch: list[MentionEvent], written: list[tuple[str, int, str]], searched: list[str]
) -> None:
    work = planned(*batch)
    (step,) = work.steps
    made = [(each.id, each.version, each.index) for each in step.operations]
    assert made == [(*state, f"tocsin-mentions-{month}") for *state, month in written]
    deletes = {(event.id, event.version) for event in batch if event.op == "delete"}
    assert all(each.deletes is ((each.id, each.version) in deletes) for each in step.operations)
    assert ids(step.to_locate) == searched
    assert work.events == batch and not work.invalid


def test_invalid_records_are_set_aside_with_the_reason() -> None:
    work = planned(upsert("file:1"), b"{", None, b"{}", upsert("file:2"))
    assert ids(work.steps[0].operations) == ["file:1", "file:2"]
    assert [(invalid.value, error.reason) for invalid, error in work.invalid] == [
        (b"{", "invalid_json"),
        (None, "invalid_json"),
        (b"{}", "invalid_message"),
    ]


IDS = ["file:1", "file:2", SNOWFLAKE]
EVENTS = st.lists(
    st.one_of(
        st.builds(upsert, st.sampled_from(IDS), st.integers(0, 9)),
        st.builds(delete, st.sampled_from(IDS), st.integers(0, 9)),
        st.builds(erase, st.sampled_from(["17", "18"])),
        st.sampled_from([b"{", b"{}", None]),
    ),
    max_size=20,
)


@given(EVENTS)
def test_every_record_is_planned_once(events: list[MentionEvent | bytes | None]) -> None:
    work = planned(*events)
    operations = [operation for step in work.steps for operation in step.operations]
    to_locate = [event for step in work.steps for event in step.to_locate]
    erasures = [step.erase for step in work.steps if step.erase is not None]
    good = [event for event in events if isinstance(event, MentionEvent)]
    upserts = [event for event in good if event.op == "upsert"]
    deletes = [event for event in good if event.op == "delete"]
    assert sum(not operation.deletes for operation in operations) == len(upserts)
    assert sum(operation.deletes for operation in operations) <= len(deletes)
    assert len(upserts) + len(deletes) + len(erasures) + len(work.invalid) == len(events)
    assert to_locate == [event for event in deletes if event.source != "x"]
    assert work.events == good
    assert erasures == [event for event in good if event.op == "erase_author"]
    # Each document knows its record.
    for (id_, version), source in work.records.items():
        assert id_.encode() in source.value
        assert b'"version":%d' % version in source.value
    assert work.records.keys() == {(event.id, event.version) for event in upserts + deletes}
    # The states of one post keep their order within a step.
    asked = {(event.id, event.version) for event in to_locate}
    for id_ in IDS:
        ours = [operation.version for operation in operations if operation.id == id_]
        theirs = [event.version for event in good if event.id == id_ and event.op != "erase_author"]
        assert ours == [v for v in theirs if (id_, v) not in asked] or asked


def test_deletes_are_located_at_once() -> None:
    asked: list[Sequence[str]] = []
    indices = ["tocsin-mentions-2024.02", "tocsin-mentions-2024.03"]

    def locate(ids: Sequence[str]) -> dict[str, list[str]]:
        asked.append(ids)
        return {"file:1": indices}

    deletes = [delete("file:1", 5), delete("file:2", 6), delete("file:1", 7)]
    tombstones = located(Step(to_locate=deletes), locate)
    assert asked == [["file:1", "file:2"]]
    assert [(tombstone.id, tombstone.index, tombstone.version) for tombstone in tombstones] == [
        ("file:1", index, version) for version in (5, 7) for index in indices
    ]
    assert all(tombstone.deletes for tombstone in tombstones)
    assert located(Step(), lambda ids: {"never": ["asked"]}) == []


def test_only_the_same_tombstone_is_not_written_again() -> None:
    elsewhere = "tocsin-mentions-2024.02"
    step = only_step(upsert("file:1", 1), delete("file:1", 2))
    tombstones = located(step, lambda ids: {"file:1": [INDEX, elsewhere]})
    assert [tombstone.index for tombstone in tombstones] == [elsewhere]
    # A post of the same version is not a tombstone.
    step = only_step(delete("file:1", 1), upsert("file:1", 1))
    tombstones = located(step, lambda ids: {"file:1": [INDEX]})
    assert [tombstone.index for tombstone in tombstones] == [INDEX]


def test_a_delete_reaches_a_post_whose_id_was_not_believed_when_it_came(
    client: Client, server: Server
) -> None:
    # The id is plausible by the time of the delete.
    later = msgspec.structs.replace(delete(FEBRUARY), ingested_at=datetime(2026, 2, 10, tzinfo=UTC))
    for event in (upsert(FEBRUARY), later):
        step = only_step(event)
        write(client, step.operations)
        refresh(client, NAMES)
        write(client, located(step, partial(locate, client, NAMES)))
    tombstone = {"id", "source", "version", "deleted_at"}
    assert {key: document.source.keys() for key, document in server.documents.items()} == {
        ("tocsin-mentions-2026.01", FEBRUARY): tombstone,
        ("tocsin-mentions-2026.02", FEBRUARY): tombstone,
    }


def test_deletes_of_x_are_not_searched_for(client: Client, server: Server) -> None:
    assert located(only_step(delete(SNOWFLAKE)), partial(locate, client, NAMES)) == []
    assert server.searches == server.refreshes == 0


def test_a_post_is_found_in_each_of_its_indices(client: Client, server: Server) -> None:
    indices = ["tocsin-mentions-2025.12", INDEX, "tocsin-mentions-before-2015"]
    write(client, [events.operation("file:1", index=index) for index in indices])
    write(client, [events.operation("file:2")])
    assert locate(client, NAMES, ["file:1"]) == {}, "not yet searchable"
    refresh(client, NAMES)
    answer = locate(client, NAMES, ["file:1", "file:2", "file:3"])
    assert {id_: sorted(indices) for id_, indices in answer.items()} == {
        "file:1": indices,
        "file:2": [INDEX],
    }
    assert (server.searches, server.refreshes) == (2, 1)


def test_many_posts_are_searched_for_in_chunks(client: Client, server: Server) -> None:
    wanted = [f"file:{number}" for number in range(2_001)]
    write(client, [events.operation(id_) for id_ in wanted])
    refresh(client, NAMES)
    assert locate(client, NAMES, wanted).keys() == set(wanted)
    assert (server.searches, server.refreshes) == (3, 1)


def test_more_copies_than_an_answer_holds_are_all_found(client: Client, server: Server) -> None:
    wanted = [f"file:{number}" for number in range(100)]
    for id_ in wanted:
        for number in range(101):
            server.documents[f"tocsin-mentions-{number}", id_] = Document({}, 1)
    refresh(client, NAMES)
    answer = locate(client, NAMES, wanted)
    assert {id_: len(set(indices)) for id_, indices in answer.items()} == dict.fromkeys(wanted, 101)

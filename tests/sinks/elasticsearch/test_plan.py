"""From records to steps: in order, each month right, invalid ones aside with the reason."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from schemas.mention import MentionEvent
from sinks.elasticsearch.plan import Plan, Step, located, plan
from tests.sinks.elasticsearch.events import INDEX, NAMES, SNOWFLAKE, delete, erase, record, upsert

TID = "bluesky:did:plc:a/3mbhcqgfbzz2a"
"""Made, as it says, early in 2026."""


def planned(*events: MentionEvent | bytes | None) -> Plan:
    return plan([record(event) for event in events], NAMES)


def test_no_records_ask_for_nothing() -> None:
    work = planned()
    assert [step.operations for step in work.steps] == [[]]
    assert not work.events and not work.invalid


def test_operations_are_in_the_order_of_their_records() -> None:
    (step,) = planned(upsert("file:1", 1), upsert("file:2", 1), upsert("file:1", 2)).steps
    assert [(operation.id, operation.version) for operation in step.operations] == [
        ("file:1", 1),
        ("file:2", 1),
        ("file:1", 2),
    ]


def test_an_erasure_ends_a_step() -> None:
    work = planned(upsert("file:1"), erase("17"), erase("18"), upsert("file:2"))
    found = [
        ([operation.id for operation in step.operations], step.erase and step.erase.author_id)
        for step in work.steps
    ]
    assert found == [(["file:1"], "17"), ([], "18"), (["file:2"], None)]


def test_a_delete_that_knows_its_month_is_a_tombstone_there() -> None:
    at = datetime(2025, 11, 5, tzinfo=UTC)
    (step,) = planned(delete(SNOWFLAKE), delete("file:1", created_at=at)).steps
    assert [operation.index for operation in step.operations] == [
        "tocsin-mentions-2022.06",
        "tocsin-mentions-2025.11",
    ]
    assert all(operation.deletes for operation in step.operations)


def test_only_a_delete_whose_id_nobody_makes_up_does_not_ask() -> None:
    at = datetime(2025, 11, 5, tzinfo=UTC)
    (step,) = planned(
        delete(SNOWFLAKE), delete("x:7", 5), delete(TID), delete("file:1", created_at=at)
    ).steps
    assert [event.id for event in step.to_locate] == ["x:7", TID, "file:1"]
    assert [operation.id for operation in step.operations] == [SNOWFLAKE, TID, "file:1"]


def test_a_delete_behind_its_post_in_one_batch_knows_the_month() -> None:
    (step,) = planned(upsert("file:1", 1), delete("file:1", 2)).steps
    assert [(operation.index, operation.deletes) for operation in step.operations] == [
        (INDEX, False),
        (INDEX, True),
    ]


def test_a_delete_that_knows_nothing_has_to_ask() -> None:
    (step,) = planned(delete("file:1", 2), upsert("file:2")).steps
    assert [event.id for event in step.to_locate] == ["file:1"]
    assert [operation.id for operation in step.operations] == ["file:2"]


def test_invalid_records_are_set_aside_with_the_reason() -> None:
    work = planned(upsert("file:1"), b"{", None, b"{}", upsert("file:2"))
    assert [operation.id for operation in work.steps[0].operations] == ["file:1", "file:2"]
    assert [(found.value, error.reason) for found, error in work.invalid] == [
        (b"{", "invalid_json"),
        (None, "invalid_json"),
        (b"{}", "invalid_message"),
    ]


def test_each_document_knows_its_record() -> None:
    work = planned(upsert("file:1", 1), delete("file:1", 2), delete("file:9", 3))
    for (id_, version), found in work.records.items():
        assert id_.encode() in found.value
        assert b'"version":%d' % version in found.value
    assert work.records.keys() == {("file:1", 1), ("file:1", 2), ("file:9", 3)}


EVENTS = st.lists(
    st.one_of(
        st.builds(upsert, st.sampled_from(["file:1", "file:2", SNOWFLAKE]), st.integers(0, 9)),
        st.builds(delete, st.sampled_from(["file:1", "file:2", SNOWFLAKE]), st.integers(0, 9)),
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
    # The states of one post keep their order within a step.
    for id_ in ("file:1", "file:2", SNOWFLAKE):
        ours = [operation.version for operation in operations if operation.id == id_]
        asked = {(event.id, event.version) for event in to_locate}
        theirs = [event.version for event in good if event.id == id_ and event.op != "erase_author"]
        assert ours == [v for v in theirs if (id_, v) not in asked] or asked


def test_deletes_are_located_at_once() -> None:
    asked: list[Sequence[str]] = []

    def locate(ids: Sequence[str]) -> dict[str, list[str]]:
        asked.append(ids)
        return {"file:1": ["tocsin-mentions-2024.02", "tocsin-mentions-2024.03"]}

    deletes = [delete("file:1", 5), delete("file:2", 6), delete("file:1", 7)]
    found = located(Step(to_locate=deletes), locate)
    assert asked == [["file:1", "file:2"]]
    assert [(tombstone.id, tombstone.index, tombstone.version) for tombstone in found] == [
        ("file:1", "tocsin-mentions-2024.02", 5),
        ("file:1", "tocsin-mentions-2024.03", 5),
        ("file:1", "tocsin-mentions-2024.02", 7),
        ("file:1", "tocsin-mentions-2024.03", 7),
    ]
    assert all(tombstone.deletes for tombstone in found)


def test_what_was_just_written_is_not_written_again() -> None:
    (step,) = planned(upsert("file:1", 1), delete("file:1", 2)).steps
    found = located(step, lambda ids: {"file:1": [INDEX, "tocsin-mentions-2024.02"]})
    assert [tombstone.index for tombstone in found] == ["tocsin-mentions-2024.02"]


def test_a_post_of_the_same_version_does_not_keep_the_delete_away() -> None:
    (step,) = planned(delete("file:1", 1), upsert("file:1", 1)).steps
    assert [found.index for found in located(step, lambda ids: {"file:1": [INDEX]})] == [INDEX]


def test_nobody_is_asked_about_nothing() -> None:
    assert located(Step(), lambda ids: {"never": ["asked"]}) == []

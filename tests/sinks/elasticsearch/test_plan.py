"""From records to steps: in order, an erasure at the end, invalid ones aside with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.mention import MentionErasure, MentionEvent
from sinks.elasticsearch.plan import Plan, plan
from tests.sinks.elasticsearch.events import SNOWFLAKE, delete, erase, record, upsert


def planned(*events: MentionEvent | bytes | None) -> Plan:
    return plan([record(event) for event in events])


def test_an_erasure_ends_a_step() -> None:
    steps = planned(upsert("file:1"), erase("17"), erase("18"), delete("file:2")).steps
    assert [[event.id for event in step.events] for step in steps] == [["file:1"], [], ["file:2"]]
    assert [step.erase and step.erase.author_id for step in steps] == ["17", "18", None]


def test_invalid_records_are_set_aside_with_the_reason() -> None:
    work = planned(upsert("file:1"), b"{", None, b"{}", upsert("file:2"))
    assert [event.id for event in work.steps[0].events] == ["file:1", "file:2"]
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
    good = [event for event in events if not isinstance(event, bytes | None)]
    mentions = [event for event in good if not isinstance(event, MentionErasure)]
    assert work.events == good
    assert [event for step in work.steps for event in step.events] == mentions
    assert [step.erase for step in work.steps if step.erase] == [
        event for event in good if isinstance(event, MentionErasure)
    ]
    assert len(good) + len(work.invalid) == len(events)
    assert work.records.keys() == {(event.id, event.version) for event in mentions}
    for (id_, version), source in work.records.items():
        assert id_.encode() in (source.value or b"")
        assert b'"version":%d' % version in (source.value or b"")


@pytest.mark.parametrize("events", [[], [None]])
def test_a_batch_without_mentions_writes_nothing(events: list[None]) -> None:
    (step,) = planned(*events).steps
    assert (step.events, step.erase) == ([], None)

"""From a batch of Kafka records to steps to take in order: write these, then erase that author.

Pure but for one thing: a delete that does not know its post's month asks where the post is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.codec import MENTION_EVENT, InvalidMessage
from schemas.mention import MentionEvent
from sinks.elasticsearch.documents import Operation, month_of, tombstone, upsert
from sinks.elasticsearch.indices import Names

Locate = Callable[[Sequence[str]], dict[str, str]]
"""From post ids to the index that each is in; ids that are nowhere are left out."""


@dataclass(slots=True)
class Step:
    """Operations to write in order, then, where given, an author to erase."""

    operations: list[Operation] = field(default_factory=list)
    unlocated: list[MentionEvent] = field(default_factory=list)
    erase: MentionEvent | None = None


@dataclass(slots=True)
class Plan:
    """What a batch asks for. ``records`` remembers which record each document came from."""

    steps: list[Step] = field(default_factory=list)
    events: list[MentionEvent] = field(default_factory=list)
    records: dict[tuple[str, int], Any] = field(default_factory=dict)
    invalid: list[tuple[Any, InvalidMessage]] = field(default_factory=list)


def plan(records: Sequence[Any], names: Names) -> Plan:
    """Decode the records and put them into steps. Invalid ones are set aside with the reason."""
    result = Plan()
    step = Step()
    indices: dict[str, str] = {}
    for record in records:
        try:
            event = MENTION_EVENT.decode(record.value or b"")
        except InvalidMessage as error:
            result.invalid.append((record, error))
            continue
        result.events.append(event)
        if event.op == "erase_author":
            step.erase = event
            result.steps.append(step)
            step = Step()
            continue
        result.records[event.id, event.version] = record
        operation = _operation(event, names, indices)
        if operation is None:
            step.unlocated.append(event)
        else:
            indices[event.id] = operation.index
            step.operations.append(operation)
    result.steps.append(step)
    return result


def _operation(event: MentionEvent, names: Names, indices: dict[str, str]) -> Operation | None:
    if event.op == "upsert":
        return upsert(event, names)
    index = indices.get(event.id)
    if index is None:
        when = month_of(event)
        if when is None:
            return None
        index = names.mentions_of(when)
    return tombstone(event.id, event.source, event.version, index, event.enriched_at)


def located(events: Sequence[MentionEvent], locate: Locate) -> list[Operation]:
    """Tombstones for the deletes whose posts are in the index; the others were never in it."""
    if not events:
        return []
    where = locate([event.id for event in events])
    return [
        tombstone(event.id, event.source, event.version, where[event.id], event.enriched_at)
        for event in events
        if event.id in where
    ]

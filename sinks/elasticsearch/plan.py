"""Turns a batch of Kafka records into steps: mentions to settle, then an author to erase. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime.kafka.protocols import Record
from schemas.codec import MENTION_EVENT
from schemas.errors import InvalidMessage
from schemas.mention import MentionDelete, MentionErasure, MentionEvent, MentionUpsert


@dataclass(slots=True)
class Step:
    """Mentions to settle in their order (:mod:`sinks.elasticsearch.placement`), then an erasure."""

    events: list[MentionUpsert | MentionDelete] = field(default_factory=list)
    erase: MentionErasure | None = None


@dataclass(slots=True)
class Plan:
    """A planned batch; ``records`` maps the id and version of a mention to its record."""

    steps: list[Step] = field(default_factory=list)
    events: list[MentionEvent] = field(default_factory=list)
    records: dict[tuple[str, int], Record] = field(default_factory=dict)
    invalid: list[tuple[Record, InvalidMessage]] = field(default_factory=list)


def plan(records: Sequence[Record]) -> Plan:
    """Decode the records into steps; invalid ones are set aside with the reason."""
    result = Plan()
    step = Step()
    for record in records:
        try:
            event = MENTION_EVENT.decode(record.value or b"")
        except InvalidMessage as error:
            result.invalid.append((record, error))
            continue
        result.events.append(event)
        if isinstance(event, MentionErasure):
            step.erase = event
            result.steps.append(step)
            step = Step()
            continue
        result.records[event.id, event.version] = record
        step.events.append(event)
    result.steps.append(step)
    return result

"""From a batch of Kafka records to steps to take in order: write these, then erase that author.

Pure but for one thing: a delete that is not certain of its post's month asks where the post is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from elasticsearch import Elasticsearch

from runtime.kafka.protocols import Record
from schemas.codec import MENTION_EVENT
from schemas.errors import InvalidMessage
from schemas.mention import MentionDelete, MentionErasure, MentionEvent, MentionUpsert
from sinks.elasticsearch.documents import Operation, tombstone, upsert
from sinks.elasticsearch.mappings import IndexNames

Locate = Callable[[Sequence[str]], dict[str, list[str]]]
"""From post ids to the indices that each is in; ids that are nowhere are left out."""
_MAKE_THEIR_IDS = ("x",)
"""Platforms whose ids no client can choose: the time in them is certain."""


@dataclass(slots=True)
class Step:
    """Operations to write in order, deletes to search for, then an author to erase, if any."""

    operations: list[Operation] = field(default_factory=list)
    to_locate: list[MentionDelete] = field(default_factory=list)
    """Deletes whose posts may be in an index that they do not know of."""
    erase: MentionErasure | None = None


@dataclass(slots=True)
class Plan:
    """What a batch asks for. ``records`` remembers which record each document came from."""

    steps: list[Step] = field(default_factory=list)
    events: list[MentionEvent] = field(default_factory=list)
    records: dict[tuple[str, int], Record] = field(default_factory=dict)
    invalid: list[tuple[Record, InvalidMessage]] = field(default_factory=list)


def plan(records: Sequence[Record], names: IndexNames) -> Plan:
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
        if isinstance(event, MentionErasure):
            step.erase = event
            result.steps.append(step)
            step = Step()
            continue
        result.records[event.id, event.version] = record
        operation = _operation(event, names, indices)
        if operation is not None:
            indices[event.id] = operation.index
            step.operations.append(operation)
        if isinstance(event, MentionDelete) and (
            operation is None or event.source not in _MAKE_THEIR_IDS
        ):
            step.to_locate.append(event)
    result.steps.append(step)
    return result


def _operation(
    event: MentionUpsert | MentionDelete, names: IndexNames, indices: dict[str, str]
) -> Operation | None:
    if isinstance(event, MentionUpsert):
        return upsert(event, names)
    index = indices.get(event.id) or names.index_of(event)
    if index is None:
        return None
    return tombstone(event.id, event.source, event.version, index, event.enriched_at)


def located(step: Step, locate: Locate) -> list[Operation]:
    """Tombstones for the step's deletes wherever else their posts are."""
    if not step.to_locate:
        return []
    where = locate(list(dict.fromkeys(event.id for event in step.to_locate)))
    done = {(found.id, found.index, found.version) for found in step.operations if found.deletes}
    return [
        tombstone(event.id, event.source, event.version, index, event.enriched_at)
        for event in step.to_locate
        for index in where.get(event.id, ())
        if (event.id, index, event.version) not in done
    ]


_CHUNK = 1_000
"""Ids asked for at once."""
_MAX_HITS = 10_000
"""No answer of Elasticsearch holds more."""


def locate(client: Elasticsearch, names: IndexNames, ids: Sequence[str]) -> dict[str, list[str]]:
    """The indices that hold each of the posts; ids that are nowhere are left out.

    A search does not see the last second; where that matters, :func:`refresh` first.
    """
    found: dict[str, list[str]] = {}
    chunks = [ids[first : first + _CHUNK] for first in range(0, len(ids), _CHUNK)]
    while chunks:
        chunk = chunks.pop()
        hits = client.search(
            index=names.mentions_pattern,
            query={"ids": {"values": list(chunk)}},
            size=_MAX_HITS,
            source=False,
            ignore_unavailable=True,
        )["hits"]["hits"]
        if len(hits) == _MAX_HITS and len(chunk) > 1:
            middle = len(chunk) // 2
            chunks += [chunk[:middle], chunk[middle:]]
            continue
        for hit in hits:
            found.setdefault(hit["_id"], []).append(hit["_index"])
    return found


def refresh(client: Elasticsearch, names: IndexNames) -> None:
    """Let searches see all that was written: for the whole cluster, so not once a batch."""
    client.indices.refresh(index=names.mentions_pattern, ignore_unavailable=True)

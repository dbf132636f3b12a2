"""Turns a batch of Kafka records into ordered steps: write documents, then erase an author.

Pure, except that a delete which is not certain of the month of its post searches for it.
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
"""From post ids to the indices that hold each; unknown ids are left out."""
_CERTAIN_IDS = ("x",)
"""Platforms whose clients cannot choose ids, so the time within is certain."""
_CHUNK = 1_000
"""Ids in one search."""
_MAX_HITS = 10_000
"""Elasticsearch returns no more in one answer."""


@dataclass(slots=True)
class Step:
    """Operations to write in order, deletes to search for, then an author to erase."""

    operations: list[Operation] = field(default_factory=list)
    to_locate: list[MentionDelete] = field(default_factory=list)
    """Deletes whose posts may be in other indices as well."""
    erase: MentionErasure | None = None
    erase_record: Record | None = None
    """The record of ``erase``."""


@dataclass(slots=True)
class Plan:
    """A planned batch; ``records`` maps the id and version of a document to its record."""

    steps: list[Step] = field(default_factory=list)
    events: list[MentionEvent] = field(default_factory=list)
    records: dict[tuple[str, int], Record] = field(default_factory=dict)
    invalid: list[tuple[Record, InvalidMessage]] = field(default_factory=list)


def plan(records: Sequence[Record], names: IndexNames) -> Plan:
    """Decode the records into steps; invalid ones are set aside with the reason."""
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
            step.erase, step.erase_record = event, record
            result.steps.append(step)
            step = Step()
            continue
        result.records[event.id, event.version] = record
        operation = _operation(event, names, indices)
        if operation is not None:
            indices[event.id] = operation.index
            step.operations.append(operation)
        if isinstance(event, MentionDelete) and (
            operation is None or event.source not in _CERTAIN_IDS
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
    """Tombstones for the deletes of the step, in every other index that holds their posts."""
    if not step.to_locate:
        return []
    indices = locate(list(dict.fromkeys(event.id for event in step.to_locate)))
    done = {(done.id, done.index, done.version) for done in step.operations if done.deletes}
    return [
        tombstone(event.id, event.source, event.version, index, event.enriched_at)
        for event in step.to_locate
        for index in indices.get(event.id, ())
        if (event.id, index, event.version) not in done
    ]


def locate(client: Elasticsearch, names: IndexNames, ids: Sequence[str]) -> dict[str, list[str]]:
    """The indices that hold each post; unknown ids are left out.

    A search misses the last second unless :func:`refresh` comes first.
    """
    indices: dict[str, list[str]] = {}
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
            indices.setdefault(hit["_id"], []).append(hit["_index"])
    return indices


def refresh(client: Elasticsearch, names: IndexNames) -> None:
    """Make all writes searchable; a burden on the whole cluster, so not once a batch."""
    client.indices.refresh(index=names.mentions_pattern, ignore_unavailable=True)

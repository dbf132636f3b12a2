"""Bulk writes with external versions, triaged item by item.

==========================  ==========================================================
answer for the item         result
==========================  ==========================================================
2xx                         written
409, version conflict       superseded, a success: the index holds a later state
403, 404, 503, a closed     blocked: the index takes no writes (a write block, a red shard), or
index, the shard limit,     cannot be created; other indices may take theirs
a full disk (429)
other 429, other 5xx        retry: the cluster is busy
other 4xx                   rejected: the document itself is at fault
==========================  ==========================================================

A request that fails as a whole (no connection, 429, 5xx, credentials) is retried as a whole. One
request is bounded by :class:`RequestSize`; 413 lowers that bound. 400 halves the request until the
faulty document is alone. The caller decides when to retry.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypedDict

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from sinks.elasticsearch.connection import reason
from sinks.elasticsearch.documents import Operation

_FILTER = [
    "errors",
    "items.*.status",
    "items.*.error.type",
    "items.*.error.reason",
    "items.*.error.caused_by.reason",
]
_TOO_LARGE, _INVALID = 413, 400
# The type differs between versions. Matched from the start, where no text of a post can be.
_SHARD_LIMIT = re.compile(r"Validation Failed: \d+: this action would add \[.* shards open")
_BLOCKED = (403, 404, 503)
ITEM_WAIT_S = 10
"""How long Elasticsearch waits for a shard to be there, or for an index to be created."""
MIN_REQUEST_BYTES = 2**12
_GROWS_AFTER = 64


class ItemError(TypedDict, total=False):
    type: str
    reason: str
    caused_by: dict[str, str]


class Item(TypedDict, total=False):
    status: int
    error: ItemError


@dataclass(slots=True)
class RequestSize:
    """The most bytes of one request: at most ``max_bytes``, less after a 413, which it remembers.

    It grows by a quarter after 64 requests that were taken, so a front with a lower limit refuses
    one request in 64 at most.
    """

    max_bytes: int
    now_bytes: int = 0
    _taken: int = 0

    def __post_init__(self) -> None:
        self.now_bytes = self.max_bytes

    def refused(self, size: int) -> None:
        self.now_bytes = max(MIN_REQUEST_BYTES, min(self.now_bytes, size // 2))
        self._taken = 0

    def taken(self) -> None:
        if self.now_bytes == self.max_bytes:
            return
        self._taken += 1
        if self._taken >= _GROWS_AFTER:
            self._taken = 0
            self.now_bytes = min(self.max_bytes, self.now_bytes * 5 // 4)


@dataclass(slots=True)
class Outcome:
    """The operations of one attempt, each in exactly one list."""

    written: list[Operation] = field(default_factory=list)
    superseded: list[Operation] = field(default_factory=list)
    rejected: list[tuple[Operation, str]] = field(default_factory=list)
    retry: list[Operation] = field(default_factory=list)
    blocked: list[tuple[Operation, str]] = field(default_factory=list)
    """Operations whose index takes no writes now, each with the answer."""
    why: str = ""
    """Why ``retry`` is not empty, for people."""
    cause: str = ""
    """``why`` as a metric label: connection, status_429, ..."""
    failing: dict[tuple[str, str], str] = field(default_factory=dict)
    """The index and id of those in ``retry`` that failed alone (5xx), each with the answer."""

    def add(self, other: "Outcome") -> None:
        """Add the outcome of the operations that follow."""
        self.written += other.written
        self.superseded += other.superseded
        self.rejected += other.rejected
        self.retry += other.retry
        self.blocked += other.blocked
        self.why = self.why or other.why
        self.cause = self.cause or other.cause
        self.failing |= other.failing


def write(
    client: Elasticsearch,
    operations: Sequence[Operation],
    size: RequestSize | None = None,
    wait_s: int = ITEM_WAIT_S,
) -> Outcome:
    """Try once to write the operations, in order, in requests of at most ``size``.

    A request is not tried if one before it has to be retried as a whole.
    """
    outcome = Outcome()
    size = size or RequestSize(2**62)
    pending = list(operations)
    while pending and not outcome.retry:
        request = next(_requests(pending, size.now_bytes))
        pending = pending[len(request) :]
        outcome.add(_request(client, request, size, wait_s))
    outcome.retry += pending
    return outcome


def _requests(operations: Sequence[Operation], max_bytes: int) -> Iterator[Sequence[Operation]]:
    """Slices of at most ``max_bytes``; one operation may be larger alone."""
    first, total = 0, 0
    for index, operation in enumerate(operations):
        size = operation.size()
        if index > first and total + size > max_bytes:
            yield operations[first:index]
            first, total = index, 0
        total += size
    yield operations[first:]


def _request(
    client: Elasticsearch, operations: Sequence[Operation], size: RequestSize, wait_s: int
) -> Outcome:
    # The client passes bytes through, though its types do not allow them; of lines it makes copies.
    lines = chain.from_iterable(operation.lines() for operation in operations)
    body: Any = b"\n".join([*lines, b""])
    try:
        response = client.bulk(operations=body, filter_path=_FILTER, timeout=f"{wait_s}s")
    except ApiError as error:
        return _refused(client, operations, error, size, wait_s)
    except TransportError as error:
        return Outcome(retry=list(operations), why=str(error.message), cause="connection")
    size.taken()
    if not response.get("errors"):
        return Outcome(written=list(operations))
    return triage(operations, response["items"])


def _refused(
    client: Elasticsearch,
    operations: Sequence[Operation],
    error: ApiError,
    size: RequestSize,
    wait_s: int,
) -> Outcome:
    status = error.status_code
    if status not in (_TOO_LARGE, _INVALID):
        why = f"Elasticsearch answered {status}: {reason(error)}"
        return Outcome(retry=list(operations), why=why, cause=f"status_{status}")
    if len(operations) == 1:
        return Outcome(rejected=[(operations[0], f"{status}: {reason(error)}")])
    if status == _TOO_LARGE:
        size.refused(sum(operation.size() for operation in operations))
    middle = len(operations) // 2
    outcome = write(client, operations[:middle], size, wait_s)
    if outcome.retry:
        outcome.retry += operations[middle:]
    else:
        outcome.add(write(client, operations[middle:], size, wait_s))
    return outcome


def takes_writes(client: Elasticsearch, index: str, id_: str = "tocsin:probe") -> str | None:
    """Why an index takes no writes now, in the shard of ``id_``; None if it takes them.

    Asked by effect: a delete of a document that is not there changes nothing. An index that does
    not exist yet takes them. Raises the errors of the client.
    """
    probe = {"delete": {"_index": index, "_id": "tocsin:probe", "routing": id_}}
    item = client.bulk(operations=[probe], timeout="1s")["items"][0]["delete"]
    error = item.get("error", {})
    if not error or error.get("type") == "index_not_found_exception":
        return None
    return f"{index}: {item['status']} {error.get('type', '')} {error.get('reason', '')}"


def triage(operations: Sequence[Operation], items: Sequence[dict[str, Item]]) -> Outcome:
    """Sort the operations by the answer for each."""
    outcome = Outcome()
    for operation, item in zip(operations, items, strict=True):
        (result,) = item.values()
        status = result["status"]
        error = result.get("error", {})
        kind = error.get("type", "")
        why = f"{operation.index}: {status} {kind} {error.get('reason', '')}"
        if 200 <= status < 300 or (status == 404 and not error):  # deleted already
            outcome.written.append(operation)
        elif status == 409 and kind == "version_conflict_engine_exception":
            outcome.superseded.append(operation)
        elif _is_blocked(status, error):
            outcome.blocked.append((operation, why))
        elif status == 429 or status >= 500:
            outcome.retry.append(operation)
            outcome.why, outcome.cause = why, f"status_{status}"
            if status >= 500:
                outcome.failing[operation.index, operation.id] = why
        else:
            outcome.rejected.append((operation, _reason(status, error)))
    return outcome


def _is_blocked(status: int, error: ItemError) -> bool:
    """Whether the index takes no writes, which is not the document's fault."""
    kind = error.get("type", "")
    if status in _BLOCKED or kind in ("cluster_block_exception", "index_closed_exception"):
        return True
    return status == 400 and _SHARD_LIMIT.match(error.get("reason") or "") is not None


def _reason(status: int, error: ItemError) -> str:
    cause = error.get("caused_by", {}).get("reason")
    text = f"{status} {error.get('type', '')}: {error.get('reason', '')}"
    return f"{text} ({cause})" if cause else text

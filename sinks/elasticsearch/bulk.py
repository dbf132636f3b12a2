"""Bulk writes with external versions, triaged item by item.

==========================  ==========================================================
answer for the item         result
==========================  ==========================================================
2xx                         written
409, version conflict       superseded, a success: the index holds a later state
429, 5xx                    retry: the cluster is busy or incomplete
403, 404                    retry: an index is blocked (a full disk) or missing
400, the shard limit        retry: the cluster cannot create an index until someone makes room
other 4xx                   rejected: the document itself is at fault
==========================  ==========================================================

A request that fails as a whole (no connection, 429, 5xx, credentials) is retried as a whole; 413
and 400 halve it until the faulty document is alone. The caller decides when to retry.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
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
# Too large, or one document fails the validation of the request (an id over 512 bytes).
_HALVED = (400, 413)
# The type differs between versions. Matched from the start, where no text of a post can be.
_SHARD_LIMIT = re.compile(r"Validation Failed: \d+: this action would add \[.* shards open")


class ItemError(TypedDict, total=False):
    type: str
    reason: str
    caused_by: dict[str, str]


class Item(TypedDict, total=False):
    status: int
    error: ItemError


@dataclass(slots=True)
class Outcome:
    """The operations of one attempt, each in exactly one list."""

    written: list[Operation] = field(default_factory=list)
    superseded: list[Operation] = field(default_factory=list)
    rejected: list[tuple[Operation, str]] = field(default_factory=list)
    retry: list[Operation] = field(default_factory=list)
    why: str = ""
    """Why ``retry`` is not empty, for people."""
    cause: str = ""
    """``why`` as a metric label: connection, status_429, ..."""


def write(client: Elasticsearch, operations: Sequence[Operation]) -> Outcome:
    """Try once to write the operations, in order."""
    if not operations:
        return Outcome()
    # The client passes bytes through, though its types do not allow them.
    body: list[Any] = [operation.lines() for operation in operations]
    try:
        response = client.bulk(operations=body, filter_path=_FILTER)
    except ApiError as error:
        return _refused(client, operations, error)
    except TransportError as error:
        return Outcome(retry=list(operations), why=str(error.message), cause="connection")
    if not response.get("errors"):
        return Outcome(written=list(operations))
    return triage(operations, response["items"])


def _refused(client: Elasticsearch, operations: Sequence[Operation], error: ApiError) -> Outcome:
    status = error.status_code
    if status not in _HALVED:
        why = f"Elasticsearch answered {status}: {reason(error)}"
        return Outcome(retry=list(operations), why=why, cause=f"status_{status}")
    if len(operations) == 1:
        return Outcome(rejected=[(operations[0], f"{status}: {reason(error)}")])
    middle = len(operations) // 2
    first = write(client, operations[:middle])
    if first.retry:
        second = Outcome(retry=list(operations[middle:]))
    else:
        second = write(client, operations[middle:])
    return Outcome(
        first.written + second.written,
        first.superseded + second.superseded,
        first.rejected + second.rejected,
        first.retry + second.retry,
        first.why or second.why,
        first.cause or second.cause,
    )


def triage(operations: Sequence[Operation], items: Sequence[dict[str, Item]]) -> Outcome:
    """Sort the operations by the answer for each."""
    outcome = Outcome()
    for operation, item in zip(operations, items, strict=True):
        (result,) = item.values()
        status = result["status"]
        error = result.get("error", {})
        kind = error.get("type", "")
        if 200 <= status < 300 or (status == 404 and not error):  # deleted already
            outcome.written.append(operation)
        elif status == 409 and kind == "version_conflict_engine_exception":
            outcome.superseded.append(operation)
        elif status in (403, 404, 429) or status >= 500 or _is_shard_limit(status, error):
            outcome.retry.append(operation)
            outcome.why = f"{operation.index}: {status} {kind} {error.get('reason', '')}"
            outcome.cause = f"status_{status}"
        else:
            outcome.rejected.append((operation, _reason(status, error)))
    return outcome


def _is_shard_limit(status: int, error: ItemError) -> bool:
    """Whether the cluster refused to create the index, which is not the document's fault."""
    return status == 400 and _SHARD_LIMIT.match(error.get("reason") or "") is not None


def _reason(status: int, error: ItemError) -> str:
    cause = error.get("caused_by", {}).get("reason")
    text = f"{status} {error.get('type', '')}: {error.get('reason', '')}"
    return f"{text} ({cause})" if cause else text

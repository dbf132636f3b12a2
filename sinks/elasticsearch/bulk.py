"""Bulk writes with external versions, triaged item by item.

==========================  ==========================================================
answer for the item         what is done
==========================  ==========================================================
2xx                         written
409, version conflict       superseded: the index holds a later state; that is success
429, 5xx                    tried again: the cluster is busy or not whole
403, 404                    tried again, and said: an index is blocked (a full disk) or missing
400, the shard limit        the same: the cluster takes no new index until a person makes room
other 4xx                   dead letter: the document itself is refused
==========================  ==========================================================

A request that fails as a whole (no connection, 429, 5xx, credentials) is tried again as a whole;
413 and 400 halve it until the document that it is about stands alone. Nothing here sleeps or gives
up: the caller decides when to try again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from sinks.elasticsearch.connection import reason
from sinks.elasticsearch.documents import Operation

_FILTER = ["errors", "items.*.status", "items.*.error.type", "items.*.error.reason"]
# Too large as a whole, or one document that fails the request's validation (an id over 512 bytes).
_HALVED = (400, 413)
_FILTER_CAUSE = "items.*.error.caused_by.reason"
# By its words, since the type has differed; from their beginning, where no post's text can stand.
_SHARD_LIMIT = re.compile(r"Validation Failed: \d+: this action would add \[.* shards open")


class ItemError(TypedDict, total=False):
    """Why an item was not written."""

    type: str
    reason: str
    caused_by: dict[str, str]


class Item(TypedDict, total=False):
    """The answer for one operation."""

    status: int
    error: ItemError


@dataclass(slots=True)
class Outcome:
    """What became of the operations of one attempt; together they are all of them."""

    written: list[Operation] = field(default_factory=list)
    superseded: list[Operation] = field(default_factory=list)
    rejected: list[tuple[Operation, str]] = field(default_factory=list)
    retry: list[Operation] = field(default_factory=list)
    why: str = ""
    """Why there is something to try again, for people."""
    cause: str = ""
    """The same as a metric label: connection, status_429, ..."""


def write(client: Elasticsearch, operations: Sequence[Operation]) -> Outcome:
    """One attempt to write the operations, in order."""
    if not operations:
        return Outcome()
    # The client takes bytes as they are (its NDJSON serializer), though its types do not say so.
    body: list[Any] = [operation.lines() for operation in operations]
    try:
        response = client.bulk(
            operations=body,
            filter_path=[*_FILTER, _FILTER_CAUSE],
        )
    except ApiError as error:
        return _refused(client, operations, error)
    except TransportError as error:
        return Outcome(retry=list(operations), why=str(error.message), cause="connection")
    if not response.get("errors"):
        return Outcome(written=list(operations))
    return triage(operations, response["items"])


def _refused(client: Elasticsearch, operations: Sequence[Operation], error: ApiError) -> Outcome:
    status = error.status_code
    if status in _HALVED and len(operations) > 1:
        middle = len(operations) // 2
        first, second = write(client, operations[:middle]), Outcome(retry=list(operations[middle:]))
        if not first.retry:
            second = write(client, operations[middle:])
        return _join(first, second)
    if status in _HALVED:
        return Outcome(rejected=[(operations[0], f"{status}: {reason(error)}")])
    why = f"Elasticsearch answered {status}: {reason(error)}"
    return Outcome(retry=list(operations), why=why, cause=f"status_{status}")


def _join(first: Outcome, second: Outcome) -> Outcome:
    return Outcome(
        first.written + second.written,
        first.superseded + second.superseded,
        first.rejected + second.rejected,
        first.retry + second.retry,
        first.why or second.why,
        first.cause or second.cause,
    )


def triage(operations: Sequence[Operation], items: Sequence[dict[str, Item]]) -> Outcome:
    """Sort the operations by what Elasticsearch says of each."""
    outcome = Outcome()
    for operation, item in zip(operations, items, strict=True):
        (result,) = item.values()
        status = result["status"]
        error = result.get("error", {})
        kind = error.get("type", "")
        if 200 <= status < 300:
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
    """Whether the index could not be made: the cluster's fault, not the document's."""
    return status == 400 and _SHARD_LIMIT.match(error.get("reason") or "") is not None


def _reason(status: int, error: ItemError) -> str:
    cause = error.get("caused_by", {}).get("reason")
    text = f"{status} {error.get('type', '')}: {error.get('reason', '')}"
    return f"{text} ({cause})" if cause else text

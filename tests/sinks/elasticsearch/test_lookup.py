"""What cannot be read is not taken for what is not there."""

from types import SimpleNamespace
from typing import Any

import pytest
from elastic_transport import TransportError

from sinks.elasticsearch.lookup import documents


def asked(*found: dict[str, Any]) -> list[Any]:
    client: Any = SimpleNamespace(mget=lambda **_: {"docs": list(found)} if found else {})
    return list(documents(client, [("removals", "a"), ("removals", "b")]))


def test_the_documents_that_exist_are_found() -> None:
    one = {"_id": "a", "_source": {"version": 1}}
    assert asked(one, {"_id": "b"}) == [one]
    assert asked() == []


def test_an_index_that_cannot_be_read_is_waited_for() -> None:
    closed = {"_id": "b", "error": {"type": "index_closed_exception", "reason": "it is closed"}}
    with pytest.raises(TransportError, match="removals: it is closed"):
        asked({"_id": "a", "_source": {"version": 1}}, closed)

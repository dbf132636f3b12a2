"""What Elasticsearch's answers mean for the doctor."""

from typing import Any

import pytest

from tocsin.checkup.elasticsearch_checks import blocked_indices, closed_indices


@pytest.mark.parametrize(
    ("blocks", "named"),
    [
        ({}, []),
        ({"read_only_allow_delete": "true"}, ["read_only_allow_delete"]),
        ({"write": True, "read_only": "true"}, ["read_only", "write"]),
        ({"write": "false", "read": "true", "metadata": "true"}, []),
    ],
)
def test_the_blocks_that_stop_writes(blocks: dict[str, Any], named: list[str]) -> None:
    answer = {"tocsin-mentions-2026.01": {"settings": {"index": {"blocks": blocks}}}}
    assert list(blocked_indices(answer).values()) == ([named] if named else [])


def test_indices_without_a_block_are_not_named() -> None:
    assert blocked_indices({"tocsin-alerts": {"settings": {}}}) == {}


def test_closed_indices_are_named() -> None:
    found = [{"name": "b", "attributes": ["closed"]}, {"name": "a", "attributes": ["open"]}]
    assert closed_indices({"indices": found, "aliases": []}) == ["b"]

"""What Elasticsearch's answers mean for the doctor."""

from typing import Any

import msgspec
import pytest

from schemas.brand import AlertPolicy, Brand
from schemas.coverage import CoverageInterval
from sinks.elasticsearch.coverage.timeline import timelines
from tests.sinks.elasticsearch.coverage.test_timeline import NOW, START, record
from tocsin.checkup.check_runner import Noted, Skipped
from tocsin.checkup.elasticsearch_checks import (
    alert_volumes_text,
    blocked_indices,
    closed_indices,
    coverage_text,
)


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


def told(*records: CoverageInterval) -> str:
    return coverage_text(timelines(records, START, NOW, NOW))


def test_a_source_that_is_heard_is_told_with_its_share() -> None:
    assert told(record("listening", 500, None)) == (
        "in the last day, bluesky: 50.0% heard, 50.0% unknown"
    )


def test_a_source_that_lost_posts_or_is_not_heard_now_is_noted() -> None:
    listening = record("listening", 0, None)
    with pytest.raises(Noted, match=r"bluesky: 99.0% heard, 1 gap, 7 posts lost; see 'tocsin"):
        told(listening, record("gap", 10, 20, lost=7))
    away = record("away", 900, None, told=900)
    with pytest.raises(Noted, match=r"x: .*away since 2026-03-02 15:00 UTC \(dropped\)"):
        told(listening, msgspec.structs.replace(away, source="x"))


def test_a_day_of_which_nothing_is_known_is_skipped() -> None:
    with pytest.raises(Skipped, match="nothing is known"):
        told()


def brand(name: str, **policy: Any) -> Brand:
    return Brand(id=name, name=name, alerts=AlertPolicy(**policy))


def test_the_doctor_tells_from_how_many_mentions_on_a_brand_can_be_in_crisis() -> None:
    brands = [brand("velmora"), brand("tiny"), brand("chosen", minimum_volume=7)]
    text = alert_volumes_text(brands, {"velmora": 200_000, "tiny": 60, "chosen": 5_000})
    assert text.endswith("a crisis needs: tiny 4, chosen 7, velmora 10")
    with pytest.raises(Skipped):
        alert_volumes_text([], {})


def test_a_minimum_that_a_small_brand_never_reaches_is_noted() -> None:
    with pytest.raises(Noted, match="deaf needs 25, its own volume would ask for 4"):
        alert_volumes_text([brand("deaf", minimum_volume=25)], {"deaf": 90})
    assert alert_volumes_text([brand("loud", minimum_volume=25)], {"loud": 200_000})

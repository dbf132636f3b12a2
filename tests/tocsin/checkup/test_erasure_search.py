"""Every index, topic and file is searched, up to stated limits."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch as Client

from runtime.settings import ElasticsearchSettings
from schemas.ids import microseconds
from schemas.topic_registry import topics
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import tombstone, upsert
from sinks.elasticsearch.erasure import Erasure, remember
from sinks.elasticsearch.writes.bulk import write
from tests.make import AT
from tests.runtime.kafka.fake_kafka import FakeRecord
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch import events
from tests.sinks.elasticsearch.events import INDEX, NAMES
from tocsin.checkup.erasure_certificate import Finding, Kept, Needles, places
from tocsin.checkup.erasure_search import (
    Limits,
    Search,
    search_files,
    search_indices,
    search_records,
)

DID = "did:plc:abcdefghijklmnop"
NEEDLES = Needles("bluesky", DID)
PLACES = {place.name: place for place in places(topics(), Kept(50, 30, 24))}
LIMITS = Limits(1_000, 60)


@pytest.fixture
def client() -> Iterator[Client]:
    with Server() as server, connect(ElasticsearchSettings(url=server.url)) as client:
        yield client


def searched(client: Client, limits: Limits = LIMITS, days: float = 1) -> dict[str, Finding]:
    now = AT + timedelta(days=days)
    found = search_indices(client, NAMES, PLACES, Search(NEEDLES, now, limits, lambda text: None))
    return {each.place: each for each in found}


def test_indices_are_searched_as_text(client: Client) -> None:
    post = events.upsert(f"bluesky:{DID}/1")
    hidden = events.upsert("file:2", labels={"source": f"at://{DID}/1"})
    write(client, [upsert(post, NAMES), upsert(hidden, NAMES)])
    write(client, [tombstone(f"bluesky:{DID}/3", "bluesky", 1, INDEX, AT)])
    remember(client, NAMES, Erasure("bluesky", DID, 1), AT, AT)
    client.index(index=NAMES.alerts, id="a1", document={"id": "a1", "title": "calm"})
    found = searched(client)
    verdicts = {name: (each.verdict, bool(each.hits)) for name, each in found.items()}
    assert verdicts == {
        "index mentions": ("left", True),
        "tombstones": ("in time", True),
        "index alerts": ("clean", False),
        "index reports": ("clean", False),
        "index erasures": ("in time", True),
        "index removals": ("clean", False),
    }
    assert searched(client, days=52)["tombstones"].verdict == "left"
    assert searched(client, days=52)["index erasures"].verdict == "in time"
    assert searched(client, Limits(1, 60))["tombstones"].verdict == "not read"


def test_a_closed_month_proves_nothing() -> None:
    with Server() as server, connect(ElasticsearchSettings(url=server.url)) as client:
        write(client, [upsert(events.upsert(f"bluesky:{DID}/1"), NAMES)])
        server.blocked = {INDEX: (400, "index_closed_exception", "closed")}
        mentions = searched(client)["index mentions"]
    assert (mentions.verdict, mentions.hits) == ("not read", 0)
    assert INDEX in repr(mentions)


class Clock:
    """A second for each look."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def records(*values: bytes, days_ago: float = 0) -> list[Any]:
    at = microseconds(AT - timedelta(days=days_ago)) // 1_000
    return [
        FakeRecord("posts", 0, number, None, value, (), at) for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(("days_ago", "verdict"), [(7, "in time"), (9, "left")])
def test_messages_are_gone_with_their_segment(days_ago: float, verdict: str) -> None:
    kept = records(b"nothing", DID.encode(), days_ago=days_ago)
    place = PLACES["topic posts"]
    found = search_records(kept, place, Search(NEEDLES, AT, LIMITS, lambda text: None))
    assert (found.looked_at, found.hits, found.verdict) == (2, 1, verdict)


def test_a_search_ends_at_its_limits() -> None:
    place, said = PLACES["topic posts"], list[str]()
    many = records(*[b"nothing"] * 20)
    found = search_records(many, place, Search(NEEDLES, AT, Limits(5, 60), said.append))
    assert (found.looked_at, found.verdict) == (5, "not read")
    found = search_records(many, place, Search(NEEDLES, AT, Limits(50, 3, Clock()), said.append))
    assert found.looked_at < 5 and "--seconds" in found.note


def test_files_are_searched_but_not_the_data_of_servers(tmp_path: Path) -> None:
    (tmp_path / "engines" / "data").mkdir(parents=True)
    (tmp_path / "engines" / "data" / "segment.log").write_text(DID)
    (tmp_path / "report.html").write_text("<p>calm")
    assert search_files([tmp_path], NEEDLES, AT).verdict == "clean"
    (tmp_path / "report.html").write_text(f"<p>{DID}")
    found = search_files([tmp_path, tmp_path / "none"], NEEDLES, AT)
    assert (found.hits, found.verdict) == (1, "left")
    assert "report.html" in found.note

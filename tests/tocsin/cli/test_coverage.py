"""``tocsin coverage``: what was heard of each source, for people and as data."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from runtime.settings import ElasticsearchSettings
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.coverage.coverage_sink import operation_of
from sinks.elasticsearch.writes.bulk import write
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch.coverage.test_coverage_sink import START, interval
from tests.sinks.elasticsearch.events import NAMES
from tests.tocsin.cli.commands import Commands
from tests.tocsin.cli.test_output_hostile import EVIL, clean

M = timedelta(minutes=1)
WINDOW = ("--from", START.isoformat(), "--to", (START + 60 * M).isoformat())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as server:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", server.url)
        listening = replace(
            interval(0, state="listening"), why="live", to=START + 45 * M, detail=None
        )
        gap = replace(interval(10, version=15), lost=7, detail="what was missed is gone")
        hostile = replace(interval(20, version=5), id="evil", source=EVIL[:40], detail=EVIL)
        with connect(ElasticsearchSettings(url=server.url, request_timeout_s=20)) as client:
            records = [operation_of(each, NAMES) for each in (listening, gap, hostile)]
            assert not write(client, records).rejected
            client.indices.refresh(index=NAMES.coverage)
        yield server


def test_people_see_stretches_and_a_sentence_a_source(tocsin: Commands, server: Server) -> None:
    ran = tocsin("coverage", *WINDOW, "--source", "bluesky")
    lines = [line for line in ran.out.splitlines() if line.startswith("bluesky")]
    assert [line.split()[1:3] for line in lines] == [
        ["-", "listening"], ["-", "gap"], ["-", "listening"],
    ]  # fmt: skip
    assert "bluesky: 50.0% heard, 25.0% unknown, 1 gap, 7 posts lost" in ran.err


def test_data_has_the_ends_in_utc(tocsin: Commands, server: Server) -> None:
    rows = json.loads(tocsin("coverage", *WINDOW, "--source", "bluesky", "--format", "json").out)
    assert rows[1] == {
        "source": "bluesky",
        "part": "",
        "state": "gap",
        "since": "2026-03-02T09:40:00Z",
        "until": "2026-03-02T09:55:00Z",
        "minutes": 15.0,
        "why": "unrepeated",
        "detail": "what was missed is gone",
    }


def test_the_summary_has_one_row_a_source(tocsin: Commands, server: Server) -> None:
    ran = tocsin("coverage", *WINDOW, "--summary", "--format", "json", "--source", "bluesky")
    (row,) = json.loads(ran.out)
    assert row == {"source": "bluesky", "part": "", "heard": 0.5, "known": 0.75, "lost": 7}


def test_strangers_words_are_harmless(tocsin: Commands, server: Server) -> None:
    assert "forged" in clean(tocsin("coverage", *WINDOW)).out
    assert "forged" in clean(tocsin("coverage", *WINDOW, "--format", "jsonl")).out


def test_nothing_known_is_said(tocsin: Commands, server: Server) -> None:
    ran = tocsin("coverage", "--from", "2020-01-01", "--to", "2020-01-02")
    assert ran.out == ""
    assert "nothing is known of any source" in ran.err


def test_a_window_has_a_beginning_before_its_end(tocsin: Commands, server: Server) -> None:
    said = tocsin.error("coverage", "--from", "2026-03-02", "--to", "2026-03-01")
    assert "--from (2026-03-02T00:00:00+00:00) must be before" in said

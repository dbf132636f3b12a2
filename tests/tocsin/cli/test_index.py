"""``tocsin index erase``: it says how much, asks, and erases."""

import io
import json
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch as Client

from runtime.settings import ElasticsearchSettings
from schemas.post import Author
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import upsert as upsert_of
from sinks.elasticsearch.writes.bulk import write
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch.events import INDEX, NAMES, upsert
from tests.tocsin.cli.commands import Commands


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as server:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", server.url)
        with connect(ElasticsearchSettings(url=server.url, request_timeout_s=20)) as client:
            index(client, "file:1", "file:2")
            index(client, "file:3", author="18")
        yield server


def index(client: Client, *ids: str, author: str = "17") -> None:
    events = [upsert(id_, 1, author=Author(id=author)) for id_ in ids]
    write(client, [upsert_of(event, NAMES) for event in events])


def living(server: Server) -> set[str]:
    return {id_ for (_, id_), document in server.documents.items() if "text" in document.source}


def recorded(server: Server) -> int:
    return len(server.sources(NAMES.erasures))


ERASE = ("index", "erase", "file", "17", "--index-only")
"""The name of before; the same command."""


def test_a_dry_run_counts_and_erases_nothing(tocsin: Commands, server: Server) -> None:
    ran = tocsin(*ERASE, "--dry-run")
    assert (ran.status, ran.err) == (0, "2 posts match; nothing is erased\n")
    assert living(server) == {"file:1", "file:2", "file:3"}
    assert recorded(server) == 0
    ran = tocsin("index", "erase", "nosuch", "foo", "--dry-run")
    assert (ran.status, ran.err) == (0, "0 posts match; nothing is erased\n")


def test_nobody_to_ask_means_no(tocsin: Commands, server: Server) -> None:
    said = tocsin.error(*ERASE)
    assert "2 posts match: erase what 17 of file wrote, for good?" in said
    assert "Repeat the command with --yes" in said
    assert len(living(server)) == 3 and recorded(server) == 0


def test_it_erases_and_remembers(tocsin: Commands, server: Server) -> None:
    ran = tocsin(*ERASE, "--yes")
    assert (ran.status, ran.err) == (0, "2 posts erased\n")
    assert "topic posts" in ran.out and "within 9 days" in ran.out
    assert living(server) == {"file:3"}
    assert recorded(server) == 1


def test_an_author_without_posts_is_remembered_for_what_is_still_in_the_topics(
    tocsin: Commands, server: Server
) -> None:
    ran = tocsin("index", "erase", "nosuch", "foo", "--yes", "--index-only")
    assert (ran.status, ran.err) == (0, "0 posts erased\n")
    assert recorded(server) == 1


def test_what_an_index_does_not_take_is_said(tocsin: Commands, server: Server) -> None:
    server.blocked = {INDEX: (403, "cluster_block_exception", "read-only")}
    ran = tocsin(*ERASE, "--yes")
    assert ran.status == 1 and "not all is erased yet" in ran.err
    (record,) = server.sources(NAMES.erasures).values()
    assert "done_at" not in record
    server.blocked = {}
    assert tocsin(*ERASE, "--yes").status == 0
    assert living(server) == {"file:3"}


def test_a_certificate_says_what_is_left(tocsin: Commands, server: Server) -> None:
    check = ("erase", "--check", "--index-only", "--json", "file", "17")
    ran = tocsin(*check)
    before = json.loads(ran.out)
    assert (ran.status, before["proven"]) == (1, False)
    assert tocsin(*ERASE, "--yes").status == 0
    ran = tocsin(*check)
    after = json.loads(ran.out)
    assert (ran.status, after["proven"]) == (0, True), ran.out
    verdicts = {each["place"]: each["verdict"] for each in after["places"]}
    assert verdicts["index mentions"] == "clean"
    assert verdicts["index erasures"] == "in time"
    assert "snapshots of Elasticsearch" in {each["place"] for each in after["elsewhere"]}


@pytest.mark.parametrize(("answer", "left"), [("n", 3), ("y", 1)])
def test_a_person_is_asked(
    tocsin: Commands, server: Server, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(io, "TextIOWrapper", Terminal)
    ran = tocsin(*ERASE, stdin=f"{answer}\n".encode())
    assert "erase what 17 of file wrote" in ran.err + ran.out
    assert len(living(server)) == left
    assert (ran.status == 0) is (answer == "y")

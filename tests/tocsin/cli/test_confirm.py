"""Every dangerous command asks on a terminal, refuses without one, and takes ``--yes``."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch as Client

from brands.registry import publish_brands
from docs import generate
from runtime.clock import utc_now
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT, DEAD_LETTER
from schemas.dead_letter import DeadLetter
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import upsert as upsert_of
from sinks.elasticsearch.writes.bulk import write
from tests.make import brand
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.servers.elasticsearch import ElasticsearchServer
from tests.sinks.elasticsearch.events import NAMES, upsert
from tests.tocsin.cli.commands import Commands
from tocsin.cli.confirm import DANGEROUS
from tocsin.cli.dead_letters import MAX_UNASKED


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[ElasticsearchServer]:
    with ElasticsearchServer() as server:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", server.url)
        settings = ElasticsearchSettings(url=server.url, request_timeout_s=20)
        with connect(settings) as client:
            _index(client)
        yield server


def _index(client: Client) -> None:
    write(client, [upsert_of(upsert("file:1", 1), NAMES)])


def prepare_brands(kafka: FakeKafka) -> None:
    publish_brands(load(KafkaSettings), [brand("a"), brand("b")], keep_others=False)
    Path("brands.yaml").write_text("brands: [{id: a, name: Velmora}]", "utf-8")


def prepare_checkpoint(kafka: FakeKafka) -> None:
    checkpoint = Checkpoint(source_id="bluesky", position="7", posts=1, saved_at=utc_now())
    kafka.send("tocsin.checkpoints", key=b"bluesky", value=CHECKPOINT.encode(checkpoint))


def prepare_letters(kafka: FakeKafka) -> None:
    letter = DeadLetter(
        service="process",
        reason="enrich_failed",
        detail="x",
        at=utc_now(),
        payload=b"{}",
        topic="tocsin.posts",
        partition=0,
        offset=0,
    )
    for _ in range(MAX_UNASKED + 1):
        kafka.send("tocsin.dead-letters", value=DEAD_LETTER.encode(letter))


CASES: dict[tuple[str, ...], tuple[list[str], Callable[[FakeKafka], None], str]] = {
    ("brands", "apply"): (["brands.yaml"], prepare_brands, "emove b"),
    ("checkpoints", "reset"): (["bluesky"], prepare_checkpoint, "position of bluesky"),
    ("dead-letters", "replay"): ([], prepare_letters, "Replay 101 dead letters"),
    ("detector", "rebuild"): ([], prepare_brands, "detector state of 2 brands"),
    ("erase",): (["file", "17", "--index-only"], lambda kafka: None, "for good"),
}
"""Command to arguments, what makes it dangerous, and what it asks."""


def test_the_table_is_what_the_commands_say() -> None:
    commands = generate.all_commands()
    with_yes = {
        name[1:]
        for name, command in commands.items()
        if any("--yes" in parameter.opts for parameter in command.params)
    }
    assert set(DANGEROUS) == set(CASES)
    assert set(DANGEROUS) <= with_yes
    for name in DANGEROUS:
        assert "ask" in commands["tocsin", *name].help, name


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", CASES, ids=" ".join)
def test_it_refuses_without_a_terminal_and_asks_on_one(
    tocsin: Commands,
    kafka: FakeKafka,
    index: ElasticsearchServer,
    monkeypatch: pytest.MonkeyPatch,
    name: tuple[str, ...],
) -> None:
    arguments, prepare, says = CASES[name]
    prepare(kafka)
    before = {topic: len(records) for topic, records in kafka.log.items()}
    ran = tocsin(*name, *arguments)
    assert ran.status == 2
    assert says in ran.err and "--yes" in ran.err
    monkeypatch.setattr(io, "TextIOWrapper", Terminal)
    ran = tocsin(*name, *arguments, stdin=b"n\n")
    assert ran.status == 1
    assert says in ran.err + ran.out and ran.err.endswith("nothing was changed\n")
    assert {topic: len(records) for topic, records in kafka.log.items()} == before
    assert not index.sources(NAMES.erasures)


@pytest.mark.parametrize("name", [name for name in CASES if name[0] != "detector"], ids=" ".join)
def test_a_yes_on_the_command_line_is_enough(
    tocsin: Commands, kafka: FakeKafka, index: ElasticsearchServer, name: tuple[str, ...]
) -> None:
    arguments, prepare, _ = CASES[name]
    prepare(kafka)
    assert tocsin(*name, *arguments, "--yes").status == 0


def test_a_replay_of_few_letters_or_of_named_ones_is_not_asked_about(
    tocsin: Commands, kafka: FakeKafka
) -> None:
    prepare_letters(kafka)
    assert "1 replayed" in tocsin("dead-letters", "replay", "0-3").err
    assert "0 replayed" in tocsin("dead-letters", "replay", "--service", "nosuch").err

"""One hostile text goes through every command that prints what strangers wrote; a terminal obeys
nothing of it. Data formats keep it exactly, behind escapes."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from brands.registry import publish_brands
from runtime import logs
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT, DEAD_LETTER
from schemas.dead_letter import DeadLetter
from sinks.alerts.store import Index
from sinks.elasticsearch.connection import connect
from tests.make import brand
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.servers.alert_index import AlertIndex
from tests.servers.elasticsearch import HEADERS
from tests.servers.http import Answer, FakeHttp
from tests.sinks.alerts.states import ID, NOW, hostile
from tests.tocsin.cli.commands import Commands, Ran

EVIL = "orange\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u061c\u2028\r\nFAKE\tforged\x7f\x00"
"""Clears the screen, sets the title, turns the line around and forges another one."""
BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def unsafe(text: str) -> set[str]:
    """Characters of an output that a terminal obeys; only the ends of lines are ours."""
    return {
        c
        for c in text
        if c != "\n"
        and (
            unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(c) in BIDI
            or c in "\u061c\u200e\u200f"
        )
    }


def clean(ran: Ran) -> Ran:
    assert not unsafe(ran.out), ran.out
    assert not unsafe(ran.err), ran.err
    return ran


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[AlertIndex]:
    with AlertIndex() as server:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", server.url)
        yield server


@pytest.fixture
def posts() -> Path:
    path = Path("posts.jsonl")
    lines = [
        {"id": f"1{EVIL}", "text": EVIL, "author": {"id": EVIL, "handle": EVIL, "name": EVIL}},
        {"id": "3", "text": EVIL, "source": EVIL, "lang": EVIL},
        {"id": "2", "text": EVIL, "url": f"https://a.example/{EVIL}", "hashtags": [EVIL]},
    ]
    text = "\n".join(map(json.dumps, lines)) + f"\nno JSON {EVIL}\n" + '{"id": ["\\u001b[2J"]}\n'
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["match", "posts.jsonl", "--query", "orange"],
        ["match", "posts.jsonl", "--query", "orange", "--spans"],
        ["match", "posts.jsonl", "--query", "orange", "--format", "jsonl"],
        ["annotate", "posts.jsonl", "--tier", "fast"],
        ["annotate", "posts.jsonl", "--tier", "fast", "--events"],
        ["annotate", "posts.jsonl", "--tier", "fast", "--format", "text"],
        ["query", "preview", "orange", "posts.jsonl"],
        ["query", "preview", "orange", "posts.jsonl", "--format", "json"],
        ["query", "explain", f'"{EVIL}"'],
        ["query", "explain", f"orange AND ({EVIL}"],
        ["query", "lint", f'"{EVIL}" OR orange'],
        ["query", "compile", f'"{EVIL}"', "--to", "elasticsearch"],
        ["query", "compile", f'"{EVIL}"', "--to", "x"],
        ["brands", "check", "brands.yaml", "posts.jsonl"],
        ["brands", "check", "brands.yaml", "posts.jsonl", "--format", "json"],
        ["ingest", "replay", f"absent{EVIL[:9]}.jsonl"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40].encode("unicode_escape").decode(),
)
def test_posts_and_queries(tocsin: Commands, posts: Path, arguments: list[str]) -> None:
    content = {"brands": [{"id": "a", "name": f"Orange {EVIL}", "names": ["orange", EVIL]}]}
    Path("brands.yaml").write_text(json.dumps(content), "utf-8")
    ran = clean(tocsin(*arguments))
    assert "Traceback" not in ran.err
    assert "range" in ran.out + ran.err or ran.status


def test_data_keeps_the_text_exactly(tocsin: Commands, posts: Path) -> None:
    ran = clean(tocsin("match", "posts.jsonl", "--query", "orange", "--format", "jsonl"))
    assert "FAKE\tforged" in json.loads(ran.out.splitlines()[1])["text"]
    assert "\x1b[2J" in json.loads(ran.out.splitlines()[0])["id"]


def test_brands_of_the_registry(tocsin: Commands, kafka: FakeKafka) -> None:
    publish_brands(load(KafkaSettings), [brand("a", name=EVIL)], keep_others=False)
    kafka.send("tocsin.brands", key=EVIL.encode(), value=b"{")
    Path("brands.yaml").write_text("brands: [{id: b, name: Velmora}]", "utf-8")
    for arguments in (["list"], ["diff", "brands.yaml"], ["apply", "brands.yaml"]):
        ran = clean(tocsin("brands", *arguments))
        assert "forged" in ran.out + ran.err


def test_checkpoints(tocsin: Commands, kafka: FakeKafka) -> None:
    checkpoint = Checkpoint(source_id=EVIL, position={"cursor": EVIL}, saved_at=NOW, posts=1)
    kafka.send("tocsin.checkpoints", key=EVIL.encode(), value=CHECKPOINT.encode(checkpoint))
    kafka.send("tocsin.checkpoints", key=b"x", value=EVIL.encode())
    assert "forged" in clean(tocsin("checkpoints", "list")).out
    assert "forged" in clean(tocsin("checkpoints", "list", "--format", "json")).out
    clean(tocsin("checkpoints", "reset", "nosuch"))
    clean(tocsin("checkpoints", "reset", EVIL))


def test_dead_letters(tocsin: Commands, kafka: FakeKafka) -> None:
    letter = DeadLetter(
        service=EVIL, reason="enrich_failed", detail=EVIL, source=EVIL, at=NOW,
        key=EVIL.encode(), payload=EVIL.encode(),
    )  # fmt: skip
    kafka.send("tocsin.dead-letters", value=DEAD_LETTER.encode(letter))
    for arguments in (["list"], ["list", "--format", "jsonl"], ["show", "0-0"]):
        assert "forged" in clean(tocsin("dead-letters", *arguments)).out
    shown = json.loads(tocsin("dead-letters", "show", "0-0").out)
    assert (shown["payload"], shown["key"]) == (EVIL, EVIL)
    clean(tocsin("dead-letters", "show", EVIL))


def test_alerts(tocsin: Commands, index: AlertIndex) -> None:
    with connect(ElasticsearchSettings(url=index.url, request_timeout_s=20)) as client:
        Index(client, "tocsin-alerts").deliver(hostile(), None)
    for arguments in (
        ["list"],
        ["list", "--format", "jsonl"],
        ["show", ID],
        ["show", ID, "--format", "json"],
        ["note", ID, EVIL, "--by", EVIL],
        ["assign", ID, EVIL, "--by", EVIL],
        ["show", ID],
        ["list"],
    ):
        assert clean(tocsin("alerts", *arguments)).status == 0
    clean(tocsin("alerts", "show", EVIL))


def test_what_elasticsearch_answers(tocsin: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"error": {"type": EVIL, "reason": EVIL}, "status": 400}).encode()
    with FakeHttp(decide=lambda request: Answer(400, body, HEADERS)) as server:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", server.url)
        for arguments in (["alerts", "list"], ["index", "setup"], ["index", "purge"]):
            ran = clean(tocsin(*arguments))
            assert ran.status and "Traceback" not in ran.err
        assert server.received


def test_lines_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console", "info")
    log = logs.get_logger("sink")
    log.error(
        "tombstone refused", id=EVIL, why=f"several words {EVIL}", listed=[EVIL], nested={EVIL: 1}
    )
    log.error(f"event {EVIL}")
    try:
        raise ValueError(EVIL)
    except ValueError:
        log.exception("failed", post=EVIL)
    written = capsys.readouterr().err
    assert not unsafe(written)
    assert "forged" in written and "Traceback" in written
    logs.configure("json", "info")
    log.error("tombstone refused", id=EVIL)
    line = capsys.readouterr().err
    assert not unsafe(line)
    assert json.loads(line)["id"] == EVIL

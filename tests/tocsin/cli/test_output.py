"""What commands print as rows: on standard output as data, the sentences on standard error."""

import json
import sys
from datetime import UTC, datetime

import pytest

from ingestors.checkpoints import TOPIC
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT
from schemas.dead_letter import DeadLetter
from tests.tocsin.cli.commands import Commands
from tocsin.cli.checkpoints import checkpoint_rows
from tocsin.cli.dead_letters import COLUMNS, letter_row
from tocsin.cli.output import counted, write_rows

NOW = datetime(2026, 3, 2, 12, 5, 7, tzinfo=UTC)
Capture = pytest.CaptureFixture[str]


def test_counts_have_the_right_noun() -> None:
    assert counted(1, "alert") == "1 alert"
    assert [counted(n, "alert") for n in (0, 2, 12_345)] == [
        "0 alerts",
        "2 alerts",
        "12,345 alerts",
    ]
    assert [counted(n, "query", "queries") for n in (1, 2)] == ["1 query", "2 queries"]


def test_an_empty_list_is_a_sentence_beside_the_data(capsys: Capture) -> None:
    assert write_rows([], ("id",), "json", empty="no open alert; 1 closed: --status all") == 0
    assert capsys.readouterr() == ("[]\n", "no open alert; 1 closed: --status all\n")
    assert write_rows([], ("id",), empty="no open alert") == 0
    assert capsys.readouterr() == ("", "no open alert\n")
    assert write_rows([("a",), ("b",)], ("id",), empty="no open alert") == 2
    assert capsys.readouterr() == ("id\na\nb\n", "")


def test_a_terminal_gets_no_spreadsheet(tocsin: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    # 'error' asserts the status and that standard output is empty.
    assert "--format xlsx > FILE.xlsx" in tocsin.error("topics", "list", "--format", "xlsx")


def test_topics_are_listed_in_every_format(tocsin: Commands) -> None:
    shown = tocsin("topics", "list")
    assert shown.out.startswith("topic  ")
    assert "\t" not in shown.out and max(map(len, shown.out.splitlines())) <= 80
    (posts, *_) = json.loads(tocsin("topics", "list", "--format", "json").out)
    assert (posts["topic"], posts["partitions"], posts["kept"]) == ("tocsin.posts", 8, "7 days")
    lines = tocsin("topics", "list", "--format", "jsonl").out.splitlines()
    assert json.loads(lines[0]) == posts
    assert tocsin("topics", "list", "--format", "csv").out.startswith(
        "topic,state,partitions,records,size,bytes,kept,description\n"
        "tocsin.posts,unknown,8,,,,7 days,"
    )


def test_checkpoints_are_rows_and_an_unreadable_one_too(capsys: Capture) -> None:
    checkpoint = Checkpoint(source_id="bluesky", position={"cursor": 7}, saved_at=NOW, posts=3)
    values = {b"x": b"{}", b"bluesky": CHECKPOINT.encode(checkpoint)}
    write_rows(checkpoint_rows(values), ("source_id", "saved_at", TOPIC, "position"), "jsonl")
    read = [list(json.loads(line).values()) for line in capsys.readouterr().out.splitlines()]
    assert read == [
        ["bluesky", "2026-03-02T12:05:07Z", 3, {"cursor": 7}],
        ["x", None, None, "{}"],
    ]


def test_a_dead_letter_is_a_row_without_anything_that_moves_the_cursor(capsys: Capture) -> None:
    letter = DeadLetter(
        service="process", reason="enrich_failed", detail="KeyError:\x1b[2J '\u202e'", at=NOW,
        payload=b"{}", topic="tocsin.posts", partition=0, offset=7,
    )  # fmt: skip
    write_rows([(*letter_row("0-17", letter), False)], COLUMNS)
    out = capsys.readouterr().out
    assert "0-17  " in out and "tocsin.posts/0/7" in out and "KeyError" in out
    assert not set(out) & {"\x1b", "\u202e", "\t"}

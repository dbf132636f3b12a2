"""``tocsin annotate``: lines in, annotated posts out, in order, and bad lines told."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotator_table import build_enricher
from runtime.settings import ProcessSettings
from schemas.brand import Brand
from schemas.codec import MENTION_EVENT
from tests.tocsin.cli.commands import Commands, Ran
from tests.tocsin.cli.posts import lines
from tocsin.cli.annotate import annotate_stream
from tocsin.offline.post_reader import Bad

BRANDS = "brands: [{id: velmora, name: Velmora}]"


@pytest.fixture
def tocsin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Commands:
    monkeypatch.chdir(tmp_path)
    # The models have tests of their own and take seconds to load.
    monkeypatch.setenv("TOCSIN_PROCESS_ANNOTATORS", "brands")
    (tmp_path / "brands.yaml").write_text(BRANDS)
    return Commands(monkeypatch, capsys)


def found(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.split("\n") if line]


def test_bare_lines_come_back_annotated_under_their_own_ids(tocsin: Commands) -> None:
    stdin = lines({"id": "1", "text": "Velmora!"}, {"id": 2, "text": "bye"})
    ran = tocsin("annotate", stdin=stdin)
    assert ran.status == 0
    first, second = found(ran)
    assert (first["id"], second["id"]) == ("1", 2)
    assert (first["key"], second["key"]) == ("file:1", "file:2")
    # What was not found is there as well: a reader need not guess which fields exist.
    assert first["brands"] == first["entities"] == first["intents"] == first["aspects"] == []
    assert "2 posts written, 0 lines are no posts" in ran.err


def test_whole_mention_events_on_request(tocsin: Commands) -> None:
    stdin = lines({"id": "1", "text": "hello"}, {"id": 2, "text": "bye"})
    ran = tocsin("annotate", "--events", stdin=stdin)
    events = [MENTION_EVENT.decode(line.encode()) for line in ran.out.splitlines()]
    assert [event.id for event in events] == ["file:1", "file:2"]
    assert [event.mention.post.text for event in events if event.mention] == ["hello", "bye"]


def test_targets_are_asked_for_by_the_line(tocsin: Commands) -> None:
    stdin = lines(
        {"id": "1", "text": "Good food, slow staff", "targets": ["food", "staff"]},
        {"id": "2", "text": "no targets"},
        {"id": "3", "text": "bad targets", "targets": [1]},
    )
    ran = tocsin("annotate", stdin=stdin)
    assert ran.status == 1
    assert "line 3: targets must be a list of strings" in ran.err
    first, second = found(ran)
    assert [target["text"] for target in first["targets"]] == ["food", "staff"]
    assert second["targets"] == []


def test_an_id_that_comes_twice_keeps_its_own_line(tocsin: Commands) -> None:
    stdin = lines({"id": "1", "text": "first", "targets": ["a"]}, {"id": 1, "text": "second"})
    first, second = found(tocsin("annotate", stdin=stdin))
    assert (first["id"], [target["text"] for target in first["targets"]]) == ("1", ["a"])
    assert (second["id"], second["targets"]) == (1, [])


def test_a_file_is_read_like_standard_input(tocsin: Commands, tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_bytes(lines({"id": "1", "text": "hello"}))
    ran = tocsin("annotate", "posts.jsonl", "--source", "forum")
    assert ran.status == 0
    assert [line["key"] for line in found(ran)] == ["forum:1"]


def test_nothing_in_is_nothing_out(tocsin: Commands) -> None:
    ran = tocsin("annotate", stdin=b"\n  \n")
    assert (ran.status, ran.out) == (0, "")


def test_bad_lines_are_told_counted_and_skipped(tocsin: Commands) -> None:
    stdin = b"".join(
        [
            lines({"id": "1", "text": "good"}),
            b"nonsense\n",
            b"\xff\xfe\n",
            b"\n",
            lines({"id": "2"}),
            lines({"id": "3", "text": "good too"}),
        ]
    )
    ran = tocsin("annotate", stdin=stdin)
    assert ran.status == 1
    assert [line["id"] for line in found(ran)] == ["1", "3"]
    assert [line.partition(":")[0] for line in ran.err.splitlines() if line.startswith("line")] == [
        "line 2",
        "line 3",
        "line 5",
    ]
    assert "2 posts written, 3 lines are no posts" in ran.err
    assert "Traceback" not in ran.err


def test_only_the_first_bad_lines_are_shown(tocsin: Commands) -> None:
    ran = tocsin("annotate", stdin=b"nonsense\n" * 500)
    assert ran.status == 1
    assert sum(line.startswith("line") for line in ran.err.splitlines()) == 10
    assert "500 lines are no posts" in ran.err


def test_with_brands_only_posts_that_name_one_are_written(tocsin: Commands) -> None:
    stdin = lines({"id": "1", "text": "Velmora!"}, {"id": "2", "text": "nothing"})
    ran = tocsin("annotate", "--brands", "brands.yaml", stdin=stdin)
    (line,) = found(ran)
    assert [brand["id"] for brand in line["brands"]] == ["velmora"]
    ran = tocsin("annotate", "--brands", "brands.yaml", "--all", stdin=stdin)
    assert len(ran.out.splitlines()) == 2


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 🇫🇷 é 日本語 नमस्ते مرحبا",
        "\u202eright to left\u202c",
        "line\nbreak\u2028and\u0085more",
        "a\x00b",
    ],
)
def test_any_text_is_one_line_out(tocsin: Commands, text: str) -> None:
    ran = tocsin("annotate", "--events", stdin=lines({"id": "1", "text": text}))
    assert ran.status == 0
    event = MENTION_EVENT.decode(ran.out.encode())
    assert event.mention is not None
    assert event.mention.post.text == text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def test_order_and_number_hold_over_chunks() -> None:
    count = 2_345
    source = io.BytesIO(lines(*({"id": number, "text": "Velmora"} for number in range(count))))
    target, bad = io.BytesIO(), Bad()
    matcher = BrandMatcher([Brand(id="velmora", name="Velmora")])
    enricher = build_enricher(ProcessSettings(annotators="brands"), lambda: matcher)
    written = list(annotate_stream(source, target, enricher, "file", bad))
    assert written == sorted(written)
    assert (written[-1], bad.count) == (count, 0)
    ids = [json.loads(line)["id"] for line in target.getvalue().splitlines()]
    assert ids == list(range(count))

"""``tocsin annotate``: lines in, annotated posts out, in order; bad lines are reported."""

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.batch import process
from processors.enrichment.encoder_choice import ALL, NONE, Choice
from processors.enrichment.enricher import Enricher
from processors.faust.messages import Incoming
from runtime.settings import ProcessSettings
from schemas.codec import MENTION_EVENT, POST_EVENT
from schemas.mention import MentionUpsert
from schemas.post import Author, PostEvent
from tests import make
from tests.tocsin.cli.commands import Commands, Ran, lines
from tocsin.cli.annotate import annotate_stream
from tocsin.offline.post_reader import PostReader

MATCHER = BrandMatcher([make.brand(handles=["velmora"])])


@pytest.fixture(autouse=True)
def brands_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The models have tests of their own and take seconds to load.
    monkeypatch.setenv("TOCSIN_PROCESS_ANNOTATORS", "brands")
    (tmp_path / "brands.yaml").write_text("brands: [{id: velmora, name: Velmora}]")


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
    assert "2 posts written\n" in ran.err
    nothing = tocsin("annotate", stdin=b"\n  \n")
    assert (nothing.status, nothing.out) == (0, "")


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


def test_bad_lines_are_told_counted_and_skipped(tocsin: Commands) -> None:
    good, bad = {"id": "1", "text": "good"}, {"id": "2"}
    stdin = lines(good) + b"nonsense\n\xff\xfe\n\n" + lines(bad, {"id": "3", "text": "good too"})
    ran = tocsin("annotate", stdin=stdin)
    assert ran.status == 1
    assert [line["id"] for line in found(ran)] == ["1", "3"]
    complaints = [line for line in ran.err.splitlines() if line.startswith("line")]
    assert [line.partition(":")[0] for line in complaints] == ["line 2", "line 3", "line 5"]
    assert "2 posts written, 3 lines skipped" in ran.err
    assert "Traceback" not in ran.err
    # Only the first ones are shown.
    ran = tocsin("annotate", stdin=b"{nonsense\n" * 500)
    assert ran.status == 1
    assert sum(line.startswith("line") for line in ran.err.splitlines()) == 10
    assert "500 lines skipped" in ran.err


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
    assert isinstance(event, MentionUpsert)
    assert event.mention.post.text == text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def test_order_and_number_hold_over_chunks() -> None:
    count = 2_345
    source = io.BytesIO(lines(*({"id": number, "text": "Velmora"} for number in range(count))))
    target, reader = io.BytesIO(), PostReader(source)
    enricher = build_enricher(ProcessSettings(annotators="brands"), lambda: MATCHER)
    written = list(annotate_stream(reader.events(), target, enricher))
    assert written == sorted(written)
    assert (written[-1], reader.bad.count) == (count, 0)
    ids = [json.loads(line)["id"] for line in target.getvalue().splitlines()]
    assert ids == list(range(count))


TEXTS = [
    "Velmora, you were wonderful today! Thank you to the whole crew ❤️",
    "Encore 3 heures de retard avec Velmora, je résilie dès demain 😡",
    "Velmora opens a shop in Paris on Monday.",
    "@velmora is it down for anyone else?",
    "RT @velmora: boycott Velmora after the data breach https://example.org/a",
]


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    return build_enricher(ProcessSettings(tier="accurate"), lambda: MATCHER)


def posted(number: int, text: str) -> PostEvent:
    author = Author(id=str(number), followers=10)
    return make.upsert(make.post(text, id=f"x:{number}", author=author), number)


def from_the_stream(enricher: Enricher, events: list[PostEvent], choice: Choice) -> list[Any]:
    batch = [
        Incoming("posts", 0, number, event.id.encode(), POST_EVENT.encode(event))
        for number, event in enumerate(events)
    ]
    outgoing = process(batch, enricher, lambda: make.AT, choice).outgoing
    mentions = [MENTION_EVENT.decode(sent.value) for sent in outgoing if sent.topic == "mentions"]
    return [msgspec.to_builtins(event.mention) for event in mentions]


def test_the_same_labels(enricher: Enricher) -> None:
    events = [posted(number, text) for number, text in enumerate(TEXTS)]
    source = io.BytesIO(b"".join(POST_EVENT.encode(event) + b"\n" for event in events))
    target, reader = io.BytesIO(), PostReader(source, source="x")
    written = list(annotate_stream(reader.events(), target, enricher))
    assert (written[-1], reader.bad.count) == (len(TEXTS), 0)
    found = [json.loads(line) for line in target.getvalue().splitlines()]
    for streamed, offline in zip(from_the_stream(enricher, events, ALL), found, strict=True):
        assert offline["tier"] == "accurate"
        for name, value in streamed.items():
            if name != "post":
                assert offline[name] == value, name


def test_a_batch_that_goes_fast_says_the_same_but_for_the_encoder(enricher: Enricher) -> None:
    events = [posted(number, text) for number, text in enumerate(TEXTS)]
    fast = from_the_stream(enricher, events, NONE)
    accurate = from_the_stream(enricher, events, ALL)
    for one, other in zip(fast, accurate, strict=True):
        assert (one["tier"], one["provenance"]["encoder"]) == ("fast", "skipped")
        for name in ("language", "duplicate_keys"):
            assert one[name] == other[name]
        assert "emotion" not in one and other["emotion"]["label"]


def test_a_table_of_posts_may_come_back_as_a_table(tocsin: Commands) -> None:
    stdin = b"tweet_id,tweet,user\n1,I love Velmora,ana\n2,nothing,bo\n"
    ran = tocsin("annotate", "--brands", "brands.yaml", "--format", "csv", stdin=stdin)
    header, row = ran.out.splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert (cells["id"], cells["author"], cells["brands"]) == ("1", "ana", "velmora")
    assert ran.err.splitlines()[0].startswith("read id from tweet_id, text from tweet")
    assert "leave out" in tocsin.error("annotate", "--events", "--format", "csv", stdin=stdin)

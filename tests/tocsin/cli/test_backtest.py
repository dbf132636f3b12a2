"""``tocsin backtest``: the past through the detector, as a chart and as lines."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from schemas.activity import Activity
from schemas.codec import ACTIVITY, ALERT, MENTION_EVENT
from schemas.mention import BrandMatch, Match, Sentiment
from schemas.post import Author
from tests import make
from tests.processors.detector.storms import START, calm, storm, together
from tests.tocsin.cli.commands import Commands
from tocsin.cli.backtest_svg import COLOURS

SVG = "{http://www.w3.org/2000/svg}"


def written(folder: Path, records: Iterable[Activity]) -> Path:
    path = folder / "activity.jsonl"
    path.write_bytes(b"\n".join(map(ACTIVITY.encode, records)) + b"\n")
    return path


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("backtest"), together(calm(24, 2), storm(18, 45, 20)))


def test_it_draws_and_lists_what_would_have_fired(tocsin: Commands, records: Path) -> None:
    ran = tocsin("backtest", "--brand", "velmora", str(records))
    assert ran.status == 0
    bars, marks, scale, _, alert, about, *rest = ran.out.splitlines()
    assert "█" in bars
    assert marks.strip() and set(marks.strip()) <= set("12345")
    assert scale.startswith("2026-03-02 00:")
    assert alert.startswith("2026-03-02 18:0")
    assert re.search(r"18:0\d UTC to 03-02 \d\d:\d\d  severity \d", alert)
    assert about == "  about: #velmoradown, panne"
    # Activity has no texts.
    assert rest == []
    assert "the posts of these alerts have no text here" in ran.err
    assert "1 alert in 1.0 days" in ran.err
    assert "a crisis needs 10 mentions in 5 minutes, or 20 in 30, by the brand's own" in ran.err


def test_json_is_every_state(tocsin: Commands, records: Path) -> None:
    ran = tocsin("backtest", "--brand", "velmora", "--json", str(records))
    states = [ALERT.decode(line.encode()) for line in ran.out.splitlines()]
    assert [state.status for state in states][:1] + [states[-1].status] == ["open", "close"]


def test_it_can_be_drawn(tocsin: Commands, records: Path, tmp_path: Path) -> None:
    picture = tmp_path / "chart.svg"
    ran = tocsin("backtest", "--brand", "velmora", str(records), "--svg", str(picture))
    assert ran.status == 0
    drawn = ElementTree.fromstring(picture.read_text("utf-8"))
    texts = [text for element in drawn.iter(f"{SVG}text") for text in element.itertext()]
    assert any("#velmoradown" in text for text in texts)
    titles = [element.text or "" for element in drawn.iter(f"{SVG}title")]
    assert any("velmora-2026-03-02T18:0" in text for text in titles)
    assert any(text.endswith("UTC: 1 alert") for text in texts)
    severity = re.search(r"severity (\d)", ran.out)
    assert severity is not None
    colours = [element.get("fill") for element in drawn.iter(f"{SVG}rect")]
    # Twice each severity that there was, and once all of them to say what the colours mean.
    assert colours.count(COLOURS[int(severity[1])]) == 3


def test_another_policy_is_compared(tocsin: Commands, records: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("brands: [{id: velmora, name: V, alerts: {minimum_volume: 100000}}]")
    ran = tocsin("backtest", "--brand", "velmora", str(records), "--policy", str(policy))
    summary, lost = ran.out.splitlines()[-2:]
    assert summary == "1 alert → 0, 1.0 → 0.0 a day with the other policy"
    assert lost.startswith("- 2026-03-02 18:0")
    policy.write_text("brands: [{id: velmora, name: V}]")
    ran = tocsin("backtest", "--brand", "velmora", str(records), "--policy", str(policy))
    assert ran.out.splitlines()[-1] == "the other policy changes nothing"


def test_another_policy_is_in_the_data_too(tocsin: Commands, records: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("brands: [{id: velmora, name: V, alerts: {minimum_volume: 100000}}]")
    arguments = ("backtest", "--brand", "velmora", str(records), "--policy", str(policy))
    (row,) = json.loads(tocsin(*arguments, "--format", "json").out)
    assert (row["policy"], row["change"]) == ("first", "only_first")
    assert row["opened_at"].startswith("2026-03-02T18:0")
    assert row["about"] == ["#velmoradown", "panne"]
    policy.write_text("brands: [{id: velmora, name: V}]")
    rows = csv.DictReader(io.StringIO(tocsin(*arguments, "--format", "csv").out))
    assert [(row["policy"], row["change"]) for row in rows] == [
        ("first", "same"),
        ("other", "same"),
    ]
    assert "--format json" in tocsin.error(*arguments, "--json")


def mention_events() -> Iterator[bytes]:
    """The records as mention events, with texts."""
    for number, each in enumerate(together(calm(24, 2), storm(18, 45, 20))):
        text = f"Velmora est en panne {' '.join(each.terms)} {number}"
        post = make.post(
            text,
            id=each.post_id,
            author=Author(id=each.author, handle=f"u{number}", followers=each.reach),
            created_at=each.at,
            url=f"https://x.com/i/status/{number}",
        )
        label = each.sentiment or "neutral"
        scores = {"positive": 0.1, "neutral": 0.1, "negative": 0.1, label: 0.8}
        mention = make.mention(
            post,
            brands=[BrandMatch(id="velmora", matches=[Match(text="Velmora", start=0, end=7)])],
            sentiment=Sentiment(label=label, score=each.score or 0, **scores),
        )
        yield MENTION_EVENT.encode(make.enriched(mention, at=each.at)) + b"\n"


@pytest.mark.parametrize("from_stdin", [False, True])
def test_an_alert_shows_its_posts(tocsin: Commands, tmp_path: Path, from_stdin: bool) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(mention_events()))
    given = ("-", path.read_bytes()) if from_stdin else (str(path), b"")
    ran = tocsin("backtest", "--brand", "velmora", given[0], stdin=given[1])
    lines = ran.out.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("- first: @u"))
    assert re.match(
        r"- first: @u\d+ <https://x.com/i/status/\d+> \(x, 2026-03-02 18:", lines[first]
    )
    assert lines[first + 1].startswith("  **Velmora** est en panne **#velmoradown")
    assert "- most seen: @u" in ran.out
    assert "have no text here" not in ran.err


def test_a_post_that_is_deleted_later_in_the_file_has_no_text(
    tocsin: Commands, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    events = list(mention_events())
    path.write_bytes(b"".join(events))
    picture = tmp_path / "a.svg"
    shown = tocsin("backtest", "--brand", "velmora", str(path), "--format", "json").out
    (row,) = json.loads(shown)
    number = int(row["first_url"].rpartition("/")[2])
    gone = make.enriched(make.delete(MENTION_EVENT.decode(events[number]).id))
    path.write_bytes(b"".join([*events, MENTION_EVENT.encode(gone), b"\n"]))
    ran = tocsin("backtest", "--brand", "velmora", str(path), "--svg", str(picture))
    assert row["first_author"] not in ran.out
    # The picture links to the first post, and tells the texts that are there.
    drawn = ElementTree.fromstring(picture.read_text("utf-8"))
    (anchor,) = drawn.iter(f"{SVG}a")
    assert anchor.get("href") == row["first_url"]
    assert "est en panne" in "".join(anchor.itertext())
    assert row["first_author"] not in "".join(anchor.itertext())


def test_a_part_of_the_time_is_enough(tocsin: Commands, records: Path) -> None:
    ran = tocsin("backtest", "--brand", "velmora", "--to", "2026-03-02T17:00Z", str(records))
    assert "no alert" in ran.out
    assert "0 alerts" in ran.err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--brand", "nobody"], 1, "there are no mentions of nobody"),
        (["--brand", "velmora", "--from", "monday"], 2, "must be a day or a time"),
        (["--brand", "velmora", "--brands", "no.yaml"], 2, "cannot be read"),
        (["--brand", "velmora", "--svg", "absent/chart.svg"], 2, "chart.svg cannot be written"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tocsin: Commands, records: Path, arguments: list[str], status: int, says: str
) -> None:
    assert says in tocsin.error("backtest", *arguments, str(records), status=status)


def test_other_lines_are_refused(tocsin: Commands, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"id": "1", "text": "a"}\n')
    assert "add --brands brands.yaml" in tocsin.error("backtest", "--brand", "velmora", str(path))


BLIND = START + timedelta(hours=6), START + timedelta(hours=9)


def test_a_time_without_data_is_marked_and_not_shown_as_calm(
    tocsin: Commands, tmp_path: Path
) -> None:
    records = [each for each in calm(12, per_minute=6) if not BLIND[0] <= each.at < BLIND[1]]
    ran = tocsin("backtest", "--brand", "velmora", str(written(tmp_path, records)))
    bars, _, blind, scale, _, told = ran.out.splitlines()
    assert set(blind) == {" ", "?"}
    # A column is ten minutes; those at the edges have records too.
    assert blind.count("?") == 19
    assert bars[blind.index("?") + 1 : len(blind) - 1].strip() == ""
    assert scale.startswith("2026-03-02 00:")
    assert told.startswith("? x blind since 2026-03-02 05:59 UTC, until 03-02 09:00;")


def test_another_brand_of_the_file_tells_that_a_source_was_heard(
    tocsin: Commands, tmp_path: Path
) -> None:
    records = [
        replace(each, brand="corvo") if BLIND[0] <= each.at < BLIND[1] else each
        for each in calm(12, per_minute=6)
    ]
    ran = tocsin("backtest", "--brand", "velmora", str(written(tmp_path, records)))
    assert "?" not in ran.out


def test_a_file_of_posts_is_tested_on_its_mentions(
    tocsin: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_PROCESS_ANNOTATORS", "brands,duplicates")
    (tmp_path / "brands.yaml").write_text("brands: [{id: velmora, name: Velmora}]")
    records = together(calm(24, 2), storm(18, 45, 20))
    rows = [f"{n},{each.at.isoformat()},u{n},Velmora {n}" for n, each in enumerate(records)]
    (tmp_path / "posts.csv").write_text("\n".join(["tweet_id,date,user,tweet", *rows]))
    ran = tocsin("backtest", "--brand", "velmora", "posts.csv", "--brands", "brands.yaml")
    assert ran.status == 0
    assert "text from tweet, created_at from date" in ran.err
    assert f"{len(records):,} mentions" in ran.err
    assert not any(line.startswith("?") for line in ran.out.splitlines())


def test_what_was_before_from_is_learnt_and_not_told(tocsin: Commands, tmp_path: Path) -> None:
    path = written(tmp_path, together(calm(72, 2), storm(18, 45, 20), storm(66, 45, 20, seed=2)))
    window = ("--from", "2026-03-04T17:50", "--to", "2026-03-05")
    ran = tocsin("backtest", "--brand", "velmora", *window, str(path))
    assert "1 alert in" in ran.err
    assert re.search(r"learnt before: [\d,]+ mentions in 2\.\d days", ran.err)
    assert "2026-03-04 18:0" in ran.out
    assert "2026-03-02" not in ran.out
    ran = tocsin("backtest", "--brand", "velmora", *window, "--json", str(path))
    states = [ALERT.decode(line.encode()) for line in ran.out.splitlines()]
    assert [state.status for state in states].count("open") == 1


def test_a_brand_whose_first_mention_is_its_crisis_is_told_by_a_file_with_others(
    tocsin: Commands, tmp_path: Path
) -> None:
    crisis = list(storm(18, 45, 10))
    alone = tocsin("backtest", "--brand", "velmora", str(written(tmp_path, crisis)))
    assert "0 alerts" in alone.err
    assert "nothing earlier was known" in alone.err
    others = [replace(one, brand="corvo", post_id=f"c{one.post_id}") for one in calm(24, 1)]
    path = written(tmp_path, together(others, crisis))
    ran = tocsin("backtest", "--brand", "velmora", str(path))
    assert "1 alert in" in ran.err
    assert "learnt before: 0 mentions in 0.7 days" in ran.err


def test_a_file_that_was_read_just_now_is_not_blind_though_a_post_claims_a_later_date(
    tocsin: Commands, tmp_path: Path
) -> None:
    records = list(calm(3, 4))
    end = records[-1].at
    read = [replace(one, ingested_at=end + timedelta(seconds=n / 100))
            for n, one in enumerate(records)]  # fmt: skip
    ahead = replace(read[-1], post_id="x:ahead", at=end + timedelta(hours=20))
    ran = tocsin("backtest", "--brand", "velmora", str(written(tmp_path, [*read, ahead])))
    assert "blind" not in ran.out

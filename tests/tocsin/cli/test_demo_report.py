"""The demo's summary as text: what a person reads, in 80 columns."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from processors.detector.backtest import BacktestAlert
from runtime.kafka.topic_stats import TopicLag
from schemas.alert import Evidence, Lift, ShownPost
from schemas.mention import BrandMatch, Match, Mention, Sentiment
from tests.make import alert, post
from text.terminal import columns
from tocsin.cli.demo_report import (
    COLUMNS,
    counts_text,
    hour_axis,
    print_alerts,
    print_summary,
    shown_ids,
    tiers_text,
)
from tocsin.cli.demo_summary import AuthorFigures, BrandFigures, Summary, WorstHour

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")


def screen() -> Console:
    return Console(file=io.StringIO(), width=COLUMNS, highlight=False)


def text_of(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def mention(text: str) -> Mention:
    match = Match(text="Velmora", start=text.index("Velmora"), end=text.index("Velmora") + 7)
    return Mention(
        post=post(text, source="x"),
        brands=[BrandMatch(id="velmora", matches=[match])],
        sentiment=Sentiment(label="negative", score=-0.9, negative=0.9, neutral=0.1, positive=0),
    )


def figures(brand: str = "velmora", **fields: Any) -> BrandFigures:
    defaults: dict[str, Any] = {
        "mentions": 100,
        "negative": 52,
        "positive": 14,
        "mean": -0.23,
        "entities": [("#VelmoraDown", 58), ("Nantes", 16)],
        "reasons": [("availability", 19), ("price", 8)],
        "hours": {START + HOUR * n: (n + 1, n // 2) for n in range(24)},
    }
    return BrandFigures(brand, **{**defaults, **fields})


def summary(**fields: Any) -> Summary:
    loud = AuthorFigures("@often", "reddit", 12, 3, ["velmora"])
    wide = AuthorFigures("@star", "x", 1, 1_400_000, ["velmora", "corvane"])
    defaults: dict[str, Any] = {
        "mentions": 100,
        "tiers": {"accurate": 100},
        "brands": [figures()],
        "loudest": [loud],
        "widest": [wide],
        "worst": WorstHour(
            "velmora", START + 14 * HOUR, 31, 21, [mention("Is Velmora down? " + "why " * 90)]
        ),
    }
    return Summary(**{**defaults, **fields})


def test_the_summary_says_what_an_analyst_wants_to_know() -> None:
    out = screen()
    print_summary(out, summary(), UTC)
    text = text_of(out)
    for part in (
        "velmora │      100 │      52% │      14% │          -0.23",
        "named with it: #VelmoraDown (58), Nantes (16)",
        "negative mentions are about: availability (19), price (8)",
        "Loudest: most mentions\n        12 mentions  @often on reddit: velmora",
        "Widest reach: most followers\n1,400,000 followers  @star on x: velmora, corvane",
        "The worst hour: velmora, 2026-05-01 14:00 UTC, 21 negative of 31 mentions",
        "-0.90 [x] Is **Velmora** down? why",
    ):
        assert part in text


def test_lines_are_wrapped_between_words_and_fit_the_screen() -> None:
    out = screen()
    many = [(f"entity-{n:04d}", n) for n in range(40)]
    wide = AuthorFigures("@" + "x" * 300, "x", 1, 9, ["brand"] * 40)
    brands = [figures("a" * 64, entities=many), figures("b", entities=[], reasons=[])]
    print_summary(out, summary(brands=brands, loudest=[wide], widest=[wide]), PARIS)
    lines = text_of(out).splitlines()
    assert max(columns(line) for line in lines) <= COLUMNS
    words = " ".join(line.strip() for line in lines)
    assert all(f"{name} ({n})" in words for name, n in many)


def test_the_hours_have_an_axis_in_the_zone_of_the_reader() -> None:
    out = screen()
    print_summary(out, summary(), PARIS)
    lines = text_of(out).splitlines()
    (at,) = (n for n, line in enumerate(lines) if line.startswith("By time"))
    assert lines[at] == "By time: a bar is an hour, from 2026-05-01 02:00 CEST"
    assert lines[at + 1].split()[:3] == ["mentions", "negative", "share"]
    assert lines[at + 2].startswith("velmora  ▁▁")
    first = lines[at + 3].index("02")
    assert lines[at + 2][first] == "▁"
    assert lines[at + 3].split() == ["02", "08", "14", "20"] * 2


def test_hours_that_nobody_mentions_the_brand_in_stay_in_place() -> None:
    out = screen()
    late = figures("late", hours={START + 23 * HOUR: (5, 5)})
    early = figures("early", hours={START: (5, 0)})
    print_summary(out, summary(brands=[late, early]), UTC)
    (line,) = (line for line in text_of(out).splitlines() if line.startswith("late   "))
    assert line == "late   " + " " * 23 + "█" + "   " + " " * 23 + "█"


def test_bars_of_a_long_time_are_longer_and_its_axis_has_days() -> None:
    out = screen()
    days = figures(hours={START + HOUR * n: (1, 0) for n in range(24 * 10)})
    print_summary(out, summary(brands=[days]), UTC)
    lines = text_of(out).splitlines()
    assert "By time: a bar is 5 hours, from 2026-05-01 00:00 UTC" in lines
    assert max(map(len, lines)) <= COLUMNS
    assert hour_axis([START + 5 * n * HOUR for n in range(12)], 5, UTC) == "01    02    "


def test_an_empty_summary_is_no_fault() -> None:
    out = screen()
    print_summary(out, Summary(0, {}, []), UTC)
    assert "Mentions by brand" in text_of(out)


def test_an_alert_shows_its_worst_state_and_posts_with_marks() -> None:
    shown = [ShownPost(id=name, role="first", at=START) for name in ("x:1", "x:2", "x:1")]
    lift = Lift(term="#velmoradown", count=9, expected=0.1, significance=50)
    states = [
        alert(1, severity=2, title="rising"),
        alert(2, severity=4, title="on fire", evidence=Evidence(lifted=[lift], shown=shown)),
        alert(3, "close", severity=4, title="over"),
    ]
    of = BacktestAlert("a", "velmora", START, START + 13 * HOUR, 4, states=states)
    assert shown_ids(of) == ["x:1", "x:2"]
    out = screen()
    print_alerts(out, [of], [[mention("Velmora again")]], UTC)
    text = text_of(out)
    assert "1 alert of that day" in text
    assert "13:00 severity 4  on fire (#velmoradown)" in text
    assert "-0.90 [x] **Velmora** again" in text
    assert "3 states (open, update, close) of 1 alert." in " ".join(text.split())


def test_the_numbers_are_explained() -> None:
    flow = TopicLag({"posts": 5_193, "mentions": 3_491, "dead-letters": 2})
    lines = counts_text(summary(mentions=3_260), flow, 5_000, "accurate")
    assert lines[:4] == [
        "Read: 5,193 post events (5,000 posts, and their edits and deletes).",
        "Written: 3,491 mention events: the posts that name a brand, and all edits and deletes.",
        "Found: 3,260 mentions: an edit replaces its post, a delete removes it.",
        "2 dead letters: what could not be read; 'tocsin dead-letters list' shows why.",
    ]
    (first, *_) = counts_text(summary(), TopicLag({"posts": 1}), None, "fast")
    assert first == "Read: 1 post events (a post, each edit and its delete are one event each)."


@pytest.mark.parametrize(
    ("tiers", "text"),
    [
        ({"accurate": 9}, "Models: the accurate tier (the encoder) read 100% of the mentions."),
        ({}, "Models: the fast tier (no encoder) read 100% of the mentions."),
        (
            {"accurate": 3, "fast": 1},
            "Models: the accurate tier (the encoder) read 75% of the mentions and the fast tier "
            "(no encoder) read 25% of the mentions.",
        ),
    ],
)
def test_the_share_of_each_tier_is_told(tiers: dict[str, int], text: str) -> None:
    assert tiers_text(summary(tiers=tiers), "fast").startswith(text)

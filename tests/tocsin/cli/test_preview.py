"""``tocsin query preview`` on files: counts, the chart, posts with their words, and clauses."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.tocsin.cli.commands import Commands, lines
from tocsin.cli.preview import chart
from tocsin.offline.preview import MAX_BARS, volume_of

FR = "Je déteste mon téléphone Orange, il est vraiment nul et cassé"
EN = "I love my Orange phone, it is really great and wonderful"


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def posts(*texts: str, source: str = "forum") -> bytes:
    """One post an hour."""
    return lines(
        *(
            {
                "id": number,
                "text": text,
                "source": source,
                "created_at": f"2026-03-{number // 24 + 1:02}T{number % 24:02}:30:00Z",
            }
            for number, text in enumerate(texts)
        )
    )


def preview(tocsin: Commands, query: str, stdin: bytes, *more: str) -> Any:
    ran = tocsin("query", "preview", query, "--json", *more, stdin=stdin)
    assert (ran.status, ran.err) == (0, "")
    return json.loads(ran.out)


def test_what_a_file_says(tocsin: Commands) -> None:
    answer = preview(tocsin, "orange NOT jus", posts(FR, EN, "rien", "jus d'orange", EN))
    assert (answer["read"], answer["matches"], answer["share"]) == (5, 3, 0.6)
    assert answer["languages"] == {"en": 2, "fr": 1}
    assert answer["sources"] == {"forum": 3}
    assert answer["sentiments"] == {"positive": 2, "negative": 1}
    assert answer["volume"] == {
        "interval": "hour",
        "counts": [
            {"start": f"2026-03-01T{hour:02}:00:00+00:00", "matches": count}
            for hour, count in enumerate([1, 1, 0, 0, 1])
        ],
    }
    assert answer["clauses"] == [
        {"clause": "NOT jus", "kind": "exclusion", "level": 0, "adds": 0, "removes": 1}
    ]
    assert [post["id"] for post in answer["sample"]] == ["forum:0", "forum:1", "forum:4"]
    assert answer["sample"][1]["spans"] == [{"field": "text", "start": 10, "end": 16}]


def test_people_see_words_bars_and_clauses(tocsin: Commands) -> None:
    stdin = posts(*[FR] * 3, *[EN] * 6, "jus d'orange")
    ran = tocsin("query", "preview", "(orange OR sosh) NOT jus", "--sample", "1", stdin=stdin)
    assert (ran.status, ran.err) == (0, "")
    assert "9 of 10 posts match (90 %)" in ran.out
    assert "One bar is an hour; the highest has 1 (2026-03-01 00:00)" in ran.out
    assert "en 67 %, fr 33 %" in ran.out
    assert "**Orange**" in ran.out
    rows = [line.split() for line in ran.out.splitlines()[-5:]]
    assert rows == [
        ["clause", "adds", "removes"],
        ["orange", "OR", "sosh"],
        ["orange", "9"],
        ["sosh", "0"],
        ["NOT", "jus", "1"],
    ]


def test_nothing_that_matches_still_shows_the_clauses(tocsin: Commands) -> None:
    ran = tocsin("query", "preview", "orange AND zorglub", stdin=posts(FR, EN))
    assert ran.status == 0
    assert "0 of 2 posts match" in ran.out
    assert [line.split() for line in ran.out.splitlines()[-2:]] == [["zorglub", "2"],
                                                                    ["orange", "0"]]  # fmt: skip
    assert "0 of 0 posts match" in tocsin("query", "preview", "orange", stdin=b"").out


def test_the_time_can_be_bounded(tocsin: Commands) -> None:
    stdin = posts(*["orange"] * 72)
    assert preview(tocsin, "orange", stdin, "--from", "2026-03-03")["read"] == 24
    assert preview(tocsin, "orange", stdin, "--until", "2026-03-01")["matches"] == 24
    between = ("--from", "2026-03-02T12:00Z", "--to", "2026-03-02T14:00Z")
    assert preview(tocsin, "orange", stdin, *between)["matches"] == 2
    assert "--from" in tocsin.error(
        "query", "preview", "orange", "--from", "yesterday", stdin=stdin
    )


def test_a_sample_is_drawn_from_all_and_is_the_same_again(tocsin: Commands) -> None:
    stdin = posts(*["orange"] * 300)
    ids = [
        [post["id"] for post in preview(tocsin, "orange", stdin, "--sample", "5")["sample"]]
        for _ in range(2)
    ]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 5
    assert max(int(id_.partition(":")[2]) for id_ in ids[0]) > 50
    assert preview(tocsin, "orange", stdin, "--sample", "0")["sample"] == []


def test_found_values_and_saved_queries_count_as_clauses(tocsin: Commands, tmp_path: Path) -> None:
    answer = preview(tocsin, "orange AND lang:(fr OR de)", posts(FR, EN, EN))
    assert {each["clause"]: each["removes"] for each in answer["clauses"]} == {
        "lang:(fr OR de)": 2, "lang:fr": 0, "lang:de": 0, "orange": 0,
    }  # fmt: skip
    (tmp_path / "saved.yaml").write_text("names: orange OR sosh\n", "utf-8")
    answer = preview(tocsin, "query:names AND phone", posts(FR, EN), "--queries", "saved.yaml")
    clauses = [each["clause"] for each in answer["clauses"]]
    assert clauses == ["phone", "orange OR sosh", "orange", "sosh"]


def test_a_long_post_is_cut_around_its_words(tocsin: Commands) -> None:
    stdin = posts("a\x1b[2J " * 200 + "Orange \u202e" + "b " * 400)
    ran = tocsin("query", "preview", "orange", stdin=stdin)
    (line,) = [line for line in ran.out.splitlines() if "**Orange**" in line]
    assert "…" in line
    assert len(line) < 400
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


def test_bad_lines_and_bad_arguments(tocsin: Commands, tmp_path: Path) -> None:
    ran = tocsin("query", "preview", "orange", stdin=posts(EN) + b"nonsense\n")
    assert ran.status == 1
    assert "1 of 1 posts match" in ran.out
    assert "line 2" in ran.err
    (tmp_path / "posts.jsonl").write_bytes(posts(EN))
    ran = tocsin("query", "preview", "orange", "posts.jsonl", "--index")
    assert (ran.status, ran.out) == (2, "")
    assert "not both" in ran.err
    assert tocsin("query", "preview", "-").status == 2
    assert "1 of 1" in tocsin("query", "preview", "-", "posts.jsonl", stdin=b"orange").out


@pytest.mark.parametrize(
    ("hours", "unit"),
    [(0, "minute"), (0.9, "minute"), (2, "hour"), (48, "hour"), (24 * 5, "day"),
     (24 * 100, "week"), (24 * 600, "month"), (24 * 365 * 20, "year")],
)  # fmt: skip
def test_bars_are_few_and_without_gaps(hours: float, unit: str) -> None:
    first = datetime(2004, 2, 29, 23, 30, tzinfo=UTC)
    volume = volume_of(Counter({first: 3, first + timedelta(hours=hours): 2}))
    assert volume.interval == unit
    assert len(volume.counts) <= MAX_BARS
    starts = [start for start, _ in volume.counts]
    assert starts == sorted(set(starts))
    assert sum(count for _, count in volume.counts) == (5 if hours else 2)
    assert all(len(line) <= 100 for line in chart(volume))


def test_the_smallest_count_shows() -> None:
    when = datetime(2026, 3, 1, tzinfo=UTC)
    counts = Counter({when: 10_000, when + timedelta(days=1): 1, when + timedelta(days=3): 1})
    bottom = chart(volume_of(counts))[-2]
    assert bottom.count("▁") >= 2


def test_the_old_names_of_the_bounds_still_work(tocsin: Commands) -> None:
    stdin = b'{"id": "1", "text": "orange", "created_at": "2026-03-01T10:00:00Z"}\n'
    for name in ("--since", "--from"):
        ran = tocsin("query", "preview", "orange", name, "2026-03-02", "--json", stdin=stdin)
        assert json.loads(ran.out)["read"] == 0
    assert "--since" not in tocsin("query", "preview", "--help").out


def test_days_are_those_of_the_zone_and_it_is_said(tocsin: Commands) -> None:
    # 22:30 to 01:30 in UTC is one evening in New York and the next day in Tokyo.
    texts = [
        f'{{"id": "{n}", "text": "orange", "created_at": "2026-03-0{n}T22:30:00Z"}}'
        for n in range(1, 5)
    ]
    stdin = ("\n".join(texts) + "\n").encode()
    tokyo = preview(tocsin, "orange", stdin, "--time-zone", "Asia/Tokyo", "--from", "2026-03-03")
    assert tokyo["matches"] == 3, "22:30 of the second is the third in Tokyo"
    assert tokyo["sample"][0]["id"] == "file:2"
    last = preview(tocsin, "orange", stdin, "--zone", "Asia/Tokyo", "--to", "2026-03-02")
    assert last["matches"] == 1
    shown = tocsin("query", "preview", "orange", "--zone", "Asia/Tokyo", stdin=stdin).out
    assert "in Asia/Tokyo" in shown
    assert "2026-03-02 07:30" in shown
    assert "--time-zone" in tocsin.error(
        "query", "preview", "orange", "--zone", "Mars/Olympus", stdin=stdin
    )


def test_the_zone_of_the_alerts_is_the_default(
    tocsin: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_ALERTS_TIME_ZONE", "America/New_York")
    stdin = b'{"id": "1", "text": "orange", "created_at": "2026-03-02T01:00:00Z"}\n'
    assert preview(tocsin, "orange", stdin, "--to", "2026-03-01")["matches"] == 1


@pytest.mark.parametrize(
    ("zone", "days", "bars"),
    [("Europe/Paris", 12, 13), ("America/Santiago", 12, 13), ("Asia/Kolkata", 12, 13)],
)
def test_a_day_of_25_or_23_hours_is_one_bar(zone: str, days: int, bars: int) -> None:
    """Paris and Santiago change their clocks within these days, Santiago at midnight."""
    for month, day in ((10, 20), (3, 24), (4, 1), (9, 1)):
        first = datetime(2026, month, day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        minutes = Counter(first + timedelta(hours=hour) for hour in range(24 * days))
        volume = volume_of(minutes, ZoneInfo(zone))
        assert volume.interval == "day"
        assert len(volume.counts) == bars
        counts = [count for _, count in volume.counts]
        assert sum(counts) == 24 * days
        assert set(counts[1:-1]) <= {23, 24, 25}


def test_the_hour_that_comes_twice_is_two_bars() -> None:
    first = datetime(2026, 10, 24, 22, tzinfo=UTC)
    minutes = Counter(first + timedelta(hours=hour) for hour in range(6))
    volume = volume_of(minutes, ZoneInfo("Europe/Paris"))
    assert [f"{start:%H:%M%z} {count}" for start, count in volume.counts] == [
        "00:00+0200 1", "01:00+0200 1", "02:00+0200 1", "02:00+0100 1", "03:00+0100 1",
        "04:00+0100 1",
    ]  # fmt: skip


def test_a_length_that_would_need_too_many_bars_becomes_a_longer_one() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    minutes = Counter(first + timedelta(days=day) for day in range(200))
    volume = volume_of(minutes, ZoneInfo("Europe/Paris"), "day")
    assert volume.interval == "week"
    assert len(volume.counts) <= MAX_BARS
    assert sum(count for _, count in volume.counts) == 200

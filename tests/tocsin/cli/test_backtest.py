"""``tocsin backtest``: the past through the detector, as a chart and as lines."""

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from schemas.activity import Activity
from schemas.codec import ACTIVITY, ALERT
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
    bars, marks, scale, _, alert, *rest = ran.out.splitlines()
    assert "█" in bars
    assert marks.strip() and set(marks.strip()) <= set("12345")
    assert scale.startswith("2026-03-02 00:")
    assert alert.startswith("2026-03-02 18:0")
    assert "#velmoradown" in alert
    assert rest == []
    assert "1 alert in 1.0 days" in ran.err


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
    assert any("velmora-2026-03-02T18:0" in text for text in texts)
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
    assert ran.out.splitlines()[-1].startswith("- 2026-03-02 18:0")
    policy.write_text("brands: [{id: velmora, name: V}]")
    ran = tocsin("backtest", "--brand", "velmora", str(records), "--policy", str(policy))
    assert ran.out.splitlines()[-1] == "the other policy changes nothing"


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

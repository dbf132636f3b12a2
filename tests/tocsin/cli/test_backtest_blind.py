"""``tocsin backtest``: a time without data is not shown as a calm one."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from schemas.codec import ACTIVITY
from tests.processors.detector.storms import START, calm
from tests.tocsin.cli.commands import Commands


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(monkeypatch, capsys)


def test_a_time_without_data_is_marked_and_not_shown_as_calm(
    tocsin: Commands, tmp_path: Path
) -> None:
    began, ended = START + timedelta(hours=6), START + timedelta(hours=9)
    records = [one for one in calm(12, per_minute=6) if not began <= one.at < ended]
    path = tmp_path / "activity.jsonl"
    path.write_bytes(b"\n".join(map(ACTIVITY.encode, records)))
    ran = tocsin("backtest", "--brand", "velmora", str(path))
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
    began, ended = START + timedelta(hours=6), START + timedelta(hours=9)
    records = [
        replace(one, brand="corvo") if began <= one.at < ended else one
        for one in calm(12, per_minute=6)
    ]
    path = tmp_path / "activity.jsonl"
    path.write_bytes(b"\n".join(map(ACTIVITY.encode, records)))
    ran = tocsin("backtest", "--brand", "velmora", str(path))
    assert "?" not in ran.out

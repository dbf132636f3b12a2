"""``tocsin backtest``: the past through the detector, as a chart and as lines."""

from pathlib import Path

import pytest

from schemas.codec import ACTIVITY, ALERT
from tests.crisis.storms import calm, storm, together
from tests.tocsin.commands import Commands


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(monkeypatch, capsys)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backtest") / "activity.jsonl"
    lines = [ACTIVITY.encode(one) for one in together(calm(24, 2), storm(18, 45, 20))]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


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
        (["--brand", "nobody"], 1, "nothing is said of nobody"),
        (["--brand", "velmora", "--from", "monday"], 2, "write a day or a time"),
        (["--brand", "velmora", "--brands", "no.yaml"], 2, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tocsin: Commands, records: Path, arguments: list[str], status: int, says: str
) -> None:
    ran = tocsin("backtest", *arguments, str(records))
    assert ran.status == status
    assert says in ran.err


def test_other_lines_are_refused(tocsin: Commands, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"id": "1", "text": "a"}\n')
    ran = tocsin("backtest", "--brand", "velmora", str(path))
    assert ran.status == 2
    assert "tocsin annotate --events" in ran.err

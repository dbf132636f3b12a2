"""The start-up benchmark measures what a process takes, and writes it down."""

from pathlib import Path

from benchmarks.startup import POSTS, Start, commands, measured, report, services, write_inputs


def test_a_process_is_measured() -> None:
    held = "x = b'x' * 100 * 2**20; raise SystemExit(3)"
    figures = measured(Start("holds memory", ["-c", held]), 2)
    assert len(figures.seconds) == len(figures.cpu_s) == 2
    assert 100 < figures.peak_mib < 300
    assert figures.status == 3
    assert measured(Start("nothing", ["-I", "-S", "-c", "pass"]), 1).peak_mib < 30
    page = report({"holds memory": figures}, 2, "python -m benchmarks.startup")
    assert "| holds memory |" in page
    assert "2 runs each" in page


def test_every_row_has_its_inputs(tmp_path: Path) -> None:
    posts, english, activity = write_inputs(tmp_path)
    assert len(posts.read_text("utf-8").splitlines()) == len(POSTS)
    assert len(english.read_text("utf-8").splitlines()) == 4
    assert len(activity.read_bytes().splitlines()) == 2_000
    rows = [*commands(posts, english, activity), *services()]
    assert len({row.name for row in rows}) == len(rows)

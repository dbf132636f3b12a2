"""``tocsin demo`` as a person uses it, on a real Kafka and the embedded Elasticsearch."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runtime.kafka.topic_stats import TopicLag
from tests.stack_fixtures import stack_dir
from tests.tocsin.cli.commands import Commands
from tocsin.cli.demo import nothing_to_show

__all__ = ["stack_dir"]
PATIENCE_S = 480.0


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder.chmod(0o755)  # else root's servers keep their data elsewhere
    environment = {**os.environ, "TOCSIN_PROCESS_ANNOTATORS": "language,brands,sentiment,entities"}
    return subprocess.run(
        [sys.executable, "-m", "tocsin", "demo", "--stack", "embedded", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def _two_of_one_day(folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Two demos of yesterday; once more where midnight (UTC) came between, as in CI it did."""
    for _ in range(2):
        day = datetime.now(UTC).date()
        runs = [demo(folder, "--posts", "300", "--tier", "fast") for _ in range(2)]
        if datetime.now(UTC).date() == day:
            break
    return runs


@pytest.mark.embedded
def test_the_demo_answers_from_the_index_and_the_same_seed_gives_the_same_figures(
    stack_dir: Path,
) -> None:
    runs = _two_of_one_day(stack_dir)
    for run in runs:
        assert run.returncode == 0, run.stderr
        for part in (
            "Mentions by brand",
            "By time: a bar is an hour",
            "Loudest: most mentions",
            "Widest reach: most followers",
            "The worst hour: ",
            "Read: ",
            "(300 posts, and their edits and deletes).",
            "Models: the fast tier (no encoder) read 100% of the mentions.",
        ):
            assert part in run.stdout
        assert max(map(len, run.stdout.splitlines())) <= 80
        assert "What next?" in run.stderr
        assert not (stack_dir / ".tocsin" / "running.json").exists()
    first, second = (run.stdout.partition(" s in all")[0].rpartition("\n")[0] for run in runs)
    assert first == second


@pytest.mark.embedded
def test_the_demo_replays_a_file_with_brands_of_ones_own(stack_dir: Path) -> None:
    (stack_dir / "brands.yaml").write_text("brands:\n  - {id: velmora, name: Velmora}\n")
    posts = "\n".join(
        f'{{"id": "{n}", "text": "Velmora number {n}", "created_at": "2026-05-01T10:0{n}:00Z"}}'
        for n in range(5)
    )
    (stack_dir / "posts.jsonl").write_text(f"{posts}\nnot json\n")
    run = demo(stack_dir, "--data", "posts.jsonl", "--brands", "brands.yaml", "--tier", "fast")
    assert run.returncode == 0, run.stderr
    assert "Found: 5 mentions" in run.stdout
    assert "1 dead letter: what could not be read" in run.stdout


@pytest.mark.embedded
def test_a_file_of_which_no_post_names_a_brand_is_one_sentence(stack_dir: Path) -> None:
    (stack_dir / "brands.yaml").write_text("brands:\n  - {id: velmora, name: Velmora}\n")
    (stack_dir / "posts.jsonl").write_text('{"id": "1", "text": "nothing of note"}\n')
    run = demo(stack_dir, "--data", "posts.jsonl", "--brands", "brands.yaml", "--tier", "fast")
    assert run.returncode == 2, run.stdout
    assert "tocsin: no post names a brand: 1 posts were read" in run.stderr
    assert "404" not in run.stderr


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"dead-letters": 40}, "all 40 rows are dead letters, the first one since it is no post;"),
        ({}, "there is no post in the file"),
        (
            {"posts": 3, "mentions": 3, "dead-letters": 1},
            "no post names a brand: 3 posts were read",
        ),
    ],
)
def test_why_there_is_nothing_to_show(written: dict[str, int], sentence: str) -> None:
    told = nothing_to_show(TopicLag(written), lambda: "it is no post")
    assert told is not None and told.startswith(sentence)


def test_where_there_are_mentions_nothing_is_asked() -> None:
    flow = TopicLag({"posts": 1, "mentions": 1, "activity": 1, "dead-letters": 9})
    assert nothing_to_show(flow, lambda: pytest.fail("not needed")) is None


def test_a_missing_file_and_missing_brands_are_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tocsin = Commands(monkeypatch, capsys)
    assert "nosuch.csv is not a file" in tocsin.error("demo", "--data", "nosuch.csv")
    (tmp_path / "own.csv").write_text("id,text\n")
    assert "own.csv needs --brands brands.yaml" in tocsin.error("demo", "--data", "own.csv")
    assert not (tmp_path / ".tocsin").exists()

"""Runs the mutants: each in a copy of the tree, against the tests that must kill it.

``make mutants``, or ``python -m tests.chaos.mutants [words of a name]``. The exit status is 1 if
one survives. A run that exceeds its time counts as killed: the mutant hangs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.chaos.mutant import Mutant
from tests.chaos.mutant_table import MUTANTS

ROOT = Path(__file__).parents[2]
LIMIT_S = 240.0
"""For the tests of one mutant; most need ten seconds."""
_LEFT_OUT = (".git", ".venv*", ".tocsin", "__pycache__", ".*_cache", "*.egg-info", ".hypothesis")
Verdict = Literal["killed", "hung", "SURVIVED", "BROKEN"]
"""``BROKEN``: the tests do not pass without the mutant either, so they show nothing."""


class Unmatched(Exception):
    """The old text of a mutant does not stand exactly once in its file."""


@dataclass(frozen=True)
class Result:
    mutant: Mutant
    verdict: Verdict
    seconds: float


def mutated(mutant: Mutant, root: Path = ROOT) -> str:
    """The text of the file with the mutant."""
    text = (root / mutant.file).read_text("utf-8")
    if (found := text.count(mutant.old)) != 1:
        raise Unmatched(f"{mutant.name}: its text stands {found} times in {mutant.file}")
    return text.replace(mutant.old, mutant.new)


def run_tests(tree: Path, tests: Sequence[str]) -> Verdict:
    """Runs tests in a tree: it passes for SURVIVED."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    try:
        ran = subprocess.run(
            [*command, *tests],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), "CI": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hung"
    return "SURVIVED" if ran.returncode == 0 else "killed"


def try_mutant(mutant: Mutant, tree: Path) -> Result:
    """Puts the mutant into the tree, runs its tests, and takes it out again."""
    began = time.monotonic()
    path = tree / mutant.file
    before = path.read_text("utf-8")
    path.write_text(mutated(mutant, tree), "utf-8")
    try:
        verdict = run_tests(tree, mutant.tests)
    finally:
        path.write_text(before, "utf-8")
    return Result(mutant, verdict, time.monotonic() - began)


def main(words: Sequence[str]) -> int:
    wanted = [m for m in MUTANTS if all(word in f"{m.name} {m.file}" for word in words)]
    results = []
    with tempfile.TemporaryDirectory(prefix="tocsin-mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        for tests in sorted({mutant.tests for mutant in wanted}):
            if run_tests(tree, tests) != "SURVIVED":
                print(f"BROKEN: {' '.join(tests)} fails without a mutant", flush=True)
                return 2
        for number, mutant in enumerate(wanted, start=1):
            result = try_mutant(mutant, tree)
            results.append(result)
            told = f"{result.verdict:8} {result.seconds:5.1f} s  {mutant.file}: {mutant.name}"
            print(f"{number:3}/{len(wanted)} {told}", flush=True)
    alive = [result for result in results if result.verdict == "SURVIVED"]
    print(f"{len(results) - len(alive)} killed, {len(alive)} survived")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

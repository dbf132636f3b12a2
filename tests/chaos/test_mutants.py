"""The table of mutants does not rot, and the runner tells killed from survived."""

import ast
from pathlib import Path

import pytest

from tests.chaos.mutant import Mutant
from tests.chaos.mutant_table import MUTANTS
from tests.chaos.mutants import ROOT, Unmatched, mutated, try_mutant

MIN_MUTANTS = 100


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_mutant_matches_once_and_is_code(mutant: Mutant) -> None:
    ast.parse(mutated(mutant))
    for test in mutant.tests:
        assert (ROOT / test).exists(), f"{test} is gone"


def test_there_are_enough_mutants_and_no_name_twice() -> None:
    assert len(MUTANTS) >= MIN_MUTANTS
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_every_invariant_of_the_architecture_names_its_files_tests_and_mutants() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = page.partition("What holds them:")[2].partition("\nWhat is **not**")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| ")][2:]
    by_name = {mutant.name: mutant for mutant in MUTANTS}
    named = []
    for invariant, *cells in rows:
        if not cells[1].strip():
            assert cells[3].strip(), f"{invariant}: neither a test nor a scenario"
            continue
        files, tests = (cell.replace("`", "").strip().split(", ") for cell in cells[:2])
        mutants = [by_name[name] for name in cells[2].strip().split("; ")]
        assert all((ROOT / path).is_file() for path in files + tests), invariant
        assert {mutant.file for mutant in mutants} <= set(files), invariant
        assert {test for mutant in mutants for test in mutant.tests} == set(tests), invariant
        named += [mutant.name for mutant in mutants]
    assert sorted(named) == sorted(by_name), "each mutant breaks one invariant"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "sum.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "test_strong.py").write_text(
        "from sum import add\ndef test_it():\n    assert add(2, 3) == 5\n"
    )
    (tmp_path / "test_weak.py").write_text("def test_it():\n    pass\n")
    return tmp_path


def test_a_mutant_that_a_test_notices_is_killed_and_taken_out(tree: Path) -> None:
    mutant = Mutant("minus", "sum.py", "a + b", "a - b", ("test_strong.py",))
    assert try_mutant(mutant, tree).verdict == "killed"
    assert "a + b" in (tree / "sum.py").read_text()


def test_a_mutant_that_no_test_notices_survives(tree: Path) -> None:
    mutant = Mutant("minus", "sum.py", "a + b", "a - b", ("test_weak.py",))
    assert try_mutant(mutant, tree).verdict == "SURVIVED"


def test_a_text_that_is_not_there_is_an_error(tree: Path) -> None:
    with pytest.raises(Unmatched, match="0 times"):
        mutated(Mutant("gone", "sum.py", "a * b", "a", ()), tree)

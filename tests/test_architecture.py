"""The shape of the house: layers, places, names, sizes. Every rule is an error, with its reason."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["importlinter"]["root_packages"]
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

MAX_LINES = 400
MIN_LINES = 60
MIN_FILES, MAX_FILES = 2, 14

ROLES = {"app", "worker", "service", "source", "base", "errors", "posts"}
"""The basenames that may repeat: the same role in each service, source or language."""
COMMANDS = ROOT / "tocsin" / "cli"
"""One module a command, named after it; so it may repeat a name and hold any number of files."""
NOUNS = {"mapping", "matching", "pacing", "routing", "spelling", "splitting", "embedded"}
"""Terms of the field that end as participles do, and the stack that users call ``embedded``. Any
other -ing or -ed names nothing."""
ONE_EACH = {"schemas", "processors/enrichment/annotators", "sinks/alerts/channels"}
"""Folders with one file a kind (message, annotator, channel): a file is as long as its kind is, and
there are as many files as there are kinds."""
SMALL = {
    "processors/detector/state/volume_batch.py": "many brands at once; apart from the one brand",
    "ingestors/checkpoints.py": "an interface of two functions",
    "ingestors/x/reconnects.py": "a type; pure, so apart from the connection",
    "processors/app.py": "an entry point: the old name, until 0.3.0",
    "processors/enrichment/second_opinion.py": "pure; one rule",
    "processors/kernels/compiler.py": "an interface of two functions",
    "processors/kernels/prefetch.py": "one instruction, for any kernel",
    "processors/models/artifact_files.py": "an interface that four models share",
    "queries/language/errors.py": "a type",
    "queries/language/tree.py": "an interface: walks over a tree",
    "queries/matching/query_matcher.py": "the entry point of matching",
    "runtime/backoff.py": "an interface",
    "runtime/tower_metrics.py": "the metrics of one application",
    "runtime/configuration/secret_files.py": "an interface of two functions",
    "sinks/elasticsearch/plan.py": "types, and the function that makes them",
    "text/clauses.py": "one of the readers of text",
    "runtime/collector.py": "an interface of one function",
    "text/everyday.py": "one of the readers of text",
    "text/recent.py": "a type",
    "text/spelling.py": "an interface of two functions",
    "tocsin/checkup/checks.py": "an interface: the list of checks",
    "tocsin/local/early_start.py": "an entry point",
    "tocsin/local/stack/external.py": "one of the three stacks",
    "tocsin/local/tower_address.py": "a type",
    "tower/desk/activity_history.py": "an interface of one function",
    "processors/enrichment/spoken_languages.py": "one rule",
    "tower/live/event_format.py": "a wire format",
    "tower/live/withdrawals.py": "a type",
    "tower/questions/question_table.py": "an interface: the list of questions",
}
"""Files below ``MIN_LINES`` and why: a type, an interface, or an entry point."""
BEYOND_SOURCE = {
    "browser",
    "engines",
    "servers",
    "deploy",
    "docs",
    "benchmarks",
    "training",
    "chaos",
}
"""Folders of tests that mirror no package: whole-system tests, fakes, and what is not packaged."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


def test_the_contracts_of_imports_hold() -> None:
    # What the command 'lint-imports' calls; it is a command line, and so has a process of its own.
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    ran = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 broken" in ran.stdout


def test_every_package_is_listed() -> None:
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert patterns == [f"{name}*" for name in PACKAGES]
    assert PROJECT["tool"]["mypy"]["packages"] == PACKAGES
    for module in MODULES:
        assert (module.parent / "__init__.py").is_file(), f"{name_of(module)} is in no package"


@each_module
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), "a module has a docstring"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_says_what_may_live_in_it_and_what_never(name: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / name / "__init__.py").read_text("utf-8"))) or ""
    assert re.search(r"\b[Hh]ere live", docstring), f"{name}: say what lives here"
    assert re.search(r"\b[Nn]ever\b", docstring), f"{name}: say what never does"


@each_module
def test_a_file_is_one_thought(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= MAX_LINES, "split it by subject"
    if path.name.startswith("__") or path.parent == COMMANDS or name_of(path) in SMALL:
        return
    if name_of(path.parent) in ONE_EACH:
        return
    assert lines >= MIN_LINES, "merge it with its only user, or say in SMALL why it stands alone"


def test_the_list_of_small_files_is_needed() -> None:
    for name in SMALL:
        path = ROOT / name
        assert path.is_file(), f"{name} is gone: take it off the list"
        assert len(path.read_text("utf-8").splitlines()) < MIN_LINES, f"{name} is not small"


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_can_be_taken_in_at_a_glance(folder: Path) -> None:
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    inner = [path for path in FOLDERS if path.parent == folder]
    if folder != COMMANDS:
        assert len(modules) + len(inner) >= MIN_FILES
        assert len(modules) <= MAX_FILES or name_of(folder) in ONE_EACH


def test_no_basename_is_used_twice() -> None:
    stems = [
        path.stem for path in MODULES if path.parent != COMMANDS and not path.stem.startswith("__")
    ]
    twice = {stem for stem, count in Counter(stems).items() if count > 1}
    assert twice <= ROLES, f"a reader cannot guess which {sorted(twice - ROLES)} is meant"


@each_module
def test_a_file_is_named_by_a_noun(path: Path) -> None:
    words = set(path.stem.strip("_").split("_")) | set(path.parent.name.split("_"))
    assert not words & {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    participles = {word for word in words - NOUNS if re.search(r"..(ed|ing)$", word)}
    assert not participles, f"{participles} names nothing"


@each_module
def test_limits_are_named_max_and_min(path: Path) -> None:
    names = {
        node.id
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    odd = {
        name
        for name in names
        if re.match(r"_?(MOST|LEAST|LONGEST|SHORTEST|FEWEST|DEEPEST|LARGEST)(_|$)", name)
    }
    assert not odd, f"{odd}: limits are MAX_ and MIN_"


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_the_test_of_a_file_is_found_by_its_path(path: Path) -> None:
    folder = path.parent.relative_to(ROOT / "tests")
    if not folder.parts or folder.parts[0] in BEYOND_SOURCE:
        return
    source = ROOT / folder
    assert source.is_dir(), f"there is no {name_of(source)}"
    subject = path.stem.removeprefix("test_")
    # What serves tests alone (a reference, a comparison) is tested beside itself.
    stems = {entry.stem for entry in (*source.iterdir(), *path.parent.iterdir())} | {source.name}
    stems.discard(path.stem)
    assert any(subject == stem or subject.startswith(f"{stem}_") for stem in stems), (
        f"{name_of(source)} has no module {subject}"
    )

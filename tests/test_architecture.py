"""The shape of the code: layers, docstrings, sizes and names."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["importlinter"]["root_packages"]
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
MOST_LINES = 400


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_go_one_way() -> None:
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


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring, f"{name_of(path)} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_has_one_subject(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_name_says_what_is_inside(path: Path) -> None:
    words = set(path.stem.strip("_").split("_")) | set(path.parent.name.split("_"))
    assert not words & {"utils", "util", "helpers", "helper", "common", "manager", "misc"}

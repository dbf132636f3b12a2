"""The bill of materials says what is in the lock, and an audit that asked nobody is no success."""

import importlib.util
import json
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from tests.deploy.compose import DOCKERFILE, TOP

REQUIREMENTS = TOP / "requirements"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REQUIREMENTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sbom, audit = script("sbom"), script("audit")


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    command = [sys.executable, str(REQUIREMENTS / "sbom.py"), str(REQUIREMENTS / "runtime.txt")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def test_every_package_of_the_lock_is_listed_with_its_hashes(bill: dict[str, Any]) -> None:
    locked = sbom.read_lock((REQUIREMENTS / "runtime.txt").read_text("utf-8"))
    assert len(locked) > 50
    listed = {(each["name"], each["version"]): each for each in bill["components"]}
    assert listed.keys() == {(name, version) for name, version, _ in locked}
    for name, version, hashes in locked:
        assert [each["content"] for each in listed[name, version]["hashes"]] == hashes
        assert hashes, name
    assert len({each["bom-ref"] for each in bill["components"]}) == len(locked)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")


def test_the_installed_packages_have_licences(bill: dict[str, Any]) -> None:
    licensed = [each["name"] for each in bill["components"] if each.get("licenses")]
    assert len(licensed) > 0.8 * len(bill["components"])
    assert {"kafka-python", "elasticsearch", "spacy"} <= set(licensed)


def test_the_same_lock_gives_the_same_bill(bill: dict[str, Any]) -> None:
    assert sbom.bill(REQUIREMENTS / "runtime.txt") == bill
    assert "sbom.py requirements/runtime.txt > /opt/tocsin/sbom.cdx.json" in DOCKERFILE


@pytest.mark.parametrize(
    ("packages", "status", "says"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "no known vulnerability"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}],
            1,
            "a 1: CVE-1, mended in 2",
        ),
        (
            [
                {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": []}]},
                {"name": "b", "skip_reason": "not found"},
            ],
            1,
            "no version yet",
        ),
        ([{"name": "b", "skip_reason": "not found"}], 3, "1 of 1 packages could not be looked up"),
        ([], 3, "0 of 0"),
    ],
)
def test_the_verdict_of_an_audit(packages: list[dict[str, Any]], status: int, says: str) -> None:
    found = audit.verdict({"dependencies": packages})
    assert found.status == status
    assert says in found.lines[0]

"""Writes the bill of materials of a lock: CycloneDX 1.6 in JSON, to standard output.

    .venv/bin/python requirements/sbom.py requirements/runtime.txt > sbom.cdx.json

Names, versions and hashes are those of the lock. Licences are those that the installed packages
declare, in the environment of the Python that runs this. A package that is not installed here (of
another platform) has none. The same lock gives the same file: it has no date and no serial number.
"""

import argparse
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

TOP = Path(__file__).parent.parent
_PACKAGE = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_CLASSIFIER = "License :: OSI Approved :: "
MAX_LICENCE_CHARS = 100
"""A longer one is the whole text of a licence, from which no name can be told."""


class Locked(NamedTuple):
    name: str
    version: str
    hashes: list[str]
    """SHA-256 of each file that may be installed, in hexadecimal."""


def read_lock(text: str) -> list[Locked]:
    """The packages of a lock, in its order."""
    packages: list[Locked] = []
    for line in text.splitlines():
        if match := _PACKAGE.match(line):
            packages.append(Locked(match[1], match[2], []))
        if packages:
            packages[-1].hashes.extend(_HASH.findall(line))
    return packages


def licences_of(name: str) -> list[dict[str, Any]]:
    """What an installed package declares: an SPDX expression, else names; empty if nothing."""
    try:
        declared: Any = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    if expression := declared.get("License-Expression"):
        return [{"expression": str(expression)}]
    named = [
        value.removeprefix(_CLASSIFIER)
        for value in declared.get_all("Classifier") or []
        if value.startswith(_CLASSIFIER)
    ]
    text = str(declared.get("License") or "").strip()
    if not named and text and len(text) <= MAX_LICENCE_CHARS and "\n" not in text:
        named = [text]
    return [{"license": {"name": each}} for each in named]


def components(packages: list[Locked]) -> Iterator[dict[str, Any]]:
    for name, version, hashes in packages:
        purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
        component: dict[str, Any] = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
        }
        if licences := licences_of(name):
            component["licenses"] = licences
        # One for each file that may be installed: the machine decides which it is.
        component["hashes"] = [{"alg": "SHA-256", "content": digest} for digest in hashes]
        yield component


def bill(lock: Path) -> dict[str, Any]:
    """The bill of materials of tocsin with this lock."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    packages = read_lock(lock.read_text("utf-8"))
    ours = f"pkg:pypi/{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": project["name"],
                "version": project["version"],
                "purl": ours,
                "licenses": [{"expression": project["license"]}],
            }
        },
        "components": list(components(packages)),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lock", type=Path, help="a file of requirements with hashes")
    json.dump(bill(parser.parse_args(arguments).lock), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

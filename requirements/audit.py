"""Asks for the known vulnerabilities of the production lock, with pip-audit.

    .venv-audit/bin/python requirements/audit.py requirements/runtime.txt

Exit statuses: 0: every package was looked up and none has one; 1: some have; 3: not every package
could XX
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

UNKNOWN = 3
MAX_SECONDS = 600
_PIP_AUDIT = ("--require-hashes", "--no-deps", "--disable-pip", "--progress-spinner", "off")


class Verdict(NamedTuple):
    status: int
    lines: list[str]


def verdict(report: Mapping[str, Any]) -> Verdict:
    """What pip-audit's JSON says, in lines, and the exit status for it."""
    packages = report.get("dependencies", [])
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    lines = []
    for each in packages:
        for found in each.get("vulns", ()):
            fixed = ", ".join(found.get("fix_versions") or ["no version yet"])
            lines.append(f"{each['name']} {each['version']}: {found['id']}, mended in {fixed}")
    if lines:
        return Verdict(1, lines)
    if skipped or not packages:
        count = f"{len(skipped)} of {len(packages)} packages could not be looked up"
        return Verdict(UNKNOWN, [f"{count}: {', '.join(skipped[:5])} …"])
    return Verdict(0, [f"{len(packages)} packages, no known vulnerability"])


def audit(lock: Path) -> Verdict:
    """Run pip-audit on a lock."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), *_PIP_AUDIT]
    try:
        ran = subprocess.run(
            [*command, "--format", "json"],
            capture_output=True,
            text=True,
            timeout=MAX_SECONDS,
            check=False,
        )
        return verdict(json.loads(ran.stdout))
    except subprocess.TimeoutExpired:
        return Verdict(UNKNOWN, [f"no answer within {MAX_SECONDS} s"])
    except ValueError:
        said = (ran.stderr.strip().splitlines() or ["no output"])[-1]
        return Verdict(UNKNOWN, [f"pip-audit gave no report: {said}"])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lock", type=Path, help="a file of requirements with hashes")
    status, lines = audit(parser.parse_args(arguments).lock)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return status


if __name__ == "__main__":
    sys.exit(main())

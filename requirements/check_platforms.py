"""Which machines have wheels for a whole lock, by the package index. Needs the network and uv.

    .venv/bin/python requirements/check_platforms.py .venv/bin/uv requirements/runtime.txt

Status 1: a package that ``install.py`` may not build has no wheel for a machine that is tested.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from install import FROM_SOURCE, PIP, locked_names, read_configuration, uv_environment

TESTED = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_35")
"""The machines on which a missing wheel is an error."""
MACHINES = (*TESTED, "aarch64-apple-darwin", "x86_64-pc-windows-msvc")
PYTHONS = ("3.11", "3.12", "3.13")


def missing(uv: Path, lock: Path, machine: str, python: str, names: Iterable[str]) -> str | None:
    """What uv says if one of these packages has no wheel there; None if all have."""
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=False)
    told = uv_environment(read_configuration(listed.stdout), os.environ)
    command = [str(uv), "pip", "install", "--dry-run", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--target", "none", "--python-platform", machine, "--python-version", python]
    ran = subprocess.run(
        [*command, *(f"--only-binary={name}" for name in names), "--requirement", str(lock)],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    return None if ran.returncode == 0 else re.sub(r"\s+", " ", ran.stderr).strip()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("uv", type=Path)
    parser.add_argument("lock", type=Path)
    given = parser.parse_args(arguments)
    names, broken = locked_names(given.lock), False
    for machine in MACHINES:
        for python in PYTHONS:
            said = missing(given.uv, given.lock, machine, python, names)
            result = "all wheels"
            if said is not None:
                wheels = set(names) - FROM_SOURCE
                said = missing(given.uv, given.lock, machine, python, sorted(wheels))
                result = said or f"all but {', '.join(sorted(FROM_SOURCE))}"
                broken |= said is not None and machine in TESTED
            sys.stdout.write(f"{machine:24} {python}  {result}\n")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())

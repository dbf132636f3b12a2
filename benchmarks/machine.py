"""The machine and software on which a report was measured."""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PACKAGES = ("tocsin", "faust-streaming", "aiokafka", "kafka-python", "elasticsearch", "spacy")


def processor() -> str:
    """The processor's name, if the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def version_of(package: str) -> str | None:
    """The installed version, if any."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def describe(packages: Sequence[str] = PACKAGES) -> list[str]:
    """Head lines of a report, without packages that are not installed."""
    found = ((name, version_of(name)) for name in packages)
    versions = ", ".join(f"{name} {version}" for name, version in found if version)
    return [
        f"- date: {datetime.now(UTC):%Y-%m-%d}",
        f"- machine: {os.cpu_count()} cores ({processor()}), {memory_gib():.0f} GiB, "
        f"{platform.system()}",
        f"- software: Python {platform.python_version()}, {versions}",
    ]


def without_folder(error: Exception) -> str:
    """The error's text without the path of this repository."""
    return str(error).replace(f"{Path(__file__).parents[1]}{os.sep}", "")

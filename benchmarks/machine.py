"""What a report says about where its figures were taken."""

import importlib.metadata
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

PACKAGES = ("tocsin", "faust-streaming", "aiokafka", "kafka-python", "elasticsearch", "spacy")


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def memory_gib() -> float:
    """Physical memory, GiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def describe() -> list[str]:
    """Lines for the head of a report."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return [
        f"- date: {datetime.now(UTC):%Y-%m-%d}",
        f"- machine: {os.cpu_count()} cores ({processor()}), {memory_gib():.0f} GiB, "
        f"{platform.system()}",
        f"- software: Python {platform.python_version()}, {versions}",
    ]

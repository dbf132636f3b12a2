"""Measures delays and false alarms of the detectors and writes ``docs/scorecard.md``.

    python -m benchmarks.scorecard --data DIR [--out docs/scorecard.md]

DIR holds ``brand-volume/`` (series and windows) and ``stream/`` (posts). Latencies are those of the
last run of ``benchmarks.scorecard.latency``. A section is a module of this folder with a function
from DIR to lines; a section without its data says so.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.scorecard import airlines, cost, latency, planted, volume

PACKAGES = ("tocsin", "numpy", "river")
SECTIONS: tuple[tuple[str, Callable[[Path], list[str]]], ...] = (
    ("volume", volume.section),
    ("planted", planted.section),
    ("airlines", airlines.section),
    ("latency", latency.section),
    ("cost", cost.section),
)


def head() -> list[str]:
    """The head of the page: the figures and their origin."""
    return [
        "# Scorecard",
        "",
        "Made by `python -m benchmarks.scorecard --data DIR` (`make scorecard`); do not edit.",
        "",
        "How early, how often and how often wrong alerts are. The detectors run as they do live, "
        "one count after another, never looking ahead.",
        "",
        *describe(PACKAGES),
        "",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Scorecard of the detectors.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("docs/scorecard.md"))
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"{options.data} is not a folder: pass the folder of the data sets", file=sys.stderr)
        return 2
    body = [line for _, section in SECTIONS for line in section(options.data)]
    page = "\n".join([*head(), *body]).rstrip() + "\n"
    print(page)
    options.out.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

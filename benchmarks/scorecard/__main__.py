"""Measures delays and false alarms of the detectors and writes ``docs/scorecard.md``.

    python -m benchmarks.scorecard --data DIR [--only volume] [--out docs/scorecard.md]

DIR holds ``brand-volume/`` (series and windows) and ``stream/`` (posts). Latencies are those of the
last run of ``benchmarks.scorecard.latency``. A section is a module of this folder with a function
from DIR to lines; a section without its data says so. With ``--only`` the others stay as they are
in the page, and the section says when it was measured.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.scorecard import airlines, cost, latency, planted, volume, word_storms

PACKAGES = ("tocsin", "numpy", "river")
SECTIONS: tuple[tuple[str, Callable[[Path], list[str]]], ...] = (
    ("volume", volume.section),
    ("planted", planted.section),
    ("words", word_storms.section),
    ("airlines", airlines.section),
    ("latency", latency.section),
    ("cost", cost.section),
)


def head(measured: Sequence[str]) -> list[str]:
    """The head of the page: the figures and their origin, with when and where it was measured."""
    return [
        "# Scorecard",
        "",
        "Made by `python -m benchmarks.scorecard --data DIR` (`make scorecard`); do not edit.",
        "",
        "How early, how often and how often wrong alerts are. The detectors run as they do live, "
        "one count after another, never looking ahead.",
        "",
        f"**First, what nobody tuned on**: on {volume.KEPT_APART} brands' volumes kept apart, the "
        f"volume model before this one had {volume.BEFORE.false_alarms} false alarms a brand-day "
        f"(NAB {volume.BEFORE.standard} standard, {volume.BEFORE.low_fp} low FP). The present one "
        "has not been tried on them.",
        "",
        *measured,
        "",
    ]


def sections_of(page: str) -> list[list[str]]:
    """The lines of each section of a page, in its order."""
    found: list[list[str]] = []
    for line in page.splitlines():
        if line.startswith("## "):
            found.append([])
        if found:
            found[-1].append(line)
    return found


def replaced(page: str, only: str, lines: list[str]) -> list[str]:
    """The body of a page with one of its sections measured anew."""
    found = sections_of(page)
    names = [name for name, _ in SECTIONS]
    if len(found) != len(names):
        raise ValueError(f"the page has {len(found)} sections, not {len(names)}: run all of them")
    title, *rest = lines
    found[names.index(only)] = [title, "", "Measured later than the head says:", ""]
    found[names.index(only)] += [*describe(PACKAGES), *rest, ""]
    return [line for section in found for line in section]


def main() -> int:
    parser = argparse.ArgumentParser(description="Scorecard of the detectors.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("docs/scorecard.md"))
    parser.add_argument("--only", choices=[name for name, _ in SECTIONS], help="one section")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"{options.data} is not a folder: pass the folder of the data sets", file=sys.stderr)
        return 2
    if options.only:
        before = options.out.read_text("utf-8")
        lines = dict(SECTIONS)[options.only](options.data)
        body = replaced(before, options.only, lines)
        heading = before[: before.index("\n## ")].splitlines()
        measured = [line for line in heading if line.startswith("- ")]
    else:
        body = [line for _, section in SECTIONS for line in section(options.data)]
        measured = describe(PACKAGES)
    page = "\n".join([*head(measured), *body]).rstrip() + "\n"
    print(page)
    options.out.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

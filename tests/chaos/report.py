"""Writes ``benchmarks/reports/chaos.md`` from the rows of ``make chaos``."""

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.markdown import table
from tests.chaos.scenario import Options, Row, rows

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "benchmarks" / "reports" / "chaos.md"
COLUMNS = ("scenario", "what", "faults", "events", "lost", "doubled", "repeated", "recovery", "ok")
HEAD = """\
# Chaos ledger

Made by `make chaos`. It injects faults into the whole pipeline on real Kafka and real
Elasticsearch, and compares the index, the activity, the dead letters and the alerts with a ledger
that knows every event.

{machine}

- **faults**: those that took effect; a scenario without any fails.
- **lost**, **doubled**: differences from the ledger. Both must be 0.
- **repeated**: messages that a topic holds twice. Delivery at least once allows it; readers count
  `(id, version)` once.
- **recovery**: seconds from the end of the last fault until every consumer lag is 0. New messages
  arrive during that time, and count.
"""
SHORT = "A short run: fewer kills, seconds and events than `make chaos` has.\n"
MAX_NOTE = 400


def _cells(row: Row) -> tuple[object, ...]:
    faults = ", ".join(f"{count:,} {name}" for name, count in sorted(row.faults.items()))
    recovery = "" if row.recovery_s is None else f"{row.recovery_s:.0f} s"
    verdict = "skipped" if row.skipped else "yes" if row.passed else "**no**"
    numbers = (f"{n:,}" for n in (row.events, row.lost, row.doubled, row.repeated))
    return (row.scenario, row.title, faults, *numbers, recovery, verdict)


def report(found: Sequence[Row], short: bool = False) -> str:
    """The whole page; ``short``: of the subset that guards every change."""
    lines = [HEAD.format(machine="\n".join(machine.describe()))]
    if short:
        lines.append(SHORT)
    lines += table(COLUMNS, map(_cells, found))
    notes = [(row.scenario, row.skipped or row.detail) for row in found]
    told = [f"- **{name}**: {_plain(note)}" for name, note in notes if note]
    if told:
        lines += ["## Not passed, or left out", "", *told, ""]
    minutes = sum(row.seconds for row in found) / 60
    passed = sum(row.passed and not row.skipped for row in found)
    lines.append(f"{passed} of {len(found)} scenarios passed, in {minutes:.0f} minutes together.")
    return "\n".join(lines) + "\n"


def _plain(note: str) -> str:
    """One line without what Markdown would read."""
    plain = " ".join(note.split()).replace("|", "/").replace("<", "(").replace(">", ")")
    return plain[:MAX_NOTE]


def main() -> int:
    options = Options.of_environment()
    found = rows(options.folder)
    text = report(found, short=options.ci or options.scale < 1)
    if options.ci:
        print(text)
    else:
        REPORT.write_text(text, "utf-8")
        print(f"{len(found)} rows: {REPORT.relative_to(ROOT)}")
    return 0 if all(row.passed or row.skipped for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())

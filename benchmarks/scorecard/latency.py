"""Latency from the deciding post to the alert at the desk: percentiles, on real engines.

    python -m benchmarks.scorecard.latency [--crises 20] [--report FILE]

The deciding post of an alert is the last one without which, by the same code over the same records,
it would not have opened in its minute. The detector evaluates a minute after its end, so every
latency includes the rest of that minute; the report shows it separately.
"""

import argparse
import math
import statistics
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.scorecard import live
from processors.detector.brand_detectors import BrandDetectors
from schemas.activity import Activity
from schemas.brand import Brand

REPORT: Final = Path("benchmarks/reports/latency.md")
PACKAGES: Final = ("tocsin", "faust-streaming", "aiokafka", "kafka-python")


@dataclass(frozen=True, slots=True)
class Crisis:
    """Times of one alert, seconds since 1970."""

    brand: str
    ingested: float
    """The tipping post was read."""
    counted: float
    """Kafka had its record of activity."""
    due: float
    """The minute that decides had ended."""
    decided: float
    """Kafka had the alert."""
    delivered: float
    """The webhook was called."""


PARTS: Final[tuple[tuple[str, Callable[[Crisis], float]], ...]] = (
    ("post read → record of activity", lambda one: one.counted - one.ingested),
    ("→ end of the minute that decides (a wait by design)", lambda one: one.due - one.counted),
    ("→ alert on Kafka", lambda one: one.decided - max(one.due, one.counted)),
    ("→ webhook called", lambda one: one.delivered - one.decided),
    ("**post read → webhook called**", lambda one: one.delivered - one.ingested),
    ("the same without the wait", lambda one: one.delivered - one.ingested - _wait(one)),
)


def _wait(one: Crisis) -> float:
    return max(one.due - one.counted, 0.0)


def tipping(brand: Brand, records: Sequence[Activity], opened: datetime) -> int | None:
    """Which record opens the alert of that minute with those before it; None if all do not.

    More of the records are taken to make an alert likelier, never less likely.
    """
    known = [number for number, record in enumerate(records) if record.at < opened]

    def opens(count: int) -> bool:
        desk = BrandDetectors({brand.id: brand})
        found = [alert for number in known[:count] for alert in desk.observe(records[number])]
        found += desk.advance(opened)
        return any(alert.status == "open" and alert.raised_at == opened for alert in found)

    if not opens(len(known)):
        return None
    least = bisect_left(range(len(known)), True, key=opens)
    return known[least - 1]


def crises(brands: Sequence[Brand], seen: live.Seen) -> tuple[list[Crisis], list[str]]:
    """The detected crises, and a line for each other one."""
    found, others = [], []
    for brand in brands:
        alert, decided = seen.decided.get(brand.id, (None, 0.0))
        delivered = seen.delivered.get((alert.id, alert.version)) if alert else None
        if alert is None or delivered is None:
            others.append(f"{brand.name}: no alert came.")
            continue
        records = seen.records[brand.id]
        tip = tipping(brand, [record for record, _ in records], alert.raised_at)
        if tip is None:
            others.append(f"{brand.name}: told, but not in the minute that a replay tells it.")
            continue
        record, counted = records[tip]
        found.append(
            Crisis(
                brand.id,
                record.ingested_at.timestamp(),
                counted,
                alert.raised_at.timestamp(),
                decided,
                delivered,
            )
        )
    return found, others


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * share) - 1, 0)]


def lines(found: Sequence[Crisis], others: Sequence[str]) -> list[str]:
    if not found:
        return ["No crisis was told.", *others, ""]
    rows = []
    for name, part in PARTS:
        values = [part(one) for one in found]
        shown = (percentile(values, 0.5), percentile(values, 0.9), max(values))
        rows.append((name, *(f"{value:.1f}" for value in shown)))
    whole = statistics.mean(one.delivered - one.ingested for one in found)
    waited = statistics.mean(_wait(one) for one in found)
    return [
        f"{len(found)} crises at invented brands, on real Kafka: {live.HISTORY.seconds // 3600} "
        f"hours of {live.USUAL:g} post a minute, then storms of "
        f"{', '.join(f'{rate:g}' for rate in live.RATES)} a minute that begin "
        f"{live.APART.seconds} s apart, all annotators, default settings. Seconds from the tipping "
        "post, the last one without which the alert would not have opened in its minute:",
        "",
        *table(("", "p50", "p90", "max"), rows),
        f"Of the mean, {whole:.1f} s, {100 * waited / whole:.0f} % are the wait for the minute "
        "to end: a minute is looked at when it has ended, and severities below 4 have to last "
        "some minutes. What a platform needs to hand a post over is not in it.",
        "",
        *others,
        *([""] if others else []),
    ]


def section(data: Path) -> list[str]:
    """The section of the scorecard, from the last report of this command."""
    title = ["## From the post to the desk", ""]
    if not REPORT.is_file():
        return [*title, "Left out: `make scorecard-latency` was not run.", ""]
    _, _, body = REPORT.read_text("utf-8").partition("\n\n")
    return [*title, *body.splitlines(), ""]


def main() -> int:
    parser = argparse.ArgumentParser(description="Latency of alerts, on real engines.")
    parser.add_argument("--crises", type=int, default=20)
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    # The engines' unprivileged account must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="tocsin-latency-"))
    folder.chmod(0o755)
    found, others = crises(live.brands(options.crises), live.run(folder, options.crises))
    head = ["# Latency of alerts", "", "Made by `python -m benchmarks.scorecard.latency`.", ""]
    page = "\n".join([*head, *describe(PACKAGES), "", *lines(found, others)]).rstrip() + "\n"
    options.report.write_text(page, "utf-8")
    print(page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Start-up of the commands and services: seconds and memory; ``make bench-startup``.

Writes ``benchmarks/reports/startup.md``. Every command runs in a process of its own, several times
in a row, so that files are in the page cache; no Kafka and no Elasticsearch runs. A service is
measured by the import of all that it needs before it connects, ``process`` by its models too.

Usage: ``python -m benchmarks.startup [--runs N] [--only WORD] [--out FILE]``
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.machine import describe
from benchmarks.markdown import table
from ingestors.generator.source import generate
from schemas.codec import ACTIVITY
from schemas.post import PostUpsert

PACKAGES: Final = ("tocsin", "typer", "spacy", "openvino", "faust-streaming", "elasticsearch")
NOWHERE: Final = {
    "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "TOCSIN_ELASTICSEARCH_URL": "http://127.0.0.1:9",
}
"""Port 9 refuses connections."""
POSTS: Final = (
    "The train was late again, what a joke",
    "I love the new phone, great battery",
    "La box ne marche plus depuis hier à Lyon, merci le service client",
    "Merci à Emmanuel pour son aide à Paris",
    "Der Zug nach Berlin ist wieder verspätet",
    "El vuelo a Madrid fue un desastre",
    "They lost my bag in Atlanta. Unbelievable.",
    "Nice weather today in London",
    "Why is my account blocked? Fix it please!",
    "Bof, pas terrible ce nouveau forfait",
)
WARM: Final = """
from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotator_table import build_enricher
from runtime.settings import ProcessSettings
import processors.enrichment.app
build_enricher(ProcessSettings(tier="{tier}"), lambda: BrandMatcher(())).warm()
"""
LAUNCHER: Final = """
import json, os, sys, time
null = [(os.POSIX_SPAWN_OPEN, at, os.devnull, os.O_RDWR, 0) for at in (1, 2)]
began = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=null)
status, usage = os.wait4(child, 0)[1:]
seconds, cpu_s = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
print(json.dumps([seconds, cpu_s, usage.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""
"""A small process that starts and measures another: Linux counts the memory of a process that
starts another as the other's peak."""
SERVICES: Final = {
    "process": "processors.enrichment.app",
    "detector": "processors.detector.app",
    "sink elasticsearch": "tocsin.cli.sink_elasticsearch",
    "sink alerts": "tocsin.cli.sink_alerts",
    "ingest replay": "ingestors.runner, ingestors.files.source",
    "ingest bluesky": "ingestors.runner, ingestors.bluesky.source",
    "ingest x": "ingestors.runner, ingestors.x.source",
}
"""Service to the modules that its command imports."""


@dataclass(frozen=True)
class Start:
    """A row of the report: what runs, as arguments of Python."""

    name: str
    arguments: Sequence[str]


@dataclass
class Figures:
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    status: int = 0


def commands(posts: Path, english: Path, activity: Path) -> list[Start]:
    every = {
        "tocsin --help": ["--help"],
        "tocsin --version": ["--version"],
        "a typo: tocsin anotate": ["anotate"],
        "match, 10 posts": ["match", "--query", "train OR box", str(posts)],
        "query lint": ["query", "lint", "orange AND NOT jus"],
        "annotate, 10 posts in 4 languages": ["annotate", "--all", str(posts)],
        "annotate, 4 posts in English": ["annotate", "--all", str(english)],
        "annotate --tier fast, 10 posts in 4 languages": [
            *("annotate", "--all", "--tier", "fast"),
            str(posts),
        ],
        "backtest, 2,000 records": ["backtest", "--brand", "velmora", str(activity)],
        "alerts list, nothing running": ["alerts", "list"],
        "doctor, nothing running": ["doctor"],
    }
    return [Start(name, ["-m", "tocsin", *rest]) for name, rest in every.items()]


def services() -> list[Start]:
    found = [
        Start(f"{name}: imports", ["-c", f"import {modules}"]) for name, modules in SERVICES.items()
    ]
    return found + [
        Start(f"process, {tier} tier: models warm", ["-c", WARM.format(tier=tier)])
        for tier in ("fast", "accurate")
    ]


def measured(start: Start, runs: int) -> Figures:
    """The command, ``runs`` times; its output is dropped."""
    figures = Figures()
    for _ in range(runs):
        ran = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, sys.executable, *start.arguments],
            env={**os.environ, **NOWHERE},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        seconds, cpu_s, peak, figures.status = json.loads(ran.stdout)
        figures.seconds.append(seconds)
        figures.cpu_s.append(cpu_s)
        unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
        figures.peak_mib = max(figures.peak_mib, peak / unit)
    return figures


def write_inputs(folder: Path) -> tuple[Path, Path, Path]:
    """Ten posts, four of them that are in English, and activity records of an invented brand."""
    posts, english, activity = (folder / f"{name}.jsonl" for name in ("posts", "en", "activity"))
    lines = [json.dumps({"id": str(at), "text": text}) for at, text in enumerate(POSTS)]
    posts.write_text("\n".join(lines), "utf-8")
    english.write_text("\n".join(lines[at] for at in (0, 1, 6, 7)), "utf-8")
    activity.write_bytes(b"\n".join(_records(2_000)))
    return posts, english, activity


def _records(count: int) -> list[bytes]:
    from brands.brand_matcher import BrandMatcher
    from ingestors.generator.accounts import brands
    from processors.enrichment.annotator_table import build_enricher
    from runtime.settings import ProcessSettings

    matcher = BrandMatcher(brands())
    settings = ProcessSettings(tier="fast", annotators="language,brands,sentiment,influence")
    enricher = build_enricher(settings, lambda: matcher)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    day = generate(1, 12 * count, start, timedelta(hours=24))
    events = [event for event in islice(day, 12 * count) if isinstance(event, PostUpsert)]
    activity = enricher.enrich(events, start).activity
    own = [record for record in activity if record.brand == "velmora"]
    return [ACTIVITY.encode(record) for record in own[:count]]


def report(figures: dict[str, Figures], runs: int, command: str) -> str:
    lines = [
        "# Start-up benchmark",
        "",
        f"Made by `{command}`. {runs} runs each, files in the page cache, nothing else running on "
        "purpose; no Kafka and no Elasticsearch. CPU is user and system time.",
        "",
        *describe(PACKAGES),
        "",
    ]
    rows = [
        [
            name,
            f"{min(one.seconds):.2f}",
            f"{median(one.seconds):.2f}",
            f"{min(one.cpu_s):.2f}",
            f"{one.peak_mib:.0f}",
            one.status,
        ]
        for name, one in figures.items()
    ]
    header = ["what", "seconds, least", "median", "CPU seconds, least", "peak MiB", "exit status"]
    return "\n".join([*lines, *table(header, rows)]).rstrip() + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Start-up of commands and services.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/reports/startup.md"))
    options = parser.parse_args()
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for start in [*commands(*write_inputs(Path(folder))), *services()]:
            if options.only in start.name:
                one = figures[start.name] = measured(start, options.runs)
                print(f"{start.name}: {min(one.seconds):.2f} s", file=sys.stderr, flush=True)
    page = report(figures, options.runs, f"python -m benchmarks.startup --runs {options.runs}")
    print(page)
    options.out.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

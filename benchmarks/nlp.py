"""Speed and memory of the annotators: ``python -m benchmarks.nlp`` (``make bench-nlp``).

Writes ``benchmarks/reports/nlp.md``: for each annotator, posts per second on one core, resident
memory and load time; for each tier, the rate by batch size and from JSON line to JSON line (as
``tocsin annotate``). Posts are invented, or with ``--file`` yours (bare posts, one JSON object a
line). Every annotator reads every post.

Each tier, and the load of each annotator, has its own process with one thread. The clock starts
after the models are loaded and some posts are read. No text is repeated.
"""

import argparse
import gc
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.annotate import lines_of
from benchmarks.machine import describe, without_folder
from benchmarks.markdown import table
from brands.brand_matcher import BrandMatcher
from ingestors.files.post_line import read_post_line
from processors.enrichment.annotator_table import ACCURATE, ANNOTATORS, build_enricher
from processors.enrichment.annotators.base import Annotator
from processors.enrichment.enricher import WARM_LANGUAGES, Enricher
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from schemas.post import PostEvent, PostUpsert
from tocsin.cli.annotate import annotate_stream
from tocsin.offline.post_reader import PostReader

NOW = datetime.now(UTC)
SIZES: Final = (1, 8, 32, 128, 500)
TIERS: Final = ("fast", "accurate")
PARTS: Final = len(SIZES) + 2
"""Shares of the posts: for the annotators, for each batch size, for the records."""
WARM_POSTS: Final = 100
PACKAGES: Final = ("tocsin", "numpy", "spacy", "openvino", "tokenizers", "fasttext-predict")
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Result = dict[str, Any]


class Clock:
    """Wall and processor time of a piece of work, seconds."""

    wall = cpu = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Adds the time of the block."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu

    def rates(self, posts: int) -> tuple[float, float]:
        """Posts per second of wall time and of processor time."""
        return posts / max(self.wall, 1e-9), posts / max(self.cpu, 1e-9)


def resident_mib() -> float:
    """Resident memory of this process, MiB."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 2**20


def built(tier: str, names: Sequence[str] = tuple(ANNOTATORS)) -> Enricher:
    """A warm enricher that annotates every post."""
    matcher = BrandMatcher(())
    settings = ProcessSettings(
        tier=tier,  # type: ignore[arg-type]
        keep_unmatched=True,
        annotators=",".join(names),
    )
    enricher = build_enricher(settings, lambda: matcher, prefilter=False)
    enricher.warm()
    return enricher


def events_of(lines: Sequence[bytes]) -> list[PostEvent]:
    return [read_post_line(line, NOW, "file") for line in lines]


def batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def load_of(name: str) -> Result:
    """Loads one annotator in this process: seconds, and the memory it adds."""
    before, clock = resident_mib(), Clock()
    with clock.running():
        enricher = built("accurate" if name in ACCURATE else "fast", [name])
    loaded = resident_mib() - before
    return {"mib": loaded, "seconds": clock.wall, "version": _all(enricher)[0].version}


def different(lines: Sequence[bytes]) -> list[bytes]:
    """The lines without repeated texts, which would be cached."""
    first: dict[str, bytes] = {}
    for line, event in zip(lines, events_of(lines), strict=True):
        if isinstance(event, PostUpsert):
            first.setdefault(event.post.text, line)
    return list(first.values())


def speed_of(tier: str, lines: Sequence[bytes], most: int, size: int) -> Result:
    """Rates of a tier and of each annotator, each over its own posts."""
    posts = min(most, (len(lines) - WARM_POSTS) // PARTS)
    if posts < 1:
        raise SystemExit(f"{len(lines)} different texts are too few to measure on")
    parts = batches(lines[WARM_POSTS:], posts)
    enricher = built(tier)
    enricher.enrich(events_of(lines[:WARM_POSTS]), NOW)
    found: Result = {"posts": posts, "sizes": {}}

    clocks = {one.name: Clock() for one in _all(enricher)}
    for batch in batches(events_of(next(parts)), size):
        mentions = [Mention(post=event.post) for event in batch if isinstance(event, PostUpsert)]
        for one in _all(enricher):
            with clocks[one.name].running():
                one.annotate(mentions)
    found["annotators"] = {name: clock.rates(posts) for name, clock in clocks.items()}

    for number in SIZES:
        events, clock = events_of(next(parts)), Clock()
        with clock.running():
            for batch in batches(events, number):
                enricher.enrich(batch, NOW)
        found["sizes"][number] = clock.rates(posts)

    source, target, clock = io.BytesIO(b"\n".join(next(parts)) + b"\n"), io.BytesIO(), Clock()
    reader = PostReader(source)
    with clock.running():
        for _ in annotate_stream(reader.events(), target, enricher):
            pass
    if reader.bad.count:
        raise SystemExit(f"{reader.bad.count} lines are not posts; {reader.bad.first[0]}")
    found["records"] = (*clock.rates(posts), len(target.getvalue()) / posts)
    found["mib"] = resident_mib()
    return found


def _all(enricher: Enricher) -> tuple[Annotator, ...]:
    return (*enricher.annotators, *enricher.accurate)


def apart(command: Sequence[str]) -> Result:
    """Runs in a new process; the last line of its output is the result."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.nlp", *command],
        env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(f"python -m benchmarks.nlp {' '.join(command)} failed")
    result: Result = json.loads(ran.stdout.splitlines()[-1])
    return result


def report(
    loads: dict[str, Result], speeds: dict[str, Result], size: int, head: Sequence[str]
) -> str:
    lines = [*head, "", "## Annotators", ""]
    lines += [
        f"Posts a second of wall time (of processor time), one core, batches of {size}; seconds "
        f"to load with the models warm for {' and '.join(WARM_LANGUAGES)}, imports included; MiB "
        "that the load adds, alone in a process.",
        "",
    ]
    rows: list[list[object]] = []
    for name, load in loads.items():
        if "missing" in load:
            rows.append([name, load["missing"], *["–"] * (2 + len(speeds))])
            continue
        rates = [
            _rate(speed["annotators"][name]) if name in speed["annotators"] else "–"
            for speed in speeds.values()
        ]
        rows.append([name, load["version"], *rates, f"{load['seconds']:.2f}", f"{load['mib']:.0f}"])
    tiers = [f"posts/s, {tier}" for tier in speeds]
    lines += table(["annotator", "version", *tiers, "load, s", "MiB"], rows)
    lines += ["## Tiers", "", "All annotators, by batch size:", ""]
    lines += table(
        ["batch", *tiers],
        [[n, *(_rate(speed["sizes"][str(n)]) for speed in speeds.values())] for n in SIZES],
    )
    lines += ["From a JSON line in to a JSON line out (`tocsin annotate --all`):", ""]
    lines += table(
        ["tier", "posts/s", "bytes a record", "MiB resident in the end"],
        [
            [tier, _rate(speed["records"]), f"{speed['records'][2]:,.0f}", f"{speed['mib']:.0f}"]
            for tier, speed in speeds.items()
        ],
    )
    return "\n".join(lines).rstrip() + "\n"


def _rate(rates: Sequence[float]) -> str:
    return f"{rates[0]:,.0f} ({rates[1]:,.0f})"


def measure(options: argparse.Namespace) -> str:
    given = ["--posts", str(options.posts), "--batch", str(options.batch)]
    if options.file is not None:
        given += ["--file", str(options.file)]
    loads: dict[str, Result] = {}
    for name in ANNOTATORS:
        print(f"loading {name} ...", file=sys.stderr, flush=True)
        loads[name] = apart(["--load", name])
    speeds: dict[str, Result] = {}
    missing: list[str] = []
    for tier in TIERS:
        print(f"reading, {tier} ...", file=sys.stderr, flush=True)
        found = apart(["--tier", tier, *given])
        if "missing" in found:
            missing.append(f"- the tier `{tier}` is left out: {found['missing']}")
        else:
            speeds[tier] = found
    posts = min((speed["posts"] for speed in speeds.values()), default=0)
    what = options.file.name if options.file else "an invented day, `ingestors/generator/source.py`"
    command = f"python -m benchmarks.nlp --posts {options.posts} --batch {options.batch}"
    head = [
        "# Annotator benchmark",
        "",
        f"Made by `{command}`. One run; the rates of a machine that does other work as well vary.",
        "",
        *describe(PACKAGES),
        f"- posts: {what}; {posts:,} different texts for each figure, read by every annotator",
        *missing,
    ]
    return report(loads, speeds, options.batch, head)


def told(work: Callable[[], Result]) -> None:
    """Prints a result for the parent process; a missing model is a result too."""
    try:
        print(json.dumps(work()))
    except (ConfigurationError, ImportError) as error:
        print(json.dumps({"missing": without_folder(error)}))


def main() -> int:
    """Measures and writes the report, or runs one part for the parent process."""
    parser = argparse.ArgumentParser(description="Speed and memory of the annotators.")
    parser.add_argument("--posts", type=int, default=1_000, help="posts of each part")
    parser.add_argument("--file", type=Path, help="JSON lines; an invented day if not given")
    parser.add_argument("--batch", type=int, default=500, help="posts a batch")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/reports/nlp.md"))
    parser.add_argument("--load", choices=tuple(ANNOTATORS), help=argparse.SUPPRESS)
    parser.add_argument("--tier", choices=TIERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        told(lambda: load_of(options.load))
        return 0
    if options.tier:
        most = options.posts
        # Some are duplicates.
        options.posts = 2 * (PARTS * most + WARM_POSTS)
        told(lambda: speed_of(options.tier, different(lines_of(options)), most, options.batch))
        return 0
    page = measure(options)
    print(page)
    options.out.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The whole pipeline on real engines, measured on one machine; ``make bench``.

Each run has fresh topics and indices on the same engines:

- **all match**: every post names a brand; **one in ten**: 10 % of the posts do, as in a stream from
  a wide platform filter; in the tier that chooses by itself and in the fast one;
- **bare clients**: what moving and indexing the same posts costs without tocsin;
- **paced**: a steady rate, for latencies;
- **growth** (``--growth``): more processors and partitions, by one run each; more brands offline.

Writes a page and, for ``python -m benchmarks.scaling``, the same figures as JSON.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.pipeline.brand_growth import brand_growth
from benchmarks.pipeline.report_page import Report, Run, page
from benchmarks.pipeline.runs import bare, flame_graphs, full_speed, paced
from benchmarks.pipeline.services import Bench, engines, write_posts
from schemas.codec import POST_EVENT
from tocsin.local.stack import Endpoints

SHARES = {"all match": 1.0, "one in ten": 0.1}
TIERS = ("auto", "fast")
TOOLS = Path(".venv-bench/bin")
"""The environment of the bare clients and of py-spy; without it both are left out."""


class Runner:
    """Runs with one pair of engines and one folder."""

    def __init__(self, endpoints: Endpoints, folder: Path, posts: int) -> None:
        self.endpoints = endpoints
        self.folder = folder
        self.files = {}
        self.posts = {}
        for name, share in SHARES.items():
            self.files[name] = folder / f"{share}.jsonl"
            self.posts[name], _ = write_posts(self.files[name], posts, share)
        self._count = 0

    @contextmanager
    def bench(self, **options: object) -> Iterator[Bench]:
        self._count += 1
        bench = Bench(self.endpoints, self.folder / f"run-{self._count}", **options)  # type: ignore[arg-type]
        try:
            yield bench
        finally:
            bench.stop()

    def full_speed(self, name: str, label: str, **options: object) -> Run:
        print(f"{name}, {label}", file=sys.stderr)
        with self.bench(**options) as bench:
            run = Run(name, self.posts[name], label)
            return full_speed(run, bench, self.files[name])


def measured(runner: Runner, options: argparse.Namespace) -> Report:
    """The runs in turn, ``options.runs`` times, so that a slow minute does not fall on one kind."""
    report = Report(options.processors)
    clients: dict[str, Callable[[], Run]] = {}
    if (python := TOOLS / "python").exists():
        for mode in ("bare", "quix"):
            clients[mode] = lambda mode=mode: bare(  # type: ignore[misc]
                mode,
                python,
                runner.endpoints,
                runner.files["one in ten"],
                runner.posts["one in ten"],
            )
    for _ in range(options.runs):
        for name in SHARES:
            for tier in TIERS:
                report.runs.append(
                    runner.full_speed(name, tier, processors=options.processors, tier=tier)
                )
        report.runs += [run() for run in clients.values()]
    return report


def paced_run(runner: Runner, rate: float, seconds: float, processors: int) -> Run:
    lines = runner.files["one in ten"].read_bytes().splitlines()
    events = [POST_EVENT.decode(line) for line in lines][: int(rate * seconds)]
    print(f"paced at {rate:.0f} posts/s", file=sys.stderr)
    with runner.bench(processors=processors) as bench:
        return paced(bench, events, rate)


def growth(runner: Runner) -> list[Run]:
    """One run each, in the fast tier, one post in ten."""
    kinds = [(1, 8), (2, 8), (4, 8), (1, 64)]
    return [
        runner.full_speed(
            "one in ten",
            f"{processors} processors, {partitions} partitions",
            processors=processors,
            partitions=partitions,
            tier="fast",
        )
        for processors, partitions in kinds
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--posts", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1_000.0, help="posts/s of the paced run")
    parser.add_argument("--seconds", type=float, default=40.0, help="length of the paced run")
    parser.add_argument("--processors", type=int, default=1)
    parser.add_argument(
        "--growth", action="store_true", help="also by processors, partitions, brands"
    )
    parser.add_argument("--flames", action="store_true", help="also record flame graphs (py-spy)")
    parser.add_argument("--report", type=Path, default=Path("benchmarks/reports/pipeline.md"))
    options = parser.parse_args()
    # The engines' unprivileged account must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    folder.chmod(0o755)
    with engines(folder) as endpoints:
        runner = Runner(endpoints, folder, options.posts)
        report = measured(runner, options)
        report.paced = paced_run(runner, options.rate, options.seconds, options.processors)
        if options.growth:
            report.growth = growth(runner)
        if options.flames and (TOOLS / "py-spy").exists():
            with runner.bench() as bench:
                report.flames = flame_graphs(
                    bench,
                    runner.files["all match"],
                    TOOLS / "py-spy",
                    15,
                    options.report.with_suffix(""),
                )
    if options.growth:
        report.brands = brand_growth()
    arguments = " ".join(sys.argv[1:])
    text = page(report, f"python -m benchmarks.pipeline {arguments}".strip())
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(text)
    options.report.with_suffix(".json").write_bytes(report.as_json())
    print(text)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())

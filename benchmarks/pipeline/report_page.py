"""The report of the pipeline benchmark: a Markdown page, and the same figures as JSON."""

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.machine import describe
from benchmarks.markdown import table
from runtime.settings import ProcessSettings, load

PROCESSES = ("ingest", "process", "sink", "kafka", "elasticsearch", "clients")


class Run(msgspec.Struct):
    name: str
    posts: int
    label: str = ""
    """The tier, or what grows."""
    mentions: int = 0
    post_bytes: float = 0.0
    """Bytes of a post in its topic, without key and headers."""
    index_bytes: int = 0
    """Of all mentions, in one segment."""
    ingest_s: float = 0.0
    process_s: float = 0.0
    end_to_end_s: float = 0.0
    peak_mib: dict[str, float] = msgspec.field(default_factory=dict)
    cpu_s: dict[str, float] = msgspec.field(default_factory=dict)
    annotators: dict[str, float] = msgspec.field(default_factory=dict)
    """Seconds of each annotator, by the clock."""
    tiers: dict[str, float] = msgspec.field(default_factory=dict)
    """Posts that name a brand by the tier that read them."""
    latencies: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Posts a second, end to end."""
        return self.posts / self.end_to_end_s

    def cost(self, process: str) -> float:
        """Processor time, microseconds a post."""
        return self.cpu_s.get(process, 0.0) / self.posts * 1e6

    @property
    def whole_cost(self) -> float:
        return sum(map(self.cost, PROCESSES))


class Report(msgspec.Struct):
    processors: int
    runs: list[Run] = msgspec.field(default_factory=list)
    paced: Run | None = None
    growth: list[Run] = msgspec.field(default_factory=list)
    brands: dict[str, float] = msgspec.field(default_factory=dict)
    flames: list[str] = msgspec.field(default_factory=list)

    def kinds(self) -> list[list[Run]]:
        """The runs of each kind, in the order of the first."""
        kinds: dict[tuple[str, str], list[Run]] = {}
        for run in self.runs:
            kinds.setdefault((run.name, run.label), []).append(run)
        return list(kinds.values())

    def as_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def spread(values: Sequence[float]) -> str:
    """The median, and from least to most."""
    middle = f"{median(values):,.0f}"
    return middle if len(values) < 2 else f"{middle} ({min(values):,.0f}–{max(values):,.0f})"


def page(report: Report, command: str) -> str:
    settings = load(ProcessSettings)
    lines = [
        "# Pipeline benchmark",
        "",
        f"Made by `{command}`.",
        "",
        "Engines, services and load share the machine. Processes start before the clock does. Of",
        "several runs: the median, and from least to most. Processor time is that of user and",
        "system, of all threads.",
        "",
        *describe(),
        "- engines: Apache Kafka 4.3.0, Elasticsearch 9.5.0, one node each",
        f"- processors: {report.processors}; annotators: {settings.annotators}",
        "",
        "## Rates and processor time",
        "",
        *table(
            (
                "run",
                "tier",
                "posts",
                "mentions",
                "posts/s end to end",
                "µs a post",
                "index B/mention",
            ),
            [_rates(runs) for runs in report.kinds()],
        ),
        "Processor time by process, microseconds a post (medians):",
        "",
        *table(("run", "tier", *PROCESSES), [_costs(runs) for runs in report.kinds()]),
        "Peak resident memory, MiB (the largest copy):",
        "",
        *table(("run", "tier", *PROCESSES), [_memory(runs) for runs in report.kinds()]),
        *_annotators(report),
        *_latencies(report.paced),
        *_growth(report),
        *_flames(report),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _rates(runs: Sequence[Run]) -> tuple[str, ...]:
    first = runs[0]
    return (
        first.name,
        first.label,
        f"{first.posts:,}",
        f"{first.mentions:,}" if first.mentions else "",
        spread([run.rate for run in runs]),
        spread([run.whole_cost for run in runs]),
        spread([run.index_bytes / run.mentions for run in runs]) if first.mentions else "",
    )


def _costs(runs: Sequence[Run]) -> list[str]:
    costs = [median(run.cost(process) for run in runs) for process in PROCESSES]
    return [runs[0].name, runs[0].label, *(f"{cost:,.0f}" if cost else "" for cost in costs)]


def _memory(runs: Sequence[Run]) -> list[str]:
    peaks = [max(run.peak_mib.get(process, 0.0) for run in runs) for process in PROCESSES]
    return [runs[0].name, runs[0].label, *(f"{peak:,.0f}" if peak else "" for peak in peaks)]


def _annotators(report: Report) -> list[str]:
    kinds = [runs for runs in report.kinds() if runs[0].annotators]
    if not kinds:
        return []
    names = list(kinds[0][0].annotators)
    rows = [
        [runs[0].name, runs[0].label]
        + [
            f"{median(run.annotators.get(name, 0.0) / run.posts for run in runs) * 1e6:,.0f}"
            for name in names
        ]
        + [", ".join(f"{tier} {count:,.0f}" for tier, count in sorted(runs[0].tiers.items()))]
        for runs in kinds
    ]
    return [
        "Annotators, microseconds a post by the clock, which waits too; and how many posts each "
        "tier read:",
        "",
        *table(("run", "tier", *names, "read"), rows),
    ]


def _latencies(run: Run | None) -> list[str]:
    if run is None or not run.latencies:
        return []
    rows = [
        [
            "acknowledged by the index" if kind == "ingest" else kind,
            *(f"≤ {value:g}" for value in values.values()),
        ]
        for kind, values in run.latencies.items()
    ]
    return [
        f"## Latency, {run.name}",
        "",
        "Seconds from ingest, one post in ten names a brand; upper bounds of histogram buckets.",
        "",
        *table(("to", "p50", "p95", "p99"), rows),
    ]


def _growth(report: Report) -> list[str]:
    if not report.growth:
        return []
    rows = [[run.label, f"{run.rate:,.0f}", f"{run.whole_cost:,.0f}"] for run in report.growth]
    brands = [[f"{int(count):,}", f"{cost:,.1f}"] for count, cost in report.brands.items()]
    return [
        "## Growth",
        "",
        "One post in ten names a brand, fast tier, one run each on the same cores:",
        "",
        *table(("what", "posts/s end to end", "µs a post"), rows),
        "Brands, offline (`language` and `brands` alone; of the generated day's posts two in three",
        "name a brand); queries are in [queries.md](queries.md):",
        "",
        *table(("brands", "µs a post"), brands),
    ]


def _flames(report: Report) -> list[str]:
    if not report.flames:
        return []
    links = ", ".join(f"[{name.removesuffix('.svg')}](pipeline/{name})" for name in report.flames)
    return [f"Flame graphs of a run where all posts match, recorded by py-spy: {links}.", ""]

"""The report of the pipeline benchmark, as Markdown."""

from dataclasses import dataclass, field

from benchmarks.machine import describe
from runtime.settings import ProcessSettings, load


@dataclass
class Run:
    name: str
    posts: int
    mentions: int = 0
    ingest_s: float = 0.0
    process_s: float = 0.0
    end_to_end_s: float = 0.0
    peak_mib: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    annotators: dict[str, float] = field(default_factory=dict)
    tiers: dict[str, float] = field(default_factory=dict)
    """Posts that name a brand by the tier that read them."""
    latencies: dict[str, dict[str, float]] = field(default_factory=dict)


def report(runs: list[Run], processors: int, command: str) -> str:
    lines = [
        "# Pipeline benchmark",
        "",
        f"Made by `{command}`. One run each; engines, services and load share the machine, and",
        "processes start before the clock does. Latencies are upper bounds of histogram buckets.",
        "",
        *describe(),
        "- engines: Apache Kafka 4.3.0, Elasticsearch 9.5.0, one node each",
        f"- processors: {processors}; annotators: {load(ProcessSettings).annotators}; "
        f"tier: {load(ProcessSettings).tier}",
        "",
        "| run | posts | mentions | ingest posts/s | process posts/s | end to end posts/s |",
        "|---|---|---|---|---|---|",
    ]
    for run in runs:
        if run.latencies:
            continue
        rates = [
            f"{run.posts / seconds:,.0f}" if seconds > 0 else "n/a"
            for seconds in (run.ingest_s, run.process_s, run.end_to_end_s)
        ]
        lines.append(f"| {run.name} | {run.posts:,} | {run.mentions:,} | {' | '.join(rates)} |")
    for run in runs:
        if run.latencies:
            lines += ["", f"Latency at {run.name} from ingest, seconds:", ""]
            lines += ["| to | p50 | p95 | p99 |", "|---|---|---|---|"]
            for kind, values in run.latencies.items():
                shown = " | ".join(f"≤ {value:g}" for value in values.values())
                label = "acknowledged by the index" if kind == "ingest" else kind
                lines.append(f"| {label} | {shown} |")
    lines += [
        "",
        "Peak resident memory (MiB, the largest copy) and processor time (s, all copies):",
        "",
    ]
    names = sorted({name for run in runs for name in run.peak_mib})
    lines += ["| run | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for run in runs:
        cells = [f"{run.peak_mib.get(n, 0):.0f} / {run.cpu_s.get(n, 0):.1f}" for n in names]
        lines.append(f"| {run.name} | " + " | ".join(cells) + " |")
    lines += ["", "Posts that name a brand, by the tier that read them:", ""]
    for run in runs:
        read = ", ".join(f"{tier} {count:,.0f}" for tier, count in sorted(run.tiers.items()))
        lines.append(f"- {run.name}: {read or 'not known'}")
    lines += ["", "Share of annotation time by annotator:", ""]
    for run in runs:
        total = sum(run.annotators.values())
        if total:
            shares = ", ".join(f"{n} {v / total:.0%}" for n, v in run.annotators.items())
            lines.append(f"- {run.name}: {shares}")
    return "\n".join(lines) + "\n"

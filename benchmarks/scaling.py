"""What a given rate of posts needs, computed from the figures of ``make bench``: docs/scaling.md.

    python -m benchmarks.scaling [--rate 150000] [--days 30] [--report FILE]

The computation is linear: the processes share nothing but Kafka and Elasticsearch, and both are
partitioned. The page says what was measured and what is assumed.
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.markdown import table
from benchmarks.pipeline.report_page import PROCESSES, Report, Run

FIGURES: Final = Path("benchmarks/reports/pipeline.json")
PAGE: Final = Path("docs/scaling.md")
BUSY: Final = 0.6
"""Share of a core that is used: the rest is for peaks, restarts and catching up."""
COPIES: Final = 3
"""Replicas of a topic's partitions; of the index there is one more copy."""
MENTION_BYTES: Final = 2_000
"""Of a mention and its activity records in their topics, measured on the generated day."""
CORE_HOUR: Final = 0.0504
"""Dollars: Amazon EC2 m7i.large on demand in us-east-1, half of 0.1008."""
GIB_MONTH: Final = 0.08
"""Dollars: Amazon EBS gp3 in us-east-1."""
CORES_A_BROKER: Final = 8
GIB_A_SHARD: Final = 40
"""Elastic advises 10 to 50 GB a shard."""
KAFKA_DAYS: Final = 7


@dataclass(frozen=True)
class Need:
    """What a rate of posts needs; cores by process."""

    cores: dict[str, float]
    partitions: int
    brokers: int
    shards_a_month: int
    kafka_gib: float
    index_gib: float

    @property
    def dollars_a_day(self) -> float:
        stored = (self.kafka_gib + self.index_gib) * GIB_MONTH / 30
        return sum(self.cores.values()) * CORE_HOUR * 24 + stored


def need_of(run: Run, rate: float, days: float) -> Need:
    """``run``: one of the fast tier; ``days``: how long mentions are kept."""
    cores = {
        process: rate * run.cost(process) / 1e6 / BUSY for process in PROCESSES if run.cost(process)
    }
    share = run.mentions / run.posts
    # What is written twice costs Kafka and Elasticsearch twice.
    cores["kafka"] *= COPIES
    cores["elasticsearch"] *= 2
    a_day = rate * 86_400 / 2**30
    index_gib = 2 * a_day * share * run.index_bytes / run.mentions * days
    kafka_gib = COPIES * KAFKA_DAYS * a_day * (run.post_bytes + share * MENTION_BYTES)
    return Need(
        cores,
        partitions=8 * math.ceil(cores["process"] / 8),
        brokers=max(3, math.ceil(cores["kafka"] / CORES_A_BROKER)),
        shards_a_month=math.ceil(index_gib / 2 / GIB_A_SHARD * 30 / days),
        kafka_gib=kafka_gib,
        index_gib=index_gib,
    )


def page(report: Report, rate: float, days: float) -> str:
    kinds = [runs for runs in report.kinds() if runs[0].label == "fast"]
    middle = [sorted(runs, key=lambda run: run.whole_cost)[len(runs) // 2] for runs in kinds]
    needs = [(run, need_of(run, rate, days)) for run in middle]
    names = [run.name for run in middle]
    rows: list[tuple[str, list[str]]] = [
        (f"cores, {name}", [f"{need.cores.get(name, 0):,.0f}" for _, need in needs])
        for name in PROCESSES
        if any(name in need.cores for _, need in needs)
    ]
    rows += [
        ("partitions of `posts`", [f"{need.partitions:,}" for _, need in needs]),
        (f"brokers of {CORES_A_BROKER} cores", [f"{need.brokers:,}" for _, need in needs]),
        (f"Kafka's disks, GiB, {KAFKA_DAYS} days", [f"{n.kafka_gib:,.0f}" for _, n in needs]),
        (f"the index, GiB, {days:g} days", [f"{n.index_gib:,.0f}" for _, n in needs]),
        ("primary shards of a month", [f"{need.shards_a_month:,}" for _, need in needs]),
        ("dollars a day", [f"{need.dollars_a_day:,.0f}" for _, need in needs]),
    ]
    return "\n".join(
        [
            "# Scaling",
            "",
            f"What {rate:,.0f} posts a second need (X's peak of August 2013, [Twitter's engineers]"
            "(https://blog.x.com/engineering/en_us/a/2013/new-tweets-per-second-record-and-how)",
            "tell 143,199). Made by `python -m benchmarks.scaling` from the figures of",
            "[the pipeline benchmark](../benchmarks/reports/pipeline.md). Nothing was measured at",
            "this rate.",
            "",
            *table(("", *names), [(label, *cells) for label, cells in rows]),
            "Assumed:",
            "",
            "- The fast tier. Costs grow with the rate and with nothing else: processors and sinks",
            "  share nothing, and one writes and reads its own partitions.",
            f"- A core is busy for {BUSY:.0%} of the time. Topics have {COPIES} copies, the index "
            "one more than its primary, and each copy costs its writer's time again.",
            f"- A core costs {CORE_HOUR} dollars an hour (Amazon EC2 m7i.large, on demand), a GiB "
            f"{GIB_MONTH} dollars a month (EBS gp3), both in us-east-1. Traffic between zones, "
            "people and support are left out.",
            "",
            "What has to be set: `TOCSIN_KAFKA_PARTITIONS` before the topics are created, as many",
            "`tocsin process` and `tocsin sink elasticsearch` as there are cores for them, and",
            "`TOCSIN_ELASTICSEARCH_SHARDS` ([settings](settings.md)). These settings end at 1,000",
            "partitions and 100 shards a month: what the table asks beyond that is not done yet.",
            "The detector follows `activity`, which only mentions make.",
        ]
    ) + "\n"  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rate", type=float, default=150_000, help="posts a second")
    parser.add_argument("--days", type=float, default=30, help="how long mentions are kept")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--report", type=Path, default=PAGE)
    options = parser.parse_args()
    report = msgspec.json.decode(options.figures.read_bytes(), type=Report)
    options.report.write_text(page(report, options.rate, options.days))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

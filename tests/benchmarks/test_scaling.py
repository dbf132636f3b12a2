"""What a rate needs follows from the figures, and its page says what is assumed."""

import pytest

from benchmarks.pipeline.report_page import Report, Run, page, spread
from benchmarks.scaling import BUSY, COPIES, need_of
from benchmarks.scaling import page as scaling_page

RUN = Run(
    "one in ten",
    10_000,
    "fast",
    mentions=1_000,
    end_to_end_s=2.0,
    post_bytes=1_000,
    index_bytes=500_000,
    cpu_s={"process": 1.0, "kafka": 0.1, "elasticsearch": 0.2, "sink": 0.1, "ingest": 0.1},
)


def test_the_costs_of_a_run_are_by_post() -> None:
    assert (RUN.rate, RUN.cost("process"), RUN.whole_cost) == (5_000, 100, pytest.approx(150))
    assert spread([3, 1, 2]) == "2 (1–3)"
    assert spread([1_000]) == "1,000"


def test_needs_grow_with_the_rate_alone() -> None:
    one, ten = need_of(RUN, 10_000, 30), need_of(RUN, 100_000, 30)
    assert one.cores["process"] == pytest.approx(10_000 * 100e-6 / BUSY)
    assert one.cores["kafka"] == pytest.approx(COPIES * 10_000 * 10e-6 / BUSY)
    for process, cores in one.cores.items():
        assert ten.cores[process] == pytest.approx(10 * cores)
    assert ten.dollars_a_day == pytest.approx(10 * one.dollars_a_day)
    assert one.index_gib == pytest.approx(2 * 1_000 * 500 * 86_400 * 30 / 2**30)
    assert one.partitions >= one.cores["process"]
    assert one.brokers == 3


def test_the_pages_show_every_kind_of_run() -> None:
    other = Run("all match", 10_000, "auto", mentions=10_000, end_to_end_s=4.0, index_bytes=1)
    clients = Run("bare clients", 10_000, end_to_end_s=1.0, cpu_s={"clients": 0.5})
    slow = Run("paced", 10, end_to_end_s=9.0, latencies={"ingest": {"p50": 1, "p95": 2, "p99": 3}})
    report = Report(1, [RUN, other, clients, RUN], slow, [RUN], {"10": 1.5}, ["process.svg"])
    text = page(report, "a command")
    assert "| one in ten | fast | 10,000 | 1,000 | 5,000 (5,000–5,000) | 150 (150–150) |" in text
    assert "| bare clients |  | 10,000 |  | 10,000 | 50 |" in text
    assert "| acknowledged by the index | ≤ 1 | ≤ 2 | ≤ 3 |" in text
    assert "[process](pipeline/process.svg)" in text
    table = scaling_page(report, 150_000, 30)
    assert "| cores, process | 25 |" in table
    assert "all match" not in table, "only the fast tier grows"

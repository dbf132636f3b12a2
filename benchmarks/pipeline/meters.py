"""What a run is measured by: processor time and memory of each process, and what services tell."""

import contextlib
import re
import sys
import threading
import time
import urllib.request
from collections.abc import Callable

import psutil

SAMPLE = re.compile(r"^(tocsin_\w+)(?:\{([^}]*)\})? ([0-9.e+-]+)$", re.MULTILINE)


class Watch:
    """Peak resident memory and processor time of each process, sampled during a run."""

    def __init__(self) -> None:
        self.peak_mib: dict[str, float] = {}
        self.cpu_s: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started: dict[int, float] = {}
        self._spent: dict[tuple[str, int], float] = {}

    def _run(self) -> None:
        while not self._stop.wait(0.25):
            self.sample()

    def sample(self) -> None:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                name = name_of(process)
                if name is None:
                    continue
                times = process.cpu_times()
                spent = times.user + times.system
                begun = self._started.setdefault(process.pid, spent)
                rss = process.memory_info().rss / 2**20
                self.peak_mib[name] = max(self.peak_mib.get(name, 0.0), rss)
                self._spent[name, process.pid] = spent - begun

    def __enter__(self) -> "Watch":
        self.sample()
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._thread.join()
        for (name, _), seconds in self._spent.items():
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + seconds


def name_of(process: psutil.Process) -> str | None:
    """What a child process runs: an engine, a service, or the bare clients."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return None
    if "kafka.Kafka" in line:
        return "kafka"
    if "org.elasticsearch" in line:
        return "elasticsearch"
    for name in ("process", "sink", "ingest"):
        if f"-m tocsin {name}" in line:
            return name
    return "clients" if "bare_clients.py" in line else None


def ready(port: int) -> bool:
    """Whether /readyz of the service on ``port`` is 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], what: str, most_s: float = 300.0) -> None:
    """Polls until ``condition()`` holds."""
    deadline = time.monotonic() + most_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"waited {most_s:.0f} s for {what}")
        time.sleep(0.1)


def scrape(port: int) -> list[tuple[str, dict[str, str], float]]:
    """The metric samples of a service."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return [
        (name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
        for name, labels, value in SAMPLE.findall(text)
    ]


def quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """Upper bound of the histogram bucket that holds the quantile."""
    total = buckets[-1][1] if buckets else 0.0
    for bound, count in buckets:
        if count >= share * total:
            return bound
    return float("nan")


def latencies(port: int) -> dict[str, dict[str, float]]:
    """Median, p95 and p99 of the sink's latency histograms, seconds (upper bounds)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name, labels, value in scrape(port):
        if name.endswith("_latency_seconds_bucket") and "event" not in name:
            kind = name.removeprefix("tocsin_sink_").removesuffix("_latency_seconds_bucket")
            found.setdefault(kind, []).append((float(labels["le"]), value))
    return {
        kind: {f"p{share * 100:.0f}": quantile(sorted(rows), share) for share in (0.5, 0.95, 0.99)}
        for kind, rows in found.items()
    }

"""The frame of a scenario: what it runs on, what it reports, and how the command chooses it.

A scenario is a test with the mark ``chaos("S3", "title")`` and the fixture ``run``. It does its
harm, calls :meth:`Run.close_ledger` or sets the figures of :class:`Row` itself, and the frame
writes one row, a JSON file. The command ``make chaos`` sets the variables below.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.gauges import Gauges
from tests.chaos.ledger import Difference, Ledger, Shares
from tests.chaos.nemesis import Nemesis
from tests.chaos.proxied_engines import ProxiedEngines
from tests.chaos.proxy import HttpProxy, TcpProxy
from tests.chaos.rig import ChaosPipeline, Feeder


class Options(NamedTuple):
    """What the command asks for."""

    scenario: str = ""
    """The names of scenarios, with commas, or what they begin with: S1 is S1-process too, and not
    S12."""
    ci: bool = False
    """Only the short form of the scenarios that guard every change."""
    afresh: bool = False
    scale: float = 1.0
    """Factor on kills, events and minutes."""
    seed: int = 1
    folder: Path = Path(".tocsin/chaos")

    @classmethod
    def of_environment(cls) -> "Options":
        read = os.environ.get
        ci = read("CHAOS_CI", "") not in ("", "0")
        return cls(
            scenario=read("SCENARIO", ""),
            ci=ci,
            afresh=ci or read("AFRESH", "") not in ("", "0"),
            scale=float(read("SCALE") or "1"),
            seed=int(read("SEED") or "1"),
            folder=Path(read("CHAOS_FOLDER") or ".tocsin/chaos") / ("ci" if ci else "full"),
        )

    def takes(self, name: str, in_ci: bool) -> bool:
        """Whether the command asks for this scenario."""
        if self.scenario:
            asked = self.scenario.split(",")
            return any(name == each or name.startswith(f"{each}-") for each in asked)
        return in_ci or not self.ci

    def many(self, full: float, ci: float | None = None) -> int:
        """A number of kills, events or seconds: at full length, or in the CI subset."""
        return max(1, round((full if ci is None or not self.ci else ci) * self.scale))


@dataclass
class Row:
    """One line of the report."""

    scenario: str
    title: str
    faults: dict[str, int] = field(default_factory=dict)
    """Injected faults that took effect, by kind."""
    events: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    """Messages that a topic holds twice; delivery at least once allows it, readers count once."""
    recovery_s: float | None = None
    """From the end of the last fault until every consumer lag is 0."""
    fired: bool = False
    passed: bool = False
    skipped: str = ""
    detail: str = ""
    peak_megabytes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    at: str = ""

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.scenario}.json"
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n")


def rows(folder: Path) -> list[Row]:
    """The rows of a folder, in the order of their numbers."""
    found = [Row(**json.loads(path.read_text())) for path in sorted(folder.glob("S*.json"))]
    return sorted(found, key=lambda row: (number_of(row.scenario), row.scenario))


def number_of(scenario: str) -> int:
    """17 for S17-index."""
    digits = "".join(letter for letter in scenario.partition("-")[0] if letter.isdigit())
    return int(digits or "0")


class Run:
    """What a scenario works with."""

    def __init__(
        self,
        row: Row,
        options: Options,
        pipeline: ChaosPipeline,
        stack: ProxiedEngines,
        kafka_proxy: TcpProxy,
    ) -> None:
        self.row, self.options, self.pipeline = row, options, pipeline
        self.stack, self.kafka_proxy = stack, kafka_proxy
        self.nemesis = Nemesis(options.seed, pipeline.kafka, pipeline.folder)
        self.gauges = Gauges(pipeline.kafka, lambda: list(pipeline.children), pipeline.ports)
        self.strict = True
        """Whether growth and false health fail the scenario."""
        self._healed: float | None = None
        self._began = time.monotonic()

    def feeder(self, shares: Shares | None = None, **ledger: Any) -> Feeder:
        """A feeder of a new ledger."""
        return Feeder(self.pipeline, Ledger(self.options.seed, shares, **ledger))

    def through_kafka_proxy(self) -> None:
        """From now on, services start with the proxy as their Kafka."""
        address = f"127.0.0.1:{self.kafka_proxy.port}"
        self.pipeline.through["TOCSIN_KAFKA_BOOTSTRAP_SERVERS"] = address

    def through(self, proxy: HttpProxy, timeout_s: float = 5.0) -> None:
        """From now on, services start with the proxy as their Elasticsearch."""
        self.pipeline.through["TOCSIN_ELASTICSEARCH_URL"] = proxy.url
        self.pipeline.through["TOCSIN_ELASTICSEARCH_REQUEST_TIMEOUT_S"] = str(timeout_s)

    def add_faults(self, *counters: Counter[str]) -> None:
        """Count faults of proxies and servers in the row."""
        for counter in counters:
            for name, count in counter.items():
                self.row.faults[name] = self.row.faults.get(name, 0) + count

    def healed(self) -> None:
        """The last fault is over: the recovery begins."""
        self._healed = time.monotonic()

    def recovered(self) -> None:
        assert self._healed is not None
        self.row.recovery_s = round(time.monotonic() - self._healed, 1)

    def close_ledger(self, feeder: Feeder, dying: bool = False) -> Difference:
        """Ends the stream, waits for everybody, and compares; the figures are in the row."""
        self.row.events += feeder.finish()
        if self._healed is None:
            self.healed()
        self.pipeline.drain(self.row.events, dying)
        self.recovered()
        self.pipeline.sweep()
        difference = self.pipeline.compare(feeder)
        self.count(difference)
        return difference

    def count(self, difference: Difference) -> None:
        self.row.lost += len(difference.lost)
        self.row.doubled += len(difference.doubled)
        self.row.repeated += difference.repeated
        found = difference.lost or difference.doubled
        assert not found, str(difference)

    def judge(self) -> None:
        """Judges what the frame watches; the scenario itself has passed."""
        self.row.fired = any(self.row.faults.values())
        assert self.row.fired, "no fault took effect: the scenario has shown nothing"
        wrong = self.gauges.faults()
        assert not (self.strict and wrong), "; ".join(wrong)

    def note_end(self) -> None:
        self.row.seconds = round(time.monotonic() - self._began, 1)
        self.row.peak_megabytes = self.gauges.peak_megabytes
        self.row.at = datetime.now(UTC).isoformat(timespec="seconds")


def is_finished(options: Options, name: str) -> bool:
    """Whether an earlier run of the command has passed this scenario."""
    path = options.folder / f"{name}.json"
    return not options.afresh and path.exists() and bool(json.loads(path.read_text())["passed"])


def total(counters: Iterable[Counter[str]]) -> int:
    """Faults of several counters."""
    return sum(sum(counter.values()) for counter in counters)

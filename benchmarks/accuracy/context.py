"""The input of every section of the report."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.accuracy.sets import DataSets
from benchmarks.accuracy.tiers import TierReader
from benchmarks.machine import without_folder
from schemas.errors import ConfigurationError
from schemas.types import Tier

TIERS: tuple[Tier, ...] = ("fast", "accurate")


@dataclass
class Context:
    """Data sets, annotators, and what was missing."""

    sets: DataSets
    readers: list[TierReader] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the reader of the report must know: models and libraries that are not there."""
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, sets: DataSets) -> "Context":
        """Loads both tiers; a tier without its models is noted and left out."""
        context = cls(sets)
        for tier in TIERS:
            try:
                context.readers.append(TierReader.load(tier))
            except (ConfigurationError, ImportError) as error:
                context.notes.append(f"the tier `{tier}` is left out: {without_folder(error)}")
        return context

    @property
    def tiers(self) -> list[str]:
        return [reader.tier for reader in self.readers]

    def not_installed(self, packages: list[str]) -> None:
        """Notes libraries that are missing from the comparison."""
        self.notes += [f"{package}: not installed" for package in packages]

    @contextmanager
    def timed(self, section: str) -> Iterator[None]:
        """Announces a section and keeps its duration."""
        print(f"{section} ...", flush=True)
        begun = time.perf_counter()
        yield
        self.seconds[section] = time.perf_counter() - begun

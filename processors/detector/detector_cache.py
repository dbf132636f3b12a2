"""The detectors of all brands; of those that nothing can come of, what they know, packed.

Most brands are silent most of the time, and what is known of one takes ten times as much in memory
as packed. So a detector at rest is packed until its next record, another policy, or
``MAX_IDLE_MINUTES``. Then it looks at the minutes that have passed, as late as that: no alert can
come of them, so it is where it would be had it looked at each in time.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from heapq import heappop, heappush
from typing import Final, NamedTuple

from processors.detector.brand_detector import BrandDetector, DetectorState
from processors.detector.state.counts import minute_of
from processors.detector.state.packing import pack, unpack
from schemas.alert import Alert
from schemas.brand import Brand

MAX_IDLE_MINUTES: Final = 6 * 60
"""Minutes of rest; a detector that is a day behind would pass over minutes."""
MIN_SILENT_MINUTES: Final = 5
"""Minutes of silence before a rest: who is spoken of more often than that soon wakes again."""


class _Idle(NamedTuple):
    brand: Brand
    until: int
    """Minutes since 1970."""
    late: int
    state: bytes


class DetectorCache:
    """Detectors by brand. Not thread-safe."""

    def __init__(self) -> None:
        self._loaded: dict[str, BrandDetector] = {}
        self._idle: dict[str, _Idle] = {}
        self._ends: list[tuple[int, str]] = []
        self._now: datetime | None = None

    def __len__(self) -> int:
        return len(self._loaded) + len(self._idle)

    def __iter__(self) -> Iterator[str]:
        yield from self._loaded
        yield from self._idle

    @property
    def resting(self) -> int:
        """How many are packed."""
        return len(self._idle)

    @property
    def late(self) -> int:
        """Records that came too late to count, or twice."""
        loaded = sum(detector.late for detector in self._loaded.values())
        return loaded + sum(idle.late for idle in self._idle.values())

    def get(self, name: str) -> BrandDetector | None:
        """The detector of a brand, up to the time of the last ``advance``."""
        if name in self._idle:
            self._load(name)
        return self._loaded.get(name)

    def put(self, name: str, detector: BrandDetector, packed: bytes | None = None) -> None:
        """Take a detector in; with its state as ``packed``, it may rest from the beginning."""
        self._idle.pop(name, None)
        self._loaded[name] = detector
        if packed is not None and detector.may_rest():
            self._pack(name, packed)

    def set_brands(self, brands: Mapping[str, Brand]) -> None:
        """Brands as they are now; detectors go on with their states under the new policies."""
        for name, idle in list(self._idle.items()):
            brand = brands.get(name, idle.brand)
            if brand is not idle.brand and brand != idle.brand:
                self._load(name)
        for name, detector in self._loaded.items():
            detector.brand = brands.get(name, detector.brand)

    def advance(self, now: datetime) -> list[tuple[str, list[Alert]]]:
        """It is ``now``; gives what came of it, in the order of the brands' names."""
        while self._ends and self._ends[0][0] <= minute_of(now):
            until, name = heappop(self._ends)
            idle = self._idle.get(name)
            if idle is not None and idle.until == until:
                self._load(name)
        by_brand = []
        for name in sorted(self._loaded):
            detector = self._loaded[name]
            alerts = detector.advance(now)
            if alerts:
                by_brand.append((name, alerts))
            if detector.may_rest(MIN_SILENT_MINUTES):
                self._pack(name, pack(detector.snapshot()))
        self._now = now if self._now is None else max(self._now, now)
        return by_brand

    def _pack(self, name: str, packed: bytes) -> None:
        detector = self._loaded.pop(name)
        until = detector.looked + MAX_IDLE_MINUTES
        self._idle[name] = _Idle(detector.brand, until, detector.late, packed)
        heappush(self._ends, (until, name))

    def _load(self, name: str) -> None:
        idle = self._idle.pop(name)
        detector = BrandDetector(idle.brand, unpack(idle.state, DetectorState))
        if self._now is not None:
            detector.advance(self._now)
        self._loaded[name] = detector

"""The detectors of all brands; idle ones are kept serialised, in a tenth of the memory.

Records come in the order of their partition. A record below its brand's offset is skipped, so a
restart from a snapshot counts nothing twice. An offset is always that of the next record.

An idle detector is packed until its next record, a new policy, or ``MAX_IDLE_MINUTES``. Only then
does it look at the minutes that have passed: none can raise an alert, so the result is the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from heapq import heappop, heappush
from typing import Final, NamedTuple

from processors.detector.brand_detector import BrandDetector, DetectorState, pack, unpack
from processors.detector.state.counts import minute_of
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.detector_state import DetectorSnapshot

FORMAT: Final = 2
"""Of a snapshot; raised when older ones can no longer be read."""
MAX_IDLE_MINUTES: Final = 6 * 60
"""Less than a day: a detector that is further back skips minutes."""
MIN_SILENT_MINUTES: Final = 5
"""Minutes of silence before a detector is packed: a busier brand would soon be loaded again."""


class _Idle(NamedTuple):
    brand: Brand
    until: int
    """Minutes since 1970."""
    late: int
    state: bytes


class BrandDetectors:
    """Not thread-safe. A brand that is not in ``brands`` has the default policy."""

    def __init__(self, brands: Mapping[str, Brand] | None = None) -> None:
        self._brands = dict(brands or {})
        self._latest: Mapping[str, Brand] | None = None
        self._loaded: dict[str, BrandDetector] = {}
        self._idle: dict[str, _Idle] = {}
        self._ends: list[tuple[int, str]] = []
        self._now: datetime | None = None
        self._offsets: dict[str, tuple[int, int]] = {}
        self._changed: set[str] = set()

    def __len__(self) -> int:
        return len(self._loaded) + len(self._idle)

    @property
    def idle(self) -> int:
        """How many detectors are packed."""
        return len(self._idle)

    @property
    def late(self) -> int:
        """Records that were too late, or duplicates."""
        loaded = sum(detector.late for detector in self._loaded.values())
        return loaded + sum(idle.late for idle in self._idle.values())

    def set_brands(self, brands: Mapping[str, Brand]) -> None:
        """Replace the brands; a detector keeps its state under its new policy."""
        if brands is self._latest:
            return
        self._latest, self._brands = brands, dict(brands)
        for name, idle in list(self._idle.items()):
            if brands.get(name, idle.brand) != idle.brand:
                self._load(name)
        for name, detector in self._loaded.items():
            detector.brand = brands.get(name, detector.brand)

    def detector(self, brand: str) -> BrandDetector:
        """The detector of a brand at the time of the last ``advance``; creates it if needed."""
        if brand in self._idle:
            self._load(brand)
        if brand not in self._loaded:
            self._loaded[brand] = BrandDetector(self._brand(brand))
        return self._loaded[brand]

    def observe(self, record: Activity, partition: int = 0, offset: int = 0) -> list[Alert]:
        """Take a record; ``offset`` is the one after it in its partition."""
        name = record.brand
        if offset and offset <= self.offset(name, partition):
            return []
        self._offsets[name] = (partition, offset)
        self._changed.add(name)
        return self.detector(name).observe(record)

    def advance(self, now: datetime) -> list[Alert]:
        """Advance event time; returns the alerts in the order of the brands' names."""
        while self._ends and self._ends[0][0] <= minute_of(now):
            until, name = heappop(self._ends)
            idle = self._idle.get(name)
            if idle is not None and idle.until == until:
                self._load(name)
        alerts: list[Alert] = []
        for name in sorted(self._loaded):
            detector = self._loaded[name]
            of_brand = detector.advance(now)
            if of_brand:
                self._changed.add(name)
                alerts += of_brand
            if detector.is_idle(MIN_SILENT_MINUTES):
                self._pack(name, pack(detector.snapshot()))
        self._now = now if self._now is None else max(self._now, now)
        return alerts

    def offset(self, brand: str, partition: int) -> int:
        """The offset up to which a brand's state holds its records; 0 if unknown."""
        of_partition, offset = self._offsets.get(brand, (partition, 0))
        return offset if of_partition == partition else 0

    def offsets(self, partition: int) -> dict[str, int]:
        return {brand: offset for brand, (p, offset) in self._offsets.items() if p == partition}

    def set_offset(self, brand: str, partition: int, offset: int) -> None:
        """Declare that a brand's state holds all its records below an offset."""
        self.detector(brand)
        self._offsets[brand] = (partition, offset)
        self._changed.add(brand)

    def snapshots(self, now: datetime, *, every: bool = False) -> Iterator[DetectorSnapshot]:
        """The states of the brands that have changed since the last call."""
        names = sorted([*self._loaded, *self._idle] if every else self._changed)
        self._changed.clear()
        for name in names:
            partition, offset = self._offsets.get(name, (0, 0))
            yield DetectorSnapshot(
                brand=name,
                partition=partition,
                offset=offset,
                saved_at=now,
                format=FORMAT,
                state=pack(self.detector(name).snapshot()),
            )

    def restore(self, snapshots: Iterable[DetectorSnapshot]) -> int:
        """Restore snapshots; returns how many were unreadable and left out."""
        unreadable = 0
        for snapshot in snapshots:
            name = snapshot.brand
            state = unpack(snapshot.state, DetectorState) if snapshot.format == FORMAT else None
            if state is None:
                unreadable += 1
                continue
            self._idle.pop(name, None)
            self._loaded[name] = BrandDetector(self._brand(name), state)
            self._offsets[name] = (snapshot.partition, snapshot.offset)
            if self._loaded[name].is_idle():
                self._pack(name, snapshot.state)
        return unreadable

    def _brand(self, brand: str) -> Brand:
        return self._brands.get(brand) or Brand(id=brand, name=brand)

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

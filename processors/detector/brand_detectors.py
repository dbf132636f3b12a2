"""All brands of one detector: each record to its brand, alerts out; and what is kept of each.

Live, in a back-test and in a file the same: records in the order of their partition. What a
brand's state holds already is passed over by its offset, so that a restart from a snapshot counts
nothing twice and leaves nothing out. An offset is everywhere the one behind a record.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from processors.detector.brand_detector import BrandDetector, DetectorState
from processors.detector.detector_cache import DetectorCache
from processors.detector.state.packing import pack, unpack
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.detector_state import DetectorSnapshot

FORMAT = 2
"""Raised when a state of before can no longer be read."""


class BrandDetectors:
    """Detectors by brand. ``brands``: those that are known now; their policies may change."""

    def __init__(self, brands: Mapping[str, Brand] | None = None) -> None:
        self._brands = dict(brands or {})
        self._latest: Mapping[str, Brand] | None = None
        self._detectors = DetectorCache()
        self._offsets: dict[str, tuple[int, int]] = {}
        self._changed: set[str] = set()

    def set_brands(self, brands: Mapping[str, Brand]) -> None:
        """Brands as they are now; a detector goes on with its state under the new policy."""
        if brands is self._latest:
            return
        self._latest, self._brands = brands, dict(brands)
        self._detectors.set_brands(self._brands)

    def __len__(self) -> int:
        return len(self._detectors)

    @property
    def resting(self) -> int:
        """Brands of which nothing can come before their next record: their states are packed."""
        return self._detectors.resting

    def detector(self, brand: str) -> BrandDetector:
        """The detector of a brand, new where there is none."""
        detector = self._detectors.get(brand)
        if detector is None:
            detector = BrandDetector(self._brand(brand))
            self._detectors.put(brand, detector)
        return detector

    def _brand(self, brand: str) -> Brand:
        return self._brands.get(brand) or Brand(id=brand, name=brand)

    def observe(self, record: Activity, partition: int = 0, offset: int = 0) -> list[Alert]:
        """Take the record before an offset of a partition."""
        name = record.brand
        if offset and offset <= self.offset(name, partition):
            return []
        self._offsets[name] = (partition, offset)
        self._changed.add(name)
        return self.detector(name).observe(record)

    def advance(self, now: datetime) -> list[Alert]:
        """It is ``now``, and all that was written before has come."""
        alerts: list[Alert] = []
        for name, of_brand in self._detectors.advance(now):
            self._changed.add(name)
            alerts += of_brand
        return alerts

    @property
    def late(self) -> int:
        """Records that came too late to count, or twice."""
        return self._detectors.late

    def offset(self, brand: str, partition: int) -> int:
        """The offset behind the last record of a brand that its state holds; 0 without one."""
        of_partition, offset = self._offsets.get(brand, (partition, 0))
        return offset if of_partition == partition else 0

    def offsets(self, partition: int) -> dict[str, int]:
        """The offset of each brand whose records come in a partition."""
        return {
            brand: offset
            for brand, (of_partition, offset) in self._offsets.items()
            if of_partition == partition
        }

    def set_offset(self, brand: str, partition: int, offset: int) -> None:
        """All records of a brand below an offset are in its state, wherever they were read."""
        self.detector(brand)
        self._offsets[brand] = (partition, offset)
        self._changed.add(brand)

    def snapshots(self, now: datetime, *, every: bool = False) -> Iterator[DetectorSnapshot]:
        """The states of the brands that have changed since the last call."""
        names = sorted(self._detectors if every else self._changed)
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
        """Take states of before; says how many could not be read, and are left out."""
        unreadable = 0
        for snapshot in snapshots:
            state = unpack(snapshot.state, DetectorState) if snapshot.format == FORMAT else None
            if state is None:
                unreadable += 1
                continue
            detector = BrandDetector(self._brand(snapshot.brand), state)
            self._detectors.put(snapshot.brand, detector, snapshot.state)
            self._offsets[snapshot.brand] = (snapshot.partition, snapshot.offset)
        return unreadable

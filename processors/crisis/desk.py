"""All brands of one detector: each record to its brand, alerts out; and what is kept of each.

Live, in a back-test and in a file the same: records in the order of their partition. A record's
``place`` is its offset; what a brand's state holds already is passed over, so that a restart from
a snapshot counts nothing twice and leaves nothing out.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec
import zstandard

from processors.crisis.detector import BrandDetector, DetectorState
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.detector_state import DetectorSnapshot

FORMAT = 1
"""Raised when a state of before can no longer be read."""
_LEVEL = 3
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DetectorState).decode


class Desk:
    """Detectors by brand. ``brands``: those that are known now; their policies may change."""

    def __init__(self, brands: Mapping[str, Brand] | None = None) -> None:
        self._brands = dict(brands or {})
        self._detectors: dict[str, BrandDetector] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._changed: set[str] = set()

    def set_brands(self, brands: Mapping[str, Brand]) -> None:
        """Brands as they are now; a detector goes on with its state under the new policy."""
        self._brands = dict(brands)
        for name, detector in self._detectors.items():
            if name in brands:
                detector.brand = brands[name]

    def __len__(self) -> int:
        return len(self._detectors)

    def detector(self, brand: str) -> BrandDetector:
        """The detector of a brand, new where there is none."""
        found = self._detectors.get(brand)
        if found is None:
            known = self._brands.get(brand) or Brand(id=brand, name=brand)
            found = self._detectors[brand] = BrandDetector(known)
        return found

    def observe(self, record: Activity, partition: int = 0, place: int = 0) -> list[Alert]:
        """Take the record at an offset of a partition."""
        name = record.brand
        if place and place <= self._places.get(name, (0, 0))[1]:
            return []
        self._places[name] = (partition, place)
        self._changed.add(name)
        return self.detector(name).observe(record)

    def advance(self, now: datetime) -> list[Alert]:
        """It is ``now``, and all that was written before has come."""
        alerts = []
        for name in sorted(self._detectors):
            found = self._detectors[name].advance(now)
            if found:
                self._changed.add(name)
            alerts += found
        return alerts

    @property
    def late(self) -> int:
        """Records that came too late to count, or twice."""
        return sum(detector.late for detector in self._detectors.values())

    def snapshots(self, now: datetime, *, every: bool = False) -> Iterator[DetectorSnapshot]:
        """The states of the brands that have changed since the last call."""
        names = sorted(self._detectors if every else self._changed)
        self._changed.clear()
        for name in names:
            partition, place = self._places.get(name, (0, 0))
            state = _encode(self._detectors[name].snapshot())
            yield DetectorSnapshot(
                brand=name,
                partition=partition,
                offset=place,
                saved_at=now,
                format=FORMAT,
                state=zstandard.compress(state, _LEVEL),
            )

    def restore(self, snapshots: Iterable[DetectorSnapshot]) -> int:
        """Take states of before; says how many could not be read, and begin anew."""
        unreadable = 0
        for snapshot in snapshots:
            if snapshot.format != FORMAT:
                unreadable += 1
                continue
            state = _decode(zstandard.decompress(snapshot.state))
            brand = self._brands.get(snapshot.brand) or Brand(
                id=snapshot.brand, name=snapshot.brand
            )
            self._detectors[snapshot.brand] = BrandDetector(brand, state)
            self._places[snapshot.brand] = (snapshot.partition, snapshot.offset)
        return unreadable

"""What a detector starts with: saved states, and what is missing of them. Pure.

Beside the states of the brands there is a ledger for each partition, written after them: which
brands they are, and how far each one's state goes. What the topic no longer holds as the ledger
says, or holds in another format, is missing: the records below the consumer group's position make
it anew. Their alerts were written when they were read first, so they are not written again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.coverage import Coverage
from processors.detector.state.packing import pack, unpack
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.codec import DETECTOR_STATE
from schemas.detector_state import DetectorSnapshot
from schemas.errors import InvalidMessage

FORMAT: Final = 1
"""Of a ledger; raised when one of before can no longer be read."""


class Ledger(Struct, kw_only=True):
    """What the saved states of one partition's brands amount to."""

    offsets: dict[str, int] = msgspec.field(default_factory=dict, name="places")
    """Brand to the offset behind the last record that its state holds."""
    coverage: Coverage = msgspec.field(default_factory=Coverage)
    """Of all the partitions that the process had."""
    newest: datetime | None = None
    """Event time of the newest record that the process had read."""


def ledger_snapshot(partition: int, ledger: Ledger, now: datetime) -> DetectorSnapshot:
    """A ledger as the topic carries it."""
    return DetectorSnapshot(
        brand=f"partition:{partition}",
        kind="partition",
        partition=partition,
        offset=max(ledger.offsets.values(), default=0),
        saved_at=now,
        format=FORMAT,
        state=pack(ledger),
    )


def ledgers(values: Iterable[bytes]) -> dict[int, Ledger]:
    """The ledgers among the values of the topic, by partition."""
    by_partition = {}
    for snapshot in _readable(values):
        if snapshot.kind == "partition" and snapshot.format == FORMAT:
            ledger = unpack(snapshot.state, Ledger)
            if ledger is not None:
                by_partition[snapshot.partition] = ledger
    return by_partition


def _readable(values: Iterable[bytes]) -> Iterable[DetectorSnapshot]:
    for value in values:
        try:
            yield DETECTOR_STATE.decode(value)
        except InvalidMessage:
            # Its brand is missing then, which the ledger says.
            continue


@dataclass(slots=True)
class Recovered:
    """What was saved, and what has to be read again for it to be whole."""

    detectors: BrandDetectors
    coverage: Coverage = field(default_factory=Coverage)
    newest: datetime | None = None
    unreadable: int = 0
    """States in another format, or broken."""
    missing: dict[int, int] = field(default_factory=dict)
    """Partition to the offset from which its records have to be counted again."""
    renewed: list[int] = field(default_factory=list)
    """Partitions that are shorter than what was read of them: the topic was made anew."""
    positions: dict[int, int] = field(default_factory=dict)
    """Partition to the offset from which its records are still to be read."""
    rebuilt: set[str] = field(default_factory=set)
    """Brands of which records were counted again."""

    def count_again(self, record: Activity, partition: int, offset: int) -> None:
        """Take a record that was acknowledged before; what the states hold is passed over."""
        self.coverage.observe(record.source, record.ingested_at)
        self.newest = record.at if self.newest is None else max(self.newest, record.at)
        if offset > self.detectors.offset(record.brand, partition):
            self.rebuilt.add(record.brand)
            self.detectors.observe(record, partition, offset)

    def take_over(self, partition: int, ledger: Ledger) -> None:
        """A partition with what was saved of it, once the states are restored."""
        for brand, saved in ledger.offsets.items():
            offset = self.detectors.offset(brand, partition)
            if offset < saved:
                self.missing[partition] = min(offset, self.missing.get(partition, offset))
        self.coverage.take_over(ledger.coverage)
        if ledger.newest is not None:
            self.newest = max(self.newest or ledger.newest, ledger.newest)


def recovered(
    values: Iterable[bytes], ends: Mapping[int, int], brands: Mapping[str, Brand]
) -> Recovered:
    """What the values of `detector-state` say of the partitions in ``ends``.

    ``ends``: our partitions of `activity`, with the offset at which each ends now.
    """
    values = list(values)
    saved = Recovered(BrandDetectors(brands))
    states = [s for s in _readable(values) if s.kind == "brand" and s.partition in ends]
    saved.renewed = sorted({s.partition for s in states if s.offset > ends[s.partition]})
    saved.unreadable = saved.detectors.restore(
        # Offsets of a topic that is no more say nothing of what is in the one of now.
        replace(state, offset=0) if state.partition in saved.renewed else state
        for state in states
    )
    by_partition = ledgers(values)
    for partition in sorted(ends.keys() - set(saved.renewed)):
        ledger = by_partition.get(partition)
        if ledger is None:
            saved.missing[partition] = 0
        else:
            saved.take_over(partition, ledger)
    return saved

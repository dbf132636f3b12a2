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

    places: dict[str, int] = msgspec.field(default_factory=dict)
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
        offset=max(ledger.places.values(), default=0),
        saved_at=now,
        format=FORMAT,
        state=pack(ledger),
    )


def ledgers(values: Iterable[bytes]) -> dict[int, Ledger]:
    """The ledgers among the values of the topic, by partition."""
    found = {}
    for snapshot in _readable(values):
        if snapshot.kind == "partition" and snapshot.format == FORMAT:
            ledger = unpack(snapshot.state, Ledger)
            if ledger is not None:
                found[snapshot.partition] = ledger
    return found


def _readable(values: Iterable[bytes]) -> Iterable[DetectorSnapshot]:
    for value in values:
        try:
            yield DETECTOR_STATE.decode(value)
        except InvalidMessage:
            # Its brand is missing then, which the ledger says.
            continue


@dataclass(slots=True)
class Recovered:
    """What was found, and what has to be read again for it to be whole."""

    desk: BrandDetectors
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

    def count_again(self, record: Activity, partition: int, place: int) -> None:
        """Take a record that was acknowledged before; what the states hold is passed over."""
        self.coverage.observe(record.source, record.ingested_at)
        self.newest = record.at if self.newest is None else max(self.newest, record.at)
        if place > self.desk.place(record.brand, partition):
            self.rebuilt.add(record.brand)
            self.desk.observe(record, partition, place)


def recovered(
    values: Iterable[bytes], ends: Mapping[int, int], brands: Mapping[str, Brand]
) -> Recovered:
    """What the values of `detector-state` say of the partitions in ``ends``.

    ``ends``: our partitions of `activity`, with the offset at which each ends now.
    """
    values = list(values)
    found = Recovered(BrandDetectors(brands))
    ours = [one for one in _readable(values) if one.kind == "brand" and one.partition in ends]
    found.renewed = sorted({one.partition for one in ours if one.offset > ends[one.partition]})
    found.unreadable = found.desk.restore(
        # Offsets of a topic that is no more say nothing of what is in the one of now.
        replace(one, offset=0) if one.partition in found.renewed else one
        for one in ours
    )
    of_partition = ledgers(values)
    for partition in sorted(ends.keys() - set(found.renewed)):
        ledger = of_partition.get(partition)
        if ledger is None:
            found.missing[partition] = 0
            continue
        _take_over(found, partition, ledger)
    return found


def _take_over(found: Recovered, partition: int, ledger: Ledger) -> None:
    held = {brand: found.desk.place(brand, partition) for brand in ledger.places}
    behind = [held[brand] for brand, place in ledger.places.items() if held[brand] < place]
    if behind:
        found.missing[partition] = min(behind)
    found.coverage.take_over(ledger.coverage)
    if ledger.newest is not None:
        found.newest = max(found.newest or ledger.newest, ledger.newest)

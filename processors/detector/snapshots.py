"""What a detector starts with: the saved states, and which of them are missing. Pure.

Each partition has a ledger, written after the states: the offset of each brand's state. A state
that is lost, older than its ledger or of another format is missing: it is rebuilt from the records
below the consumer group's position, whose alerts have been written already.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.event_time import HeardTimes, believed
from processors.detector.silence import Coverage
from processors.detector.state.brand_state import pack, unpack
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.codec import DETECTOR_STATE
from schemas.detector_state import DetectorSnapshot
from schemas.errors import InvalidMessage

FORMAT: Final = 1
"""Of a ledger; raised when older ones can no longer be read."""
REMOVED_AFTER_S: Final = 3600.0
"""Seconds until the state of a removed brand is dropped."""
MAX_OFFSETS: Final = 10_000
"""Brands of one message; a partition with more has further ones, under keys of their own."""


class Ledger(Struct, kw_only=True):
    """The offsets of the saved states of one partition's brands."""

    offsets: dict[str, int] = msgspec.field(default_factory=dict, name="places")
    """Brand to the offset after the last record in its state."""
    coverage: Coverage = msgspec.field(default_factory=Coverage)
    """Of all partitions of the process."""
    newest: datetime | None = None
    """Event time of the newest record that the process read."""
    heard_since: datetime | None = None
    """When the first record was ingested that any process heard."""


def in_slices(
    states: Iterable[DetectorSnapshot], count: int, max_bytes: int
) -> Iterator[list[DetectorSnapshot]]:
    """Slices of ``count`` states, or of the first that pass ``max_bytes`` together."""
    part: list[DetectorSnapshot] = []
    size = 0
    for state in states:
        part.append(state)
        size += len(state.state)
        if len(part) >= count or size >= max_bytes:
            yield part
            part, size = [], 0
    if part:
        yield part


def ledgers_of(
    partitions: Iterable[int],
    detectors: BrandDetectors,
    coverage: Coverage,
    times: HeardTimes,
    now: datetime,
) -> Iterator[DetectorSnapshot]:
    """The ledgers of a process."""
    for partition in partitions:
        ledger = Ledger(
            offsets=detectors.offsets(partition),
            coverage=coverage,
            newest=times.newest,
            heard_since=times.heard_since,
        )
        yield from ledger_snapshots(partition, ledger, now)


def ledger_snapshots(partition: int, ledger: Ledger, now: datetime) -> Iterator[DetectorSnapshot]:
    """The ledger in messages of at most ``MAX_OFFSETS`` brands each."""
    offsets = sorted(ledger.offsets.items())
    for number in range(max(1, -(-len(offsets) // MAX_OFFSETS))):
        of_part = dict(offsets[number * MAX_OFFSETS : (number + 1) * MAX_OFFSETS])
        if number:
            yield ledger_snapshot(partition, Ledger(offsets=of_part), now, number)
        else:
            yield ledger_snapshot(partition, replace(ledger, offsets=of_part), now)


def ledger_snapshot(
    partition: int, ledger: Ledger, now: datetime, part: int = 0
) -> DetectorSnapshot:
    return DetectorSnapshot(
        brand=f"partition:{partition}:{part}" if part else f"partition:{partition}",
        kind="partition",
        partition=partition,
        offset=max(ledger.offsets.values(), default=0),
        saved_at=now,
        format=FORMAT,
        state=pack(ledger),
    )


def ledgers(values: Iterable[bytes]) -> dict[int, Ledger]:
    """The ledgers among the values of `detector-state`, by partition."""
    by_partition: dict[int, Ledger] = {}
    parts: list[tuple[int, Ledger]] = []
    for snapshot in _readable(values):
        if snapshot.kind == "partition" and snapshot.format == FORMAT:
            ledger = unpack(snapshot.state, Ledger)
            if ledger is None:
                continue
            if snapshot.brand == f"partition:{snapshot.partition}":
                by_partition[snapshot.partition] = ledger
            else:
                parts.append((snapshot.partition, ledger))
    for partition, part in parts:
        # Without the first part nothing is known of the partition: all of it is read again.
        if partition in by_partition:
            whole = by_partition[partition].offsets
            for brand, offset in part.offsets.items():
                # The number of parts may have fallen since: an old one says less.
                whole[brand] = max(offset, whole.get(brand, 0))
    return by_partition


def _readable(values: Iterable[bytes]) -> Iterable[DetectorSnapshot]:
    for value in values:
        try:
            yield DETECTOR_STATE.decode(value)
        except InvalidMessage:
            # The ledger shows that its brand is missing.
            continue


class RemovedBrands:
    """The brands that are gone from the registry: a mistake in the file costs no state at once."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def due(self, names: Iterable[str], brands: Container[str], passed_s: float) -> list[str]:
        """Those of ``names`` whose time has come, once each."""
        since = {name: self._since.get(name, passed_s) for name in names if name not in brands}
        due = sorted(name for name, at in since.items() if passed_s - at >= REMOVED_AFTER_S)
        self._since = {name: at for name, at in since.items() if name not in due}
        return due


@dataclass(slots=True)
class Recovered:
    """The saved states, and the records to read again for the missing ones."""

    detectors: BrandDetectors
    coverage: Coverage = field(default_factory=Coverage)
    newest: datetime | None = None
    heard_since: datetime | None = None
    unreadable: int = 0
    """States in another format, or broken."""
    missing: dict[int, int] = field(default_factory=dict)
    """Partition to the offset from which its records must be counted again."""
    renewed: list[int] = field(default_factory=list)
    """Partitions that end before an offset that was read: the topic was recreated."""
    positions: dict[int, int] = field(default_factory=dict)
    """Partition to the position of the consumer group."""
    rebuilt: set[str] = field(default_factory=set)
    now: datetime | None = None
    """Our clock at the start: nothing that was saved or is read is believed to be later."""

    def count_again(self, record: Activity, partition: int, offset: int) -> None:
        """Take a record that was acknowledged; skipped if its brand's state holds it."""
        record = believed(record, self.now)
        self.coverage.observe(record.source, record.ingested_at)
        self.newest = record.at if self.newest is None else max(self.newest, record.at)
        self.heard_since = min(self.heard_since or record.ingested_at, record.ingested_at)
        if offset > self.detectors.offset(record.brand, partition):
            self.rebuilt.add(record.brand)
            try:
                self.detectors.observe(record, partition, offset, self.now)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException:  # noqa: BLE001 - a panic of a library is none of ours
                # It became a dead letter when the detector first read it.
                self.unreadable += 1

    def take_over(self, partition: int, ledger: Ledger) -> None:
        """Compare a partition's ledger with the restored states."""
        for brand, saved in ledger.offsets.items():
            offset = self.detectors.offset(brand, partition)
            if offset < saved:
                self.missing[partition] = min(offset, self.missing.get(partition, offset))
        self.coverage.take_over(ledger.coverage, self.now)
        if ledger.newest is not None:
            newest = ledger.newest if self.now is None else min(ledger.newest, self.now)
            self.newest = max(self.newest or newest, newest)
        if ledger.heard_since is not None:
            self.heard_since = min(self.heard_since or ledger.heard_since, ledger.heard_since)


def recovered(
    values: Iterable[bytes],
    ends: Mapping[int, int],
    brands: Mapping[str, Brand],
    now: datetime | None = None,
) -> Recovered:
    """Restore from the values of `detector-state`.

    ``ends``: our partitions of `activity`, each with its end offset. A state or a time that is
    later than ``now`` is not believed.
    """
    values = list(values)
    saved = Recovered(BrandDetectors(brands), now=now)
    states = [s for s in _readable(values) if s.kind == "brand" and s.partition in ends]
    saved.renewed = sorted({s.partition for s in states if s.offset > ends[s.partition]})
    saved.unreadable = saved.detectors.restore(
        # Offsets of the deleted topic do not hold in the new one.
        (
            replace(state, offset=0) if state.partition in saved.renewed else state
            for state in states
        ),
        now,
    )
    by_partition = ledgers(values)
    for partition in sorted(ends.keys() - set(saved.renewed)):
        ledger = by_partition.get(partition)
        if ledger is None:
            saved.missing[partition] = 0
        else:
            saved.take_over(partition, ledger)
    return saved

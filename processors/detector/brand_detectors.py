"""The detectors of all brands; idle ones are kept serialised, in a tenth of the memory.

Records come in the order of their partition. A record below its brand's offset is skipped, so a
restart from a snapshot counts nothing twice. An offset is always that of the next record.

An idle detector is packed until its next record, a new policy, or ``MAX_IDLE_MINUTES``. Only then
does it look at the minutes that have passed: none can raise an alert, so the result is the same.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import datetime
from heapq import heappop, heappush
from typing import Final, NamedTuple

from processors.detector.brand_detector import LEARNS_EVERY, MAX_LOOKS_AGAIN, BrandDetector
from processors.detector.event_time import Passing, believed
from processors.detector.state.brand_state import DetectorState, Packer
from processors.detector.state.counts import minute_of
from processors.detector.state.volume import STEP, WAITS
from processors.detector.state.volume_batch import learn_together
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.detector_state import DetectorSnapshot

FORMAT: Final = 3
"""Of a snapshot; raised when older programs can no longer read it."""
READABLE: Final = (2, FORMAT)
"""Formats that are read: one of 2 has the volumes as lists of numbers."""
MAX_IDLE_MINUTES: Final = 6 * 60
"""Less than a day: a detector that is further back skips minutes."""
MIN_SILENT_MINUTES: Final = 2
"""Minutes of silence before a detector is packed: a busier brand would soon be loaded again."""
MAX_STATE_BYTES: Final = 1_500_000
"""Of a packed state: in base64 it fits the maximum message of its topic (2 MiB)."""
MAX_LOADS: Final = 1_000
"""Idle detectors that one ``advance`` loads because their time has come; the rest wait."""
SLICE: Final = 600
"""Units of work, of some 20 µs, between two chances for others: a look that shows at once that
nothing is told is one."""
PACKING: Final = 15
"""To pack a detector."""
LOADING: Final = 50
"""To load a detector, which looks at the hours that it has missed."""
LOOKING: Final = 30
"""To compute the signals of a window."""
LEARNING: Final = 10
"""To learn ten minutes."""
COUNTING: Final = 2
"""Counts of volumes that are learnt for one unit, together with those of other brands."""
COMPARED: Final = 100
"""Brands that are compared with their new policies for one unit."""


class _Idle(NamedTuple):
    brand: Brand
    until: int
    """Minutes since 1970."""
    state: bytes


class BrandDetectors:
    """Not thread-safe. A brand that is not in ``brands`` has the default policy.

    ``known_since``: the minute since which a brand's mentions would have been heard, or None.
    """

    def __init__(
        self,
        brands: Mapping[str, Brand] | None = None,
        known_since: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        self._brands = dict(brands or {})
        self.known_since = known_since
        self.tally: Counter[str] = Counter()
        """Records: ``ahead``, ``made_up`` (late, counted), ``lost`` (later than counts),
        ``repeated``. ``failed``: minutes and brands whose look failed. ``shed``: states that were
        too large."""
        self.failures: dict[str, Exception] = {}
        """Brand to the error of its last look that failed; the reader empties it."""
        self.is_amid_brand = False
        """Whether ``advancing`` is between two slices of one brand: it must wait for the rest."""
        self._latest: Mapping[str, Brand] | None = None
        self._loaded: dict[str, BrandDetector] = {}
        self._idle: dict[str, _Idle] = {}
        self._ends: list[tuple[int, str]] = []
        self._now: datetime | None = None
        self._passing, self._packer = Passing(), Packer()
        self._offsets: dict[str, tuple[int, int]] = {}
        self._of_partition: dict[int, dict[str, int]] = {}
        self._changed: set[str] = set()
        self._naming: set[str] = set()
        """The brands whose saved state names posts."""

    def __len__(self) -> int:
        return len(self._loaded) + len(self._idle)

    def __iter__(self) -> Iterator[str]:
        yield from self._loaded
        yield from self._idle

    @property
    def idle(self) -> int:
        """How many detectors are packed."""
        return len(self._idle)

    @property
    def late(self) -> int:
        """Records that were not counted: too late for that, or duplicates."""
        return self.tally["lost"] + self.tally["repeated"]

    def set_brands(self, brands: Mapping[str, Brand]) -> None:
        """Replace the brands; a detector keeps its state under its new policy."""
        for _ in self.setting_brands(brands):
            pass

    def setting_brands(self, brands: Mapping[str, Brand]) -> Iterator[None]:
        """``set_brands`` in slices of bounded work."""
        if brands is self._latest:
            return
        self._latest, self._brands = brands, dict(brands)
        work = 0.0
        for name in list(self):
            if work >= SLICE:
                yield
                work = 0.0
            work += 1 / COMPARED
            idle = self._idle.get(name)
            if idle is None:
                detector = self._loaded[name]
                detector.brand = brands.get(name, detector.brand)
                continue
            brand = brands.get(name, idle.brand)
            # Brands that did not change are mostly the same objects.
            if brand is not idle.brand and brand != idle.brand:
                self._load(name)
                self._loaded[name].brand = brand
                work += LOADING

    def detector(self, brand: str) -> BrandDetector:
        """The detector of a brand at the time of the last ``advance``; creates it if needed."""
        if brand in self._idle:
            self._load(brand)
        if brand not in self._loaded:
            self._loaded[brand] = self._made(self._brand(brand), None)
        return self._loaded[brand]

    def observe(
        self, record: Activity, partition: int = 0, offset: int = 0, now: datetime | None = None
    ) -> list[Alert]:
        """Take a record; ``offset`` is the one after it in its partition. See ``count``."""
        if not self.note(record.brand, partition, offset):
            return []
        return self.count(record, now)

    def note(self, brand: str, partition: int, offset: int) -> bool:
        """Note that the records below ``offset`` were read; False if they were before.

        The caller counts the record before it saves a snapshot.
        """
        if offset and offset <= self.offset(brand, partition):
            return False
        self._place(brand, partition, offset)
        return True

    def count(self, record: Activity, now: datetime | None = None) -> list[Alert]:
        """Count a record; no time that it claims is later than its ingestion, or than ``now``."""
        self._changed.add(record.brand)
        credible = believed(record, now)
        self._passing.take(record, credible.ingested_at)
        self.tally["ahead"] += credible.at < record.at
        return self.detector(record.brand).observe(credible)

    def advance(self, now: datetime, without: Container[str] = ()) -> list[Alert]:
        """Advance event time; returns the alerts in the order of the brands' names.

        A time that only a record claims is not reached, though the caller believes it.
        """
        return [alert for alerts in self.advancing(now, without) for alert in alerts]

    def advancing(self, now: datetime, without: Container[str] = ()) -> Iterator[list[Alert]]:
        """``advance`` in slices of ``SLICE`` units of work; yields the alerts of each.

        ``without``: brands whose records still wait to be counted. Between two slices records may
        be counted and states saved, unless ``is_amid_brand``.
        """
        now = self._passing.believed(now)
        alerts: list[Alert] = []
        for _ in self._waking(now):
            yield []
        work, looks = 0, MAX_LOOKS_AGAIN
        looked_at = list[tuple[str, BrandDetector]]()
        for name in sorted(self._loaded):
            if work >= SLICE:
                self._settle(looked_at)
                yield alerts
                alerts, work = [], 0
            detector = self._loaded.get(name)
            if detector is None or name in without:
                continue
            waiting, before = detector.late_minutes, detector.looks
            looked = detector.looked
            work += 1
            for of_brand in self._advance(name, detector, now, looks):
                if of_brand:
                    self._changed.add(name)
                    alerts += of_brand
                work += LOOKING * (detector.looks - before)
                before = detector.looks
                if work >= SLICE:
                    self._settle(looked_at)
                    self.is_amid_brand = True
                    yield alerts
                    self.is_amid_brand = False
                    alerts, work = [], 0
            if looked_again := waiting - detector.late_minutes:
                self._changed.add(name)
                looks -= looked_again
                work += looked_again
            looked_at.append((name, detector))
            work += LEARNING * (detector.looked // LEARNS_EVERY - looked // LEARNS_EVERY)
            if detector.looked // STEP > looked // STEP and not detector.volumes.waiting:
                work += LOOKING  # it had to learn its counts alone
            if detector.volumes.waiting >= WAITS:
                work += detector.volumes.waiting // COUNTING
            if detector.is_idle(MIN_SILENT_MINUTES):
                work += PACKING
        self._settle(looked_at)
        self._now = now if self._now is None else max(self._now, now)
        yield alerts

    def _settle(self, looked_at: list[tuple[str, BrandDetector]]) -> None:
        """Learn the counts that have waited, and pack the idle ones; empties the list."""
        learn_together(one.volumes for _, one in looked_at if one.volumes.waiting >= WAITS)
        for name, detector in looked_at:
            if name not in self.failures and detector.is_idle(MIN_SILENT_MINUTES):
                self._pack(name, self._packer.pack(detector.snapshot()))
            else:
                detector.close_minutes()
        looked_at.clear()

    def _waking(self, now: datetime) -> Iterator[None]:
        """Load the idle detectors whose time has come, in slices."""
        count = 0
        while self._ends and self._ends[0][0] <= minute_of(now) and count < MAX_LOADS:
            until, name = heappop(self._ends)
            idle = self._idle.get(name)
            if idle is not None and idle.until == until:
                self._load(name)
                count += 1
                if count % (SLICE // LOADING) == 0:
                    yield

    def _advance(
        self, name: str, detector: BrandDetector, now: datetime, looks: int
    ) -> Iterator[list[Alert]]:
        try:
            yield from detector.advancing(now, looks)
        except Exception as error:  # noqa: BLE001
            # One brand that breaks must not silence the others.
            detector.failure = error
            self.tally["failed"] += 1
        if detector.failure is not None:
            self.failures[name] = detector.failure
            detector.failure = None

    def offset(self, brand: str, partition: int) -> int:
        """The offset up to which a brand's state holds its records; 0 if unknown."""
        of_partition, offset = self._offsets.get(brand, (partition, 0))
        return offset if of_partition == partition else 0

    def offsets(self, partition: int) -> dict[str, int]:
        return dict(self._of_partition.get(partition, {}))

    def set_offset(self, brand: str, partition: int, offset: int) -> None:
        """Declare that a brand's state holds all its records below an offset."""
        self.detector(brand)
        self._place(brand, partition, offset)
        self._changed.add(brand)

    def _place(self, brand: str, partition: int, offset: int) -> None:
        before = self._offsets.get(brand)
        if before is not None and before[0] != partition:
            self._of_partition[before[0]].pop(brand, None)
        self._offsets[brand] = (partition, offset)
        self._of_partition.setdefault(partition, {})[brand] = offset

    def forget(self, brand: str) -> None:
        """Drop a brand's state, and that its records were counted."""
        self._loaded.pop(brand, None)
        self._idle.pop(brand, None)
        self._changed.discard(brand)
        self._naming.discard(brand)
        partition, _ = self._offsets.pop(brand, (0, 0))
        self._of_partition.get(partition, {}).pop(brand, None)

    def forgetting_posts(self) -> Iterator[None]:
        """Drop what names posts and authors, of all brands, in slices; they are saved anew."""
        for count, name in enumerate(sorted(self), 1):
            if name in self._idle and name not in self._naming:
                continue
            self.detector(name).forget_posts()
            self._changed.add(name)
            if count % (SLICE // LOADING) == 0:
                yield

    def snapshots(self, now: datetime, *, every: bool = False) -> Iterator[DetectorSnapshot]:
        """The states of the brands that have changed since the last call."""
        names = sorted(self if every else self._changed)
        self._changed.clear()
        for name in names:
            partition, offset = self._offsets.get(name, (0, 0))
            yield DetectorSnapshot(
                brand=name,
                partition=partition,
                offset=offset,
                saved_at=now,
                format=FORMAT,
                state=self._packed(name),
            )

    def _packed(self, name: str) -> bytes:
        idle = self._idle.get(name)
        if idle is not None:
            return idle.state
        detector = self.detector(name)
        state = self._packer.pack(detector.snapshot())
        if detector.names_posts:
            self._naming.add(name)
        else:
            self._naming.discard(name)
        if len(state) > MAX_STATE_BYTES:
            self.tally["shed"] += 1
            detector.forget_posts()
            state = self._packer.pack(detector.snapshot())
        return state

    def restore(self, snapshots: Iterable[DetectorSnapshot], now: datetime | None = None) -> int:
        """Restore snapshots; returns how many were unreadable and left out.

        So is one that has looked at minutes after ``now``: it would be blind until then.
        """
        unreadable = 0
        for snapshot in snapshots:
            name = snapshot.brand
            state = (
                self._packer.unpack(snapshot.state, DetectorState)
                if snapshot.format in READABLE
                else None
            )
            if state is None or (now is not None and state.looked > minute_of(now)):
                unreadable += 1
                continue
            self._idle.pop(name, None)
            self._loaded[name] = self._made(self._brand(name), state)
            self._place(name, snapshot.partition, snapshot.offset)
            if self._loaded[name].names_posts:
                self._naming.add(name)
            if self._loaded[name].is_idle():
                self._pack(name, snapshot.state)
        return unreadable

    def _brand(self, brand: str) -> Brand:
        return self._brands.get(brand) or Brand(id=brand, name=brand)

    def _made(self, brand: Brand, state: DetectorState | None) -> BrandDetector:
        known = self.known_since(brand.id)
        return BrandDetector(brand, state, known=known, tally=self.tally)

    def _pack(self, name: str, packed: bytes) -> None:
        detector = self._loaded.pop(name)
        until = detector.looked + MAX_IDLE_MINUTES
        naming = detector.names_posts_until
        if naming is not None:
            # Then it is packed anew, without the posts.
            until = max(min(until, naming), detector.looked + 1)
            self._naming.add(name)
        elif name in self._naming:
            self._naming.discard(name)
            self._changed.add(name)
        self._idle[name] = _Idle(detector.brand, until, packed)
        heappush(self._ends, (until, name))

    def _load(self, name: str) -> None:
        idle = self._idle.pop(name)
        detector = self._made(idle.brand, self._packer.unpack(idle.state, DetectorState))
        if self._now is not None:
            detector.advance(self._now)
        self._loaded[name] = detector

"""Cost of the crisis detector: processor time and memory of many brands, and of one by state.

Volumes follow Zipf's law: the first of 100,000 brands has a hundred mentions per minute, the median
brand two per hour. Some brands of every volume run through a day, as on the stream, and their
states are saved. Then the measured number of brands starts from copies of these states, as after a
restart, and some minutes pass. Each number has its own process, which isolates its memory.
"""

import gc
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import log
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import psutil

from benchmarks.markdown import table
from processors.detector.brand_detector import BrandDetector
from processors.detector.brand_detectors import FORMAT, BrandDetectors
from processors.detector.state.brand_state import DetectorState, pack, unpack
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.detector_state import DetectorSnapshot
from schemas.types import SentimentLabel

SIZES: Final = (1_000, 10_000, 100_000)
MOST: Final = 100_000
LOUDEST: Final = 6_000.0
"""Mentions per hour of the first of this many brands."""
SKEW: Final = 0.75
RANKS: Final = (
    *(10, 30, 100, 300, 1_000, 2_000, 4_000, 7_000),
    *(10_000 * tenth for tenth in range(1, 11) for _ in range(3)),
)
"""Ranks of the brands of the simulated day; many quiet ones, because they differ."""
MINUTES: Final = 5
"""Numbers of brands to measure."""
START: Final = datetime(2026, 3, 2, tzinfo=UTC)
DAY: Final = 24 * 60
_WORDS: Final = 20_000
_NEEDED: Final = 30_000
"""Free bytes required per brand."""
T = TypeVar("T")


def hourly(rank: int) -> float:
    """Mentions per hour of the brand of a rank."""
    return LOUDEST / float(rank**SKEW)


class Crowd:
    """Invented records with as many terms and keys as real posts: six and eleven."""

    def __init__(self, seed: int) -> None:
        self._pick = random.Random(seed)
        self._number = seed * 10**9
        self._weights = list(accumulate(1 / (rank + 20) for rank in range(_WORDS)))

    def record(self, brand: str, at: datetime, **fields: Any) -> Activity:
        self._number += 1
        pick, number = self._pick, self._number
        label: SentimentLabel = pick.choice(("negative", "neutral", "neutral", "positive"))
        words = pick.choices(range(_WORDS), cum_weights=self._weights, k=6)
        given: dict[str, Any] = {
            "terms": list({f"a word {word}" for word in words}),
            "author": f"{pick.getrandbits(64):016x}",
            **fields,
        }
        return Activity(
            brand=brand, post_id=f"bluesky:{number:027}", version=number, at=at, ingested_at=at,
            source="bluesky", language="en", sentiment=label, reach=pick.randrange(3_000),
            score={"negative": -0.7, "neutral": 0.0, "positive": 0.7}[label],
            duplicate_keys=[f"{key}{pick.getrandbits(30):05x}" for key in range(11)],
            account_age_days=pick.randrange(3_000), **given,
        )  # fmt: skip

    def minute(self, brand: str, per_hour: float, at: datetime) -> Iterator[Activity]:
        """The mentions of one minute, at random times."""
        pick = self._pick
        passed = pick.expovariate(per_hour / 60)
        while passed < 1:
            yield self.record(brand, at + timedelta(minutes=passed))
            passed += pick.expovariate(per_hour / 60)


def day(ranks: Sequence[int] = RANKS, minutes: int = DAY) -> list[bytes]:
    """The last saved states of brands of these ranks after a day."""
    desk, crowd = BrandDetectors(), Crowd(1)
    saved: dict[str, bytes] = {}
    for minute in range(minutes):
        at = START + timedelta(minutes=minute)
        for place, rank in enumerate(ranks):
            for record in crowd.minute(f"b{place}", hourly(rank), at):
                desk.observe(record)
        desk.advance(at + timedelta(minutes=1))
        if minute % 5 == 4:
            saved |= {one.brand: one.state for one in desk.snapshots(at)}
    return [saved.get(f"b{place}", pack(DetectorState(brand=""))) for place in range(len(ranks))]


class Cost(NamedTuple):
    """The cost of one number of brands; seconds are of processor time."""

    brands: int
    records: float
    """A minute."""
    bytes_a_brand: float
    packed: float
    """Share of brands that are at rest, and kept as a snapshot."""
    snapshot_bytes: float
    restore_s: float
    first_s: float
    """The first look after the restart."""
    minute_s: float
    """What a minute takes: its records, and a look at every brand."""
    saving_s: float
    """Of a minute beside that: the states that have changed are saved every 30 seconds."""
    longest_s: float
    """The longest time for which a look, a record or a state to save holds the event loop."""


def cost(states: Sequence[bytes], brands: int, minutes: int = MINUTES) -> Cost:
    """Measures a number of brands in this process, from copies of the states."""
    ranks = [int((place + 0.5) * MOST / brands) + 1 for place in range(brands)]
    before = _memory()
    desk = BrandDetectors()
    begun = time.process_time()
    restored = _snapshots(states, ranks)
    assert desk.restore(restored) == 0, "states in another format"
    restore_s = time.process_time() - begun
    # As the service does once it has recovered.
    gc.freeze()
    now = START + timedelta(days=1)
    first_s, longest_s = _spent_in_parts(desk.advancing(now))
    crowd, records, spent, saving = Crowd(2), 0, 0.0, 0.0
    for _ in range(minutes):
        # Records are made before the clock starts, because the stream brings them.
        coming = [
            record
            for place, rank in enumerate(ranks)
            for record in crowd.minute(f"b{place}", hourly(rank), now)
        ]
        records += len(coming)
        now += timedelta(minutes=1)
        for half in (coming[::2], coming[1::2]):
            observed_s, part_s = _spent_in_parts(map(desk.observe, half))
            saved_s, save_s = _spent_in_parts(desk.snapshots(now))
            spent, saving = spent + observed_s, saving + saved_s
            longest_s = max(longest_s, part_s, save_s)
        looked_s, part_s = _spent_in_parts(desk.advancing(now))
        spent, longest_s = spent + looked_s, max(longest_s, part_s)
    del coming
    size = sum(len(states[_nearest(rank, place)]) for place, rank in enumerate(ranks))
    return Cost(
        brands,
        records / minutes,
        (_memory() - before) / brands,
        desk.idle / brands,
        size / brands,
        restore_s,
        first_s,
        spent / minutes,
        saving / minutes,
        longest_s,
    )


def _spent_in_parts(parts: Iterator[object]) -> tuple[float, float]:
    """The time of all parts together, and of the longest; the event loop goes on between them."""
    begun = before = time.process_time()
    longest = 0.0
    for _ in parts:
        now = time.process_time()
        longest, before = max(longest, now - before), now
    end = time.process_time()
    return end - begun, max(longest, end - before)


def _snapshots(states: Sequence[bytes], ranks: Sequence[int]) -> Iterator[DetectorSnapshot]:
    for place, rank in enumerate(ranks):
        # A copy: on the stream, no two brands share one.
        state = bytes(bytearray(states[_nearest(rank, place)]))
        yield DetectorSnapshot(
            brand=f"b{place}", partition=0, offset=1, saved_at=START, format=FORMAT, state=state
        )


def _nearest(rank: int, place: int) -> int:
    """A brand of the simulated day with about this volume."""
    least = min(abs(log(known / rank)) for known in set(RANKS))
    alike = [at for at, known in enumerate(RANKS) if abs(log(known / rank)) == least]
    return alike[place % len(alike)]


def _memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def _spent(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


class Weight(NamedTuple):
    """The cost of one brand, by its state."""

    bytes_awake: float
    snapshot_bytes: int
    pack_ms: float
    unpack_ms: float


def weight(state: bytes, copies: int) -> Weight:
    """The cost of one brand in this state, measured over many in this process."""
    brand = Brand(id="b", name="b")

    def restored() -> BrandDetector:
        return BrandDetector(brand, unpack(state, DetectorState))

    restored()
    before = _memory()
    kept: list[BrandDetector] = []
    unpack_s = _spent(lambda: kept.extend(restored() for _ in range(copies)))
    awake = (_memory() - before) / copies
    pack_s = _spent(lambda: [pack(one.snapshot()) for one in kept])
    return Weight(awake, len(state), 1e3 * pack_s / copies, 1e3 * unpack_s / copies)


def at_its_bounds(minutes: int = 95, a_minute: int = 2_100) -> bytes:
    """The state of a brand at all its bounds."""
    detector, crowd = BrandDetector(Brand(id="b", name="b")), Crowd(3)
    for number in range(minutes):
        at = START + timedelta(minutes=number)
        for each in range(a_minute if number > minutes - 45 else a_minute // 4):
            words = [f"a word {(each * 7 + word) % 1_000 + 1_000 * number}" for word in range(12)]
            detector.observe(crowd.record("b", at, terms=words))
    return pack(detector.snapshot())


def alone(function: Callable[..., T], *arguments: Any) -> T:
    """Runs a function in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _row(one: Cost) -> tuple[str, ...]:
    return (
        f"{one.brands:,}",
        f"{one.records:,.0f}",
        f"{one.minute_s:.2f} s ({1e6 * one.minute_s / one.brands:.0f} µs a brand)",
        f"{one.saving_s:.2f} s",
        f"{60 * one.brands / (one.minute_s + one.saving_s):,.0f}",
        f"{one.bytes_a_brand / 1000:.1f} kB",
        f"{one.bytes_a_brand * one.brands / 1e9:.2f} GB",
        f"{100 * one.packed:.0f} %",
        f"{one.snapshot_bytes / 1000:.1f} kB",
        f"{one.restore_s:.1f} s",
        f"{one.first_s:.1f} s",
        f"{1000 * one.longest_s:.0f} ms",
    )


def _of_one(states: Sequence[bytes]) -> list[str]:
    quiet, ordinary = RANKS.index(50_000), RANKS.index(300)
    rows = []
    for name, state, copies in (
        ("new", pack(DetectorState(brand="b")), 2_000),
        (f"a day at {hourly(50_000):.0f} mentions an hour", states[quiet], 1_000),
        (f"a day at {hourly(300):.0f} mentions an hour", states[ordinary], 50),
        ("at all its bounds", alone(at_its_bounds), 4),
    ):
        one = alone(weight, state, copies)
        rows.append(
            (name, f"{one.bytes_awake / 1000:,.1f} kB", f"{one.snapshot_bytes / 1000:,.1f} kB",
             f"{one.pack_ms:.2f} ms", f"{one.unpack_ms:.2f} ms")
        )  # fmt: skip
    return table(("one brand", "awake", "packed (snapshot)", "to pack", "to unpack"), rows)


HEADER: Final = (
    *("brands", "records a minute", "a minute takes", "saving beside it", "brands a core"),
    *("memory a brand", "memory", "packed", "snapshot", "to restore", "first look after it"),
    "longest part",
)


def section(data: Path) -> list[str]:
    states = alone(day)
    free = psutil.virtual_memory().available
    sizes = [size for size in SIZES if size * _NEEDED < free]
    left_out = [f"{size:,}" for size in SIZES if size not in sizes]
    return [
        "## Cost of the crisis detector",
        "",
        "One process that looks at every brand once a minute. Volumes are Zipf's (exponent "
        f"{SKEW:g}): of 100,000 brands the loudest has {LOUDEST / 60:.0f} mentions a minute, the "
        f"one in the middle {hourly(50_000):.0f} an hour, the last {hourly(MOST):.0f}; fewer "
        "brands are the same mix. States are those of a day, terms are invented. Processor time "
        "and not the clock's, since other work ran beside it; it varies by a factor of two all "
        "the same. Brands a core: as many as take a minute of it a minute, saving included (every "
        "30 s, what has changed). Packed: at rest, kept as the snapshot until the next record. "
        "Longest part: for so long a look, a record or a save holds the event loop at most.",
        "",
        *table(HEADER, [_row(alone(cost, states, size)) for size in sizes]),
        *([f"Left out for want of memory: {', '.join(left_out)}.", ""] if left_out else []),
        *_of_one(states),
    ]

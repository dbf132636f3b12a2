"""The worker delivers and acknowledges slice by slice; a fault ends its process."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.enricher import Enricher
from processors.enrichment.worker import EnrichmentWorker, Parts, slices
from processors.faust.messages import Incoming, Outgoing
from runtime import metrics
from runtime.health import Health
from runtime.kafka.attempts import MAX_TRIES, Attempt
from runtime.settings import KafkaSettings, ProcessSettings
from schemas.codec import DEAD_LETTER, MENTION_EVENT, POST_EVENT
from schemas.mention import Mention, MentionDelete, MentionUpsert
from tests.processors.enrichment.fakes import ENRICHED, MATCHER, Initials, upsert


class Panic(BaseException):
    """As pyo3's PanicException, which is no Exception."""


@dataclass
class Hostile(Initials):
    """Does to each text what the text says."""

    name: str = "hostile"
    hung: int = 0

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            text = mention.post.text
            if "panic" in text:
                raise Panic("called `Option::unwrap()` on a `None` value")
            if "exit" in text:
                raise SystemExit(1)
            if "memory" in text:
                raise MemoryError
            if "recursion" in text:
                raise RecursionError
            if "hang" in text:
                self.hung += 1
                time.sleep(0.3)


@dataclass
class Book:
    filled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.filled.set()

    def matcher(self) -> BrandMatcher:
        return MATCHER

    def start(self, on_failure: Callable[[Exception], None]) -> None: ...
    def stop(self) -> None: ...


@dataclass
class Producer:
    delivered: list[list[Outgoing]] = field(default_factory=list)

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def send(self, outgoing: Sequence[Outgoing]) -> Awaitable[None]:
        self.delivered.append(list(outgoing))
        return asyncio.sleep(0)


@dataclass
class Store:
    kept: dict[int, Attempt] = field(default_factory=dict)

    def read(self, partition: int) -> Attempt | None:
        return self.kept.get(partition)

    def write(self, partition: int, attempt: Attempt) -> None:
        self.kept[partition] = attempt


@dataclass
class Rig:
    """One process after another over the same store; ``run`` is the life of one."""

    store: Store = field(default_factory=Store)
    hostile: Hostile = field(default_factory=Hostile)
    settings: dict[str, Any] = field(default_factory=dict)
    producer: Producer = field(default_factory=Producer)
    lag: int = 0
    accurate: list[Initials] = field(default_factory=list)
    ends: list[BaseException] = field(default_factory=list)
    acknowledged: list[tuple[int, int]] = field(default_factory=list)

    def run(self, batch: Sequence[Incoming], within_s: float = 10.0) -> None:
        asyncio.run(self._run(batch, within_s))

    async def _run(self, batch: Sequence[Incoming], within_s: float) -> None:
        over = asyncio.Event()

        def end(error: BaseException) -> None:
            self.ends.append(error)
            over.set()

        def acknowledge(first: int, last: int) -> None:
            self.acknowledged.append((first, last))
            if last == len(batch):
                over.set()

        brands = BrandAnnotator(lambda: MATCHER)
        enricher = Enricher([brands, self.hostile], accurate=self.accurate)
        self.health = Health("process")
        worker = EnrichmentWorker(
            KafkaSettings(),
            ProcessSettings(**self.settings),
            self.health,
            lambda: self.lag,
            clock=lambda: ENRICHED,
            parts=Parts(Book(), self.producer, self.store, enricher, end),
        )
        await worker.start()
        took = asyncio.create_task(worker.take(batch, acknowledge))
        await asyncio.wait_for(over.wait(), within_s)
        took.cancel()
        await worker.stop()

    @property
    def letters(self) -> dict[int | None, str]:
        """Offset to reason of what was given up."""
        outgoing = [out for sent in self.producer.delivered for out in sent]
        letters = [DEAD_LETTER.decode(o.value) for o in outgoing if o.topic == "dead-letters"]
        return {letter.offset: letter.reason for letter in letters}

    @property
    def mentions(self) -> list[str]:
        outgoing = [out for sent in self.producer.delivered for out in sent]
        events = [MENTION_EVENT.decode(o.value) for o in outgoing if o.topic == "mentions"]
        return [event.id for event in events if isinstance(event, MentionUpsert)]

    @property
    def expected(self) -> list[str]:
        """The posts whose deletes the sink has to keep, since their letters may be replayed."""
        outgoing = [out for sent in self.producer.delivered for out in sent]
        events = [MENTION_EVENT.decode(o.value) for o in outgoing if o.topic == "mentions"]
        return [event.id for event in events if isinstance(event, MentionDelete)]


def posts(texts: Sequence[str], partition: int = 0) -> list[Incoming]:
    return [
        Incoming("posts", partition, at, b"k", POST_EVENT.encode(upsert(at, f"Velmora {text}")))
        for at, text in enumerate(texts)
    ]


def test_slices_hold_so_many_bytes_or_one_message() -> None:
    batch = [Incoming("posts", 0, at, b"", b"x" * size) for at, size in enumerate([4, 4, 9, 1, 4])]
    assert list(slices(batch, set(), 8)) == [(0, 2), (2, 3), (3, 5)]
    assert list(slices(batch, {1, 4}, 100)) == [(0, 1), (1, 2), (2, 4), (4, 5)]
    assert list(slices([], set(), 8)) == []


def test_large_posts_are_delivered_and_acknowledged_one_slice_after_another() -> None:
    rig = Rig(settings={"batch_bytes": 100_000})
    rig.run(posts(["x" * 40_000] * 5))
    assert rig.acknowledged == [(0, 2), (2, 4), (4, 5)]
    assert rig.mentions == [f"x:{at}" for at in range(5)]
    assert not rig.ends


@pytest.mark.parametrize(
    ("tier", "lag", "read"),
    [("auto", 0, 3), ("auto", 5_000, 0), ("accurate", 10_000, 3), ("fast", 0, 0)],
)
def test_the_encoder_reads_what_the_lag_leaves_time_for(tier: str, lag: int, read: int) -> None:
    reader = Initials(name="accurate")
    rig = Rig(settings={"tier": tier}, lag=lag, accurate=[reader])
    rig.run(posts(["a", "b", "c"]))
    assert len(reader.seen) == read
    assert rig.mentions == ["x:0", "x:1", "x:2"]
    assert metrics.PROCESS_FAST_FALLBACK._value.get() == 0


def test_a_batch_pays_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a batch of more posts than the time suffices for, some are read, and none of the next."""
    stopped = SimpleNamespace(monotonic=lambda: 7.0, perf_counter=time.perf_counter)
    monkeypatch.setattr("processors.enrichment.worker.time", stopped)

    class Slow(Initials):
        def annotate(self, batch: Sequence[Mention]) -> None:
            super().annotate(batch)
            time.sleep(0.6)

    slow = Slow(name="accurate")
    rig = Rig(settings={"batch_bytes": 400_000}, accurate=[slow])
    rig.run(posts(["x" * 1_000] * 600))
    assert rig.mentions == [f"x:{at}" for at in range(600)]
    assert 0 < len(slow.seen) < 300, "the first slice alone, within half a second of 2 ms each"


@pytest.mark.parametrize("fault", ["panic", "exit", "memory", "recursion"])
def test_whatever_an_annotator_raises_is_a_letter_of_the_post_at_fault(fault: str) -> None:
    rig = Rig()
    rig.run(posts(["a", fault, "b"]))
    assert rig.letters == {1: "enrich_failed"}
    assert rig.mentions == ["x:0", "x:2"]
    assert not rig.ends


def test_a_post_that_hangs_is_given_up_as_too_slow_and_the_others_are_handled() -> None:
    """Each process ends at its budget; the fourth that handles it alone gives it up."""
    batch = posts(["a", "hang", "b"])
    # The first process hung in the batch, and the watchdog ended it: nothing was acknowledged.
    rig = Rig(store=Store({0: Attempt(0, 1)}), settings={"message_budget_s": 0.05})
    lives = 0
    while (0, 3) not in rig.acknowledged and (2, 3) not in rig.acknowledged:
        rig.acknowledged.clear()
        rig.producer.delivered.clear()
        rig.run(batch)
        lives += 1
        assert lives <= MAX_TRIES + 1
    assert rig.hostile.hung == MAX_TRIES
    assert [str(error) for error in rig.ends] == [
        "the post at offset 1 of partition 0 takes more than 0.05 s; ending, since it cannot be "
        "interrupted"
    ] * MAX_TRIES
    assert rig.letters == {1: "too_slow"}
    assert rig.expected == ["x:1"]
    assert rig.mentions == ["x:0", "x:2"]


def test_a_slow_post_among_others_is_not_given_up_where_no_process_ended() -> None:
    rig = Rig(settings={"message_budget_s": 0.05})
    rig.run(posts(["a", "hang", "b"]))
    assert rig.hostile.hung == 1
    assert (rig.letters, rig.ends, len(rig.mentions)) == ({}, [], 3)


def test_a_delivery_that_fails_ends_the_process_without_an_acknowledgement() -> None:
    class Panics(Producer):
        async def send(self, outgoing: Sequence[Outgoing]) -> Awaitable[None]:
            raise Panic("no brokers")

    rig = Rig(producer=Panics())
    rig.run(posts(["a"]))
    assert isinstance(rig.ends[0], Panic)
    assert not rig.acknowledged


GOOD = POST_EVENT.encode(upsert(1, "Velmora"))


@pytest.mark.parametrize("key", [None, b"", b"\xff\x00", b"k" * 2_000_000])
@pytest.mark.parametrize("headers", [None, [], [("h", b"x" * 1_000_000)], [("h", b"")] * 10_000])
@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        b"[" * 200_000,
        b'{"op":' * 50_000,
        b"x" * 4_000_000,
        GOOD,
        GOOD.replace(b"2026-01-02", b"0001-01-01"),
        GOOD.replace(b"2026-01-02", b"9999-12-31"),
        GOOD.replace(b"Velmora", b"Velmora panic"),
        GOOD.replace(b"Velmora", b"Velmora " * 50_000),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_every_record_that_a_producer_can_write_is_handled_or_a_letter(
    key: bytes | None, headers: object, value: bytes | None
) -> None:
    rig = Rig()
    rig.run([Incoming("posts", 0, 0, key, value, headers)])
    assert rig.acknowledged == [(0, 1)] and not rig.ends
    assert len(rig.letters) + len(rig.mentions) == 1
    largest = max(len(o.value) + len(o.key or b"") for sent in rig.producer.delivered for o in sent)
    assert largest < 4 * 2**20 - 4_096

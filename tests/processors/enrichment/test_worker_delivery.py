"""A processor: acknowledges after delivery, in order, and ends where going on would lose posts."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.enricher import Enricher
from processors.enrichment.worker import EnrichmentWorker, Parts
from processors.faust.messages import Incoming, Outgoing
from runtime.health import Health
from runtime.kafka.attempts import Attempt
from runtime.settings import KafkaSettings, ProcessSettings
from schemas.codec import POST_EVENT
from schemas.errors import BrakeTripped, ServiceUnavailable
from tests.processors.enrichment.fakes import MATCHER, upsert


class Producer:
    """Delivers when the test lets it."""

    def __init__(self) -> None:
        self.begun: list[Sequence[Outgoing]] = []
        self.open = asyncio.Event()
        self.trouble: Exception | None = None

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def deliver(self, outgoing: Sequence[Outgoing]) -> None:
        self.begun.append(outgoing)
        await self.open.wait()
        if self.trouble is not None:
            raise self.trouble


class Brands:
    def __init__(self) -> None:
        self.filled = threading.Event()
        self.filled.set()

    def matcher(self) -> BrandMatcher:
        return MATCHER

    def start(self, on_failure: Callable[[Exception], None]) -> None: ...
    def stop(self) -> None: ...


class NoAttempts:
    def read(self, partition: int) -> Attempt | None:
        return None

    def write(self, partition: int, attempt: Attempt) -> None: ...


@dataclass
class Process:
    """A processor with a producer and brands of the test's own."""

    settings: dict[str, Any] = field(default_factory=dict)
    acknowledged: list[int] = field(default_factory=list)
    ends: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.producer, self.brands = Producer(), Brands()
        enricher = Enricher([BrandAnnotator(lambda: MATCHER)])
        self.worker = EnrichmentWorker(
            KafkaSettings(),
            ProcessSettings(**self.settings),
            Health("process"),
            parts=Parts(self.brands, self.producer, NoAttempts(), enricher, self.ends.append),
        )

    async def take(self, number: int, *values: bytes) -> None:
        """A batch of these messages, or of one post; noted once the last one is acknowledged."""
        posts = values or (POST_EVENT.encode(upsert(number, "Velmora")),)
        batch = [
            Incoming("posts", 0, number * 100 + at, b"k", value) for at, value in enumerate(posts)
        ]
        await self.worker.take(batch, lambda first, end: self.acknowledged.append(number))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def moment() -> None:
    """Enough turns of the loop for anything that is ready to happen."""
    for _ in range(50):
        await asyncio.sleep(0.001)


def in_a_loop(
    test: Callable[[Process], Coroutine[Any, Any, None]], **settings: Any
) -> Callable[[], None]:
    async def run() -> None:
        process = Process(settings)
        await process.worker.start()
        await test(process)
        await process.worker.stop()

    return lambda: asyncio.run(run())


async def _after_delivery(process: Process) -> None:
    await process.take(1)
    await until(lambda: process.producer.begun)
    await moment()
    assert process.acknowledged == []
    process.producer.open.set()
    await until(lambda: process.acknowledged == [1])


async def _in_order(process: Process) -> None:
    for number in (1, 2):
        await process.take(number)
    await until(lambda: process.producer.begun)
    await moment()
    assert len(process.producer.begun) == 1, "the second batch waits for the first one"
    process.producer.open.set()
    await until(lambda: process.acknowledged == [1, 2])


async def _failed_delivery(process: Process) -> None:
    process.producer.trouble = ServiceUnavailable("Kafka is away")
    process.producer.open.set()
    await process.take(1)
    await until(lambda: process.ends)
    assert isinstance(process.ends[0], ServiceUnavailable)
    assert process.acknowledged == []


async def _brake(process: Process) -> None:
    process.producer.open.set()
    await process.take(1, *[b"garbage"] * 30)
    await until(lambda: process.ends)
    assert isinstance(process.ends[0], BrakeTripped)
    # The letters are delivered: what is given up is handled.
    assert process.acknowledged == [1]


async def _no_brands(process: Process) -> None:
    process.producer.open.set()
    process.brands.filled.clear()
    await process.take(1)
    await until(lambda: process.ends)
    assert isinstance(process.ends[0], ServiceUnavailable)
    assert (process.producer.begun, process.acknowledged) == ([], [])


test_a_batch_is_acknowledged_after_its_delivery = in_a_loop(_after_delivery)
test_batches_are_delivered_and_acknowledged_in_order = in_a_loop(_in_order)
test_a_delivery_that_fails_ends_the_process_without_acknowledgement = in_a_loop(_failed_delivery)
test_too_many_dead_letters_end_the_process = in_a_loop(_brake, dead_letter_run=20)
test_no_post_is_matched_while_no_brand_is_published = in_a_loop(_no_brands)

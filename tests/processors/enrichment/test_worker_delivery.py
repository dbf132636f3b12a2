"""A processor: acknowledges after delivery, in order, and ends where going on would lose posts."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
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
    """Delivers what the test says; each batch has a future of its own."""

    def __init__(self) -> None:
        self.begun: list[Sequence[Outgoing]] = []
        self.deliveries: list[asyncio.Future[None]] = []

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def send(self, outgoing: Sequence[Outgoing]) -> Awaitable[None]:
        self.begun.append(outgoing)
        self.deliveries.append(asyncio.get_running_loop().create_future())
        return self.deliveries[-1]


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
    process.producer.deliveries[0].set_result(None)
    await until(lambda: process.acknowledged == [1])


async def _in_order(process: Process) -> None:
    for number in (1, 2, 3):
        await process.take(number)
    await until(lambda: len(process.producer.begun) == 3)
    for at in (2, 1):
        process.producer.deliveries[at].set_result(None)
    await moment()
    assert process.acknowledged == [], "they wait for the first one"
    process.producer.deliveries[0].set_result(None)
    await until(lambda: process.acknowledged == [1, 2, 3])


async def _bounded(process: Process) -> None:
    taking = asyncio.create_task(takes(process, 10))
    await until(lambda: len(process.producer.begun) == 4)
    await moment()
    assert len(process.producer.begun) == 4, "one is awaited, two wait, one has no place yet"
    assert not taking.done()
    taking.cancel()


async def takes(process: Process, count: int) -> None:
    for number in range(count):
        await process.take(number)


async def _failed_delivery(process: Process) -> None:
    await process.take(1)
    await until(lambda: process.producer.deliveries)
    process.producer.deliveries[0].set_exception(ServiceUnavailable("Kafka is away"))
    await until(lambda: process.ends)
    assert isinstance(process.ends[0], ServiceUnavailable)
    assert process.acknowledged == []


async def _brake(process: Process) -> None:
    await process.take(1, *[b"garbage"] * 30)
    await until(lambda: process.producer.deliveries)
    process.producer.deliveries[0].set_result(None)
    await until(lambda: process.ends)
    assert isinstance(process.ends[0], BrakeTripped)
    # The letters are delivered: what is given up is handled.
    assert process.acknowledged == [1]


async def _no_brands(process: Process) -> None:
    process.brands.filled.clear()
    await process.take(1)
    await until(lambda: process.ends)
    assert isinstance(process.ends[0], ServiceUnavailable)
    assert (process.producer.begun, process.acknowledged) == ([], [])


test_a_batch_is_acknowledged_after_its_delivery = in_a_loop(_after_delivery)
test_batches_are_acknowledged_in_order = in_a_loop(_in_order)
test_few_batches_are_on_their_way_at_once = in_a_loop(_bounded)
test_a_delivery_that_fails_ends_the_process_without_acknowledgement = in_a_loop(_failed_delivery)
test_too_many_dead_letters_end_the_process = in_a_loop(_brake, dead_letter_run=20)
test_no_post_is_matched_while_no_brand_is_published = in_a_loop(_no_brands)

"""What flows is looked at when somebody asks, seldom, and without making anybody wait for Kafka."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from runtime.kafka.topic_stats import TopicLag
from runtime.settings import KafkaSettings, load
from schemas.errors import ServiceUnavailable
from tower.desk.flow_watch import EVERY_S, MAX_AGE_S, FlowWatch, TopicFlow


@dataclass
class Meter:
    """Counts its looks; ``away``: Kafka does not answer; ``gate``: a look waits for it."""

    seen: TopicLag = field(default_factory=TopicLag)
    away: bool = False
    gate: threading.Event | None = None
    looks: int = 0
    opened: int = 0
    closed: int = 0

    def open(self, settings: KafkaSettings) -> "Meter":
        self.opened += 1
        if self.away:
            raise ServiceUnavailable("Kafka does not answer")
        return self

    def look(self) -> TopicLag:
        self.looks += 1
        if self.gate is not None:
            assert self.gate.wait(20)
        if self.away:
            raise ServiceUnavailable("Kafka does not answer")
        return self.seen

    def close(self) -> None:
        self.closed += 1


@dataclass
class Watching:
    meter: Meter = field(default_factory=Meter)
    passed_s: float = 0.0
    watch: FlowWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = FlowWatch(load(KafkaSettings), lambda: self.passed_s, self.meter.open)  # type: ignore[arg-type]

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        async def within() -> None:
            async with asyncio.timeout(20):
                await test()

        asyncio.run(within())

    async def flows(self, wait_s: float = 10.0) -> list[TopicFlow]:
        return await self.watch.flows(wait_s)


@pytest.fixture
def watching() -> Iterator[Watching]:
    watching = Watching()
    yield watching
    watching.watch.close()


def test_the_rate_is_between_two_looks(watching: Watching) -> None:
    async def test() -> None:
        watching.meter.seen = TopicLag({"posts": 100, "alerts": 1}, {"posts": 7})
        assert await watching.flows() == [
            TopicFlow("alerts", 1, None, None),
            TopicFlow("posts", 100, None, 7),
        ]
        watching.passed_s = 10.0
        # A topic that was made again has fewer messages: that is no rate below nothing.
        watching.meter.seen = TopicLag({"posts": 150, "alerts": 0, "new": 9}, {"posts": 0})
        assert await watching.flows() == [
            TopicFlow("alerts", 0, 0.0, None),
            TopicFlow("new", 9, 0.0, None),
            TopicFlow("posts", 150, 5.0, 0),
        ]
        # A look that is too old says nothing of the present rate.
        watching.passed_s = 11.0 + MAX_AGE_S
        assert [flow.rate for flow in await watching.flows()] == [None] * 3

    watching.run(test)


def test_many_who_ask_are_one_look(watching: Watching) -> None:
    async def test() -> None:
        await asyncio.gather(*(watching.flows() for _ in range(20)))
        watching.passed_s = EVERY_S - 0.1
        await watching.flows()
        assert watching.meter.looks == 1
        watching.passed_s = EVERY_S
        await watching.flows()
        assert (watching.meter.looks, watching.meter.opened) == (2, 1)

    watching.run(test)


def test_nobody_waits_longer_than_they_say(watching: Watching) -> None:
    gate = watching.meter.gate = threading.Event()

    async def test() -> None:
        watching.meter.seen = TopicLag({"posts": 3})
        assert await watching.flows(wait_s=0.0) == []
        assert await watching.flows(wait_s=0.0) == []
        gate.set()
        # The look goes on, and the next who asks has it.
        assert [flow.written for flow in await watching.flows()] == [3]
        assert watching.meter.looks == 1

    watching.run(test)


def test_a_kafka_that_is_away_is_told_and_connected_to_anew(watching: Watching) -> None:
    async def test() -> None:
        watching.meter.seen = TopicLag({"posts": 3})
        await watching.flows()
        watching.meter.away, watching.passed_s = True, 6.0
        # What was last seen stays.
        assert [flow.written for flow in await watching.flows()] == [3]
        assert watching.watch.error == "Kafka does not answer"
        assert watching.meter.closed == 1
        await watching.flows()
        watching.meter.away = False
        await watching.flows()
        assert watching.watch.error == ""
        assert watching.meter.opened == 3

    watching.run(test)

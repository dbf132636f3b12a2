"""The reader follows the stream, says when it cannot, and goes on where it was."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from kafka.errors import KafkaTimeoutError

from runtime.settings import KafkaSettings
from schemas.alert import Alert
from schemas.codec import ALERT, MENTION_EVENT
from tests import make
from tests.runtime.kafka.fake_kafka import FakeKafka
from tower.live.hub import Hub, Listener
from tower.live.stream_reader import StreamReader

SETTINGS = KafkaSettings(topic_prefix="t.")
NOW = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
PATIENCE_S = 20


class Reading:
    """A reader of a fake Kafka, and one browser that looks at everything."""

    def __init__(self, kafka: FakeKafka) -> None:
        self.kafka = kafka
        self.hub = Hub(lambda mention, version, language: mention.post.id, lambda id_: id_)
        self.alerts: list[Alert] = []
        self.browser = Listener("", "en", "ana")
        self.reader = StreamReader(SETTINGS, self.hub, self.alerts.append, lambda: NOW)
        self.events: list[tuple[str, Any]] = []

    async def until(self, done: Callable[[], bool]) -> None:
        """Waits for the reader's thread."""
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                await asyncio.sleep(0.005)
                self.kafka.now = 0.0
                self.events += [
                    (event.name, msgspec.json.decode(event.data)) for event in self.browser.take()
                ]

    @property
    def states(self) -> list[bool]:
        return [body["live"] for name, body in self.events if name == "state"]

    @property
    def posts(self) -> list[str]:
        return [body["html"] for name, body in self.events if name == "post"]


def scenario(kafka: FakeKafka, test: Callable[[Reading], Awaitable[None]]) -> Reading:
    async def run() -> Reading:
        reading = Reading(kafka)
        reading.hub.add(reading.browser, None, None)
        reading.reader.start()
        try:
            await test(reading)
        finally:
            reading.reader.stop()
        return reading

    return asyncio.run(run())


def send(kafka: FakeKafka, number: int) -> None:
    event = make.enriched(make.mention(make.post(id=f"x:{number}")))
    kafka.send("t.mentions", key=b"k", value=MENTION_EVENT.encode(event))


def test_posts_and_alerts_from_now_on_reach_the_browser(kafka: FakeKafka) -> None:
    send(kafka, 1)

    async def test(reading: Reading) -> None:
        await reading.until(lambda: True in reading.states)
        for number in (2, 3):
            send(kafka, number)
        kafka.send("t.alerts", key=b"velmora", value=ALERT.encode(make.alert()))
        await reading.until(lambda: len(reading.posts) == 2 and len(reading.alerts) == 1)

    reading = scenario(kafka, test)
    assert reading.posts == ["x:2", "x:3"], "what was before is the index's"
    assert reading.alerts == [make.alert()]


def test_what_is_unreadable_is_left_out(kafka: FakeKafka) -> None:
    async def test(reading: Reading) -> None:
        await reading.until(lambda: True in reading.states)
        kafka.send("t.mentions", key=b"k", value=b"{nonsense")
        kafka.send("t.mentions", key=b"k", value=None)
        kafka.send("t.alerts", key=b"k", value=b"7")
        send(kafka, 2)
        await reading.until(lambda: bool(reading.posts))

    reading = scenario(kafka, test)
    assert reading.posts == ["x:2"]
    assert reading.alerts == []


def test_a_kafka_that_goes_away_is_told_and_read_on_where_it_was(kafka: FakeKafka) -> None:
    failures = 0

    def fail(searching: bool) -> None:
        nonlocal failures
        if searching:
            failures += 1
            raise KafkaTimeoutError("no answer")

    async def test(reading: Reading) -> None:
        await reading.until(lambda: True in reading.states)
        kafka.on_poll = lambda: fail(True)
        send(kafka, 1)
        await reading.until(lambda: reading.states[-1] is False)
        send(kafka, 2)
        kafka.on_poll = lambda: None
        await reading.until(lambda: len(reading.posts) == 2)

    reading = scenario(kafka, test)
    assert failures >= 1
    assert reading.states[-3:] == [True, False, True]
    assert reading.posts == ["x:1", "x:2"], "none is lost, and none comes twice"

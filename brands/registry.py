"""The brands as they are now, followed on the ``brands`` topic from a thread of its own."""

import threading
from collections.abc import Callable

from kafka import KafkaConsumer

from brands.brand_matcher import BrandMatcher
from brands.brand_query import query_of
from queries.language.errors import QueryError
from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.kafka import client as kafka
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.brand import Brand
from schemas.codec import BRAND
from schemas.errors import InvalidMessage

TOPIC = "brands"
log = get_logger("brands")


class BrandRegistry:
    """Holds the current :class:`BrandMatcher`; ``matcher()`` is safe from any thread.

    A change takes as long as a poll: a fraction of a second. The whole topic is read before the
    first matcher is given out, so that no post is matched against half of the brands. Who asks for
    the brands alone says so with ``matching``: the matcher of thousands takes seconds to build.
    """

    def __init__(
        self, settings: KafkaSettings, clock: Clock = utc_now, *, matching: bool = True
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._matching = matching
        self._published: dict[str, Brand] = {}
        self._brands: dict[str, Brand] = {}
        self._unreadable: set[str] = set()
        self._matcher = BrandMatcher(())
        self._stop = threading.Event()
        self.filled = threading.Event()
        """Set while there is at least one brand to listen for."""

    def matcher(self) -> BrandMatcher:
        """The matcher of the brands as they are now."""
        return self._matcher

    def brands(self) -> dict[str, Brand]:
        """The brands as they are now, by id."""
        return self._published

    def start(self, on_failure: Callable[[Exception], None]) -> None:
        """Read the topic, then follow it in a thread; ``on_failure`` hears why that ended."""
        thread = threading.Thread(
            target=self._follow, args=(on_failure,), name="brand-book", daemon=True
        )
        thread.start()

    def stop(self) -> None:
        """End the thread soon."""
        self._stop.set()

    def _follow(self, on_failure: Callable[[Exception], None]) -> None:
        try:
            consumer = kafka.consumer(self._settings, "brands", fetch_max_wait_ms=250)
            try:
                for record in kafka.read_to_end(consumer, self._settings.topic_prefix + TOPIC):
                    self._take(record.key, record.value)
                self._publish()
                while not self._stop.is_set():
                    self._poll(consumer)
            finally:
                consumer.close()
        except Exception as error:  # noqa: BLE001
            # Whatever it was: going on with the brands as they were would be a silent fault.
            on_failure(error)

    def _poll(self, consumer: KafkaConsumer) -> None:
        polled = consumer.poll(timeout_ms=500)
        for records in polled.values():
            for record in records:
                self._take(record.key, record.value)
        if polled:
            self._publish()

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        name = (key or b"").decode("utf-8", "replace")
        self._unreadable.discard(name)
        if value is None:
            self._brands.pop(name, None)
            return
        try:
            brand = BRAND.decode(value)
            query_of(brand)
        except (InvalidMessage, QueryError) as error:
            # Somebody else wrote it: keep what we have rather than stop listening.
            log.error("a brand cannot be read; the last state stays", brand=name, why=str(error))
            self._unreadable.add(name)
            return
        self._brands[brand.id] = brand

    def _publish(self) -> None:
        if self._matching:
            self._matcher = BrandMatcher(self._brands.values())
        self._published = dict(self._brands)
        metrics.PROCESS_BRANDS.set(len(self._brands))
        metrics.PROCESS_BRANDS_UNREADABLE.set(len(self._unreadable))
        metrics.PROCESS_BRANDS_UPDATED.set(self._clock().timestamp())
        log.info("brands", count=len(self._brands))
        if self._brands:
            self.filled.set()
        else:
            self.filled.clear()

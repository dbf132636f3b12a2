"""The compacted ``brands`` topic: publish, read once, and follow in a thread."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from typing import Final, NamedTuple

from brands.brand_matcher import BrandMatcher
from brands.brand_query import query_of
from queries.language.errors import QueryError
from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.kafka import client as kafka
from runtime.kafka.client import publish
from runtime.kafka.protocols import OutgoingRecord
from runtime.kafka.reader import latest_values, read_to_end, read_topic
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.brand import Brand
from schemas.codec import BRAND
from schemas.errors import ConfigurationError, InvalidMessage

TOPIC = "brands"
SETTLED_S: Final = 1.0
"""Seconds without a record after which a burst of changes is over, and the matcher is built."""
MAX_SHOWN: Final = 200
"""Characters of a key or an error in the log: any program may write to the topic."""
MAX_WAIT_S: Final = 10.0
"""Seconds after which changes that never pause are published all the same."""
log = get_logger("brands")


def current_brands(settings: KafkaSettings) -> dict[str, bytes]:
    """Brand id to the encoded brand, as of now."""
    return {
        key.decode("utf-8", "replace"): value
        for key, value in latest_values(settings, "brands", TOPIC).items()
    }


class Published(NamedTuple):
    brand: Brand | None
    """None: another program wrote it, and it cannot be read."""
    at: datetime
    """When it was published."""


def published_brands(settings: KafkaSettings) -> dict[str, Published]:
    """Brand id to the brand as of now."""
    brands: dict[str, Published] = {}
    for record in read_topic(settings, "brands", TOPIC):
        name = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            brands.pop(name, None)
            continue
        at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        try:
            brands[name] = Published(BRAND.decode(record.value), at)
        except InvalidMessage:
            brands[name] = Published(None, at)
    return brands


def decoded_brands(encoded: Mapping[str, bytes]) -> dict[str, Brand]:
    """Brand id to brand; raises :class:`ConfigurationError` for an unreadable one."""
    brands = {}
    for name, value in encoded.items():
        try:
            brands[name] = BRAND.decode(value)
        except InvalidMessage as error:
            raise ConfigurationError(
                f"brand {name[:MAX_SHOWN]} cannot be read ({error.detail[:MAX_SHOWN]}); run "
                "'tocsin brands apply'"
            ) from None
    return brands


def publish_brands(
    settings: KafkaSettings, brands: Sequence[Brand], keep_others: bool
) -> tuple[int, int]:
    """Bring the topic to ``brands``; returns how many changed and how many were deleted."""
    present = current_brands(settings)
    values: dict[str, bytes | None] = {
        brand.id: encoded
        for brand in brands
        if present.get(brand.id) != (encoded := BRAND.encode(brand))
    }
    changed = len(values)
    if not keep_others:
        values |= dict.fromkeys(sorted(present.keys() - {brand.id for brand in brands}))
    topic = settings.topic_prefix + TOPIC
    publish(
        settings,
        "brands",
        (OutgoingRecord(topic, name.encode(), value) for name, value in values.items()),
        "the brands",
    )
    return changed, len(values) - changed


class Burst:
    """Tells when a burst of changes is over: no change for ``settled_s``, or ``max_s`` in all."""

    def __init__(self, settled_s: float, max_s: float) -> None:
        self._settled_s = settled_s
        self._max_s = max_s
        self._first: float | None = None
        self._last = 0.0

    def is_over(self, changed: bool, now: float) -> bool:
        """Call at each poll; ``now`` is monotonic. True once a burst."""
        if changed:
            self._first = now if self._first is None else self._first
            self._last = now
        if self._first is None:
            return False
        if now - self._last < self._settled_s and now - self._first < self._max_s:
            return False
        self._first = None
        return True


class BrandRegistry:
    """Follows the topic; ``matcher()`` and ``brands()`` are safe from any thread.

    A change takes a second or two. The whole topic is read before the first matcher is built, and
    later ones are built once a burst of changes is over: so no post meets half of the brands, and
    applying 10,000 brands builds one matcher rather than one a poll. ``matching=False`` skips the
    matcher, which takes seconds to build for thousands of brands.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        clock: Clock = utc_now,
        *,
        matching: bool = True,
        settled_s: float = SETTLED_S,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._matching = matching
        self._settled_s = settled_s
        self._published: dict[str, Brand] = {}
        self._brands: dict[str, Brand] = {}
        self._published_at: dict[str, datetime] = {}
        self._unreadable: set[str] = set()
        self._matcher = BrandMatcher(())
        self._stop = threading.Event()
        self.filled = threading.Event()
        """Set while there is at least one brand."""

    def matcher(self) -> BrandMatcher:
        return self._matcher

    def brands(self) -> dict[str, Brand]:
        return self._published

    def published_at(self, brand: str) -> datetime | None:
        """When the present state of a brand was published, by the clock of who did."""
        return self._published_at.get(brand)

    def start(self, on_failure: Callable[[Exception], None]) -> None:
        """Read and follow the topic in a thread; ``on_failure`` gets the error that ends it."""
        threading.Thread(
            target=self._follow, args=(on_failure,), name="brand-registry", daemon=True
        ).start()

    def stop(self) -> None:
        self._stop.set()

    def _follow(self, on_failure: Callable[[Exception], None]) -> None:
        try:
            consumer = kafka.consumer(self._settings, "brands", fetch_max_wait_ms=250)
            with closing(consumer):
                for record in read_to_end(consumer, self._settings.topic_prefix + TOPIC):
                    self._take(record.key, record.value, record.timestamp)
                self._publish()
                changes = Burst(self._settled_s, MAX_WAIT_S)
                while not self._stop.is_set():
                    polled = consumer.poll(timeout_ms=250)
                    for record in chain.from_iterable(polled.values()):
                        self._take(record.key, record.value, record.timestamp)
                    if changes.is_over(bool(polled), time.monotonic()):
                        self._publish()
        except Exception as error:  # noqa: BLE001
            # Any error: outdated brands would be a silent fault.
            on_failure(error)

    def _take(self, key: bytes | None, value: bytes | None, timestamp_ms: int) -> None:
        name = (key or b"").decode("utf-8", "replace")
        self._unreadable.discard(name)
        if value is None:
            self._brands.pop(name, None)
            self._published_at.pop(name, None)
            return
        try:
            brand = BRAND.decode(value)
            query_of(brand)
        except (InvalidMessage, QueryError) as error:
            # Another program wrote it: keep the last state rather than stop.
            log.error(
                "a brand is unreadable; its last state stays",
                brand=name[:MAX_SHOWN],
                why=str(error)[:MAX_SHOWN],
            )
            self._unreadable.add(name)
            return
        self._brands[brand.id] = brand
        if timestamp_ms >= 0:
            self._published_at[brand.id] = datetime.fromtimestamp(timestamp_ms / 1000, UTC)

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

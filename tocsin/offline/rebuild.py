"""The detector's states made anew: from the index, and from what Kafka has that is newer.

A brand's records are read from the index up to the oldest one that `activity` retains, and from
there on from `activity`, up to where the live detector goes on. So no record is judged here that is
still to be judged there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from aiokafka.partitioner import DefaultPartitioner
from kafka.errors import KafkaError

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.recovery import RECORDS, SERVICE, STATE
from runtime.kafka import client as kafka
from runtime.kafka.ranges import Span, partitions_of, read_ranges, spans
from runtime.settings import KafkaSettings
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.codec import ACTIVITY, DETECTOR_STATE
from schemas.detector_state import DetectorSnapshot
from schemas.errors import ConfigurationError, InvalidMessage, ServiceUnavailable

History = Callable[[str, datetime, datetime], Iterable[Activity]]
"""A brand's records whose event time is from the first up to the second time, in its order."""


def rebuild(
    settings: KafkaSettings,
    brands: Mapping[str, Brand],
    wanted: Sequence[str],
    history: History,
    reach: timedelta,
    now: datetime,
) -> tuple[BrandDetectors, int, int]:
    """The states of the wanted brands; and how many records of the index and of Kafka they hold.

    ``reach``: how far back the index is read. Holds the states of all wanted brands, and of the
    records one page. Raises :class:`ConfigurationError` while a detector runs, which would go on
    with states of its own.
    """
    _refuse_if_running(settings)
    partitions = partitions_of(settings, RECORDS)
    where = {brand: _partition_of(brand, partitions) for brand in wanted}
    ours = spans(settings, SERVICE, RECORDS, set(where.values()))
    firsts = _first_times(settings, ours)
    desk = BrandDetectors(brands)
    of_index = 0
    for brand, partition in where.items():
        end = firsts.get(partition, now)
        for record in history(brand, end - reach, end):
            desk.observe(record)
            of_index += 1
    of_kafka = 0
    for partition, place, record in _retained(settings, ours):
        if record.brand in where:
            desk.observe(record, partition, place)
            of_kafka += 1
    for brand, partition in where.items():
        desk.set_offset(brand, partition, ours[partition].position)
    return desk, of_index, of_kafka


def _partition_of(brand: str, partitions: Sequence[int]) -> int:
    """Where the processors' producer puts the records of a brand."""
    found: int = DefaultPartitioner()(brand.encode(), list(partitions), list(partitions))
    return found


def _refuse_if_running(settings: KafkaSettings) -> None:
    group = settings.group_prefix + SERVICE
    with kafka.admin(settings) as client:
        if client.describe_groups([group])[group]["members"]:
            raise ConfigurationError(
                "a detector runs, and would go on with the states that it has; stop it, rebuild, "
                "and start it again"
            )


def _first_times(settings: KafkaSettings, ours: Mapping[int, Span]) -> dict[int, datetime]:
    """Event time of the oldest retained record, where there is one."""
    found: dict[int, datetime] = {}
    some = {one: (span.first, min(span.first + 100, span.end)) for one, span in ours.items()}
    for partition, _, record in _decoded(settings, some):
        found.setdefault(partition, record.at)
    return found


def _retained(
    settings: KafkaSettings, ours: Mapping[int, Span]
) -> Iterator[tuple[int, int, Activity]]:
    yield from _decoded(settings, {one: (s.first, s.position) for one, s in ours.items()})


def _decoded(
    settings: KafkaSettings, ranges: Mapping[int, tuple[int, int]]
) -> Iterator[tuple[int, int, Activity]]:
    for message in read_ranges(settings, SERVICE, RECORDS, ranges):
        try:
            record = ACTIVITY.decode(message.value or b"")
        except InvalidMessage:
            # The detector gives it up when it reads it, or has.
            continue
        yield message.partition, message.offset + 1, record


def write(settings: KafkaSettings, snapshots: Iterable[DetectorSnapshot]) -> int:
    """Put states on `detector-state`; returns how many. Raises if Kafka does not take them."""
    producer = kafka.producer(settings, SERVICE, delivery_timeout_s=30)
    topic = settings.topic_prefix + STATE
    try:
        futures = [
            producer.send(topic, key=one.brand.encode(), value=DETECTOR_STATE.encode(one))
            for one in snapshots
        ]
        for future in futures:
            future.get(timeout=30)
    except KafkaError as error:
        raise ServiceUnavailable(f"Kafka did not take the states ({error!r}); try again") from None
    finally:
        producer.close(timeout=5)
    return len(futures)

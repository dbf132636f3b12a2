"""Rebuilds detector state from the index and from newer records of Kafka.

Reads a brand's records from the index up to the oldest one that `activity` retains, then from
`activity` up to the committed offset of the live detector. So no record is counted twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median_low
from typing import Final

from aiokafka.partitioner import DefaultPartitioner

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.event_time import believed
from processors.detector.recovery import RECORDS, SERVICE, STATE, retained_activity
from runtime.kafka import client as kafka
from runtime.kafka.client import publish
from runtime.kafka.protocols import OutgoingRecord, Record
from runtime.kafka.reader import Span, partition_numbers, read_ranges, spans
from runtime.settings import KafkaSettings
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.codec import DETECTOR_STATE
from schemas.detector_state import DetectorSnapshot
from schemas.errors import ConfigurationError

OLDEST: Final = 100
"""Retained records of a partition that tell its beginning."""
History = Callable[[str, datetime, datetime], Iterable[Activity]]
"""A brand's records with an event time between the two times, in that order."""


def rebuild(
    settings: KafkaSettings,
    brands: Mapping[str, Brand],
    wanted: Sequence[str],
    history: History,
    reach: timedelta,
    now: datetime,
) -> tuple[BrandDetectors, int, int]:
    """The detectors of the wanted brands, and how many records of the index and of Kafka they read.

    ``reach``: how far back to read the index. Keeps all states and one page of records in memory.
    Raises :class:`ConfigurationError` while a detector runs, which would overwrite the result.
    """
    _refuse_if_running(settings)
    partitions = list(partition_numbers(settings, RECORDS))
    # The partition that the processors' producer chooses for a brand.
    choose = DefaultPartitioner()
    partition_of = {b: choose(b.encode(), partitions, partitions) for b in wanted}
    retained = spans(settings, SERVICE, RECORDS, set(partition_of.values()))
    begins = first_times(settings, retained)
    detectors = BrandDetectors(brands)
    from_index = 0
    for brand, partition in partition_of.items():
        end = begins.get(partition, now)
        for record in history(brand, end - reach, end):
            detectors.observe(record)
            from_index += 1
    from_kafka = 0
    committed = {partition: (span.first, span.position) for partition, span in retained.items()}
    for partition, offset, record in retained_activity(settings, committed):
        if record.brand in partition_of:
            detectors.observe(record, partition, offset + 1)
            from_kafka += 1
    for brand, partition in partition_of.items():
        detectors.set_offset(brand, partition, retained[partition].position)
    return detectors, from_index, from_kafka


def _refuse_if_running(settings: KafkaSettings) -> None:
    group = settings.group_prefix + SERVICE
    with kafka.admin(settings) as client:
        if client.describe_groups([group])[group]["members"]:
            raise ConfigurationError(
                "a detector is running and would overwrite the rebuilt state; stop it, rebuild, "
                "then start it again"
            )


def first_times(
    settings: KafkaSettings,
    retained: Mapping[int, Span],
    read: Callable[..., Iterable[Record]] = read_ranges,
) -> dict[int, datetime]:
    """By partition, the event time of the oldest retained records: the median of ``OLDEST`` of
    them, since any of them may claim what it likes.
    """
    times: dict[int, list[datetime]] = {}
    oldest = {
        number: (span.first, min(span.first + OLDEST, span.end))
        for number, span in retained.items()
    }
    for partition, _, record in retained_activity(settings, oldest, read):
        times.setdefault(partition, []).append(believed(record).at)
    return {partition: median_low(of_partition) for partition, of_partition in times.items()}


def write(settings: KafkaSettings, snapshots: Iterable[DetectorSnapshot]) -> int:
    topic = settings.topic_prefix + STATE
    records = (
        OutgoingRecord(topic, snapshot.brand.encode(), DETECTOR_STATE.encode(snapshot))
        for snapshot in snapshots
    )
    return publish(settings, SERVICE, records, "the states")

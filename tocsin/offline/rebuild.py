"""The detector's states made anew: from the index, and from what Kafka has that is newer.

A brand's records are read from the index up to the oldest one that `activity` retains, and from
there on from `activity`, up to where the live detector goes on. So no record is judged here that is
still to be judged there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from aiokafka.partitioner import DefaultPartitioner

from processors.detector.brand_detectors import BrandDetectors
from processors.detector.recovery import RECORDS, SERVICE, STATE, retained_activity
from runtime.kafka import client as kafka
from runtime.kafka.client import publish
from runtime.kafka.protocols import OutgoingRecord
from runtime.kafka.reader import Span, partition_numbers, spans
from runtime.settings import KafkaSettings
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.codec import DETECTOR_STATE
from schemas.detector_state import DetectorSnapshot
from schemas.errors import ConfigurationError

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
    partitions = partition_numbers(settings, RECORDS)
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
    retained = {partition: (span.first, span.position) for partition, span in ours.items()}
    for partition, offset, record in retained_activity(settings, retained):
        if record.brand in where:
            desk.observe(record, partition, offset + 1)
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
    times: dict[int, datetime] = {}
    oldest = {
        partition: (span.first, min(span.first + 100, span.end)) for partition, span in ours.items()
    }
    for partition, _, record in retained_activity(settings, oldest):
        times.setdefault(partition, record.at)
    return times


def write(settings: KafkaSettings, snapshots: Iterable[DetectorSnapshot]) -> int:
    """Put states on `detector-state`; returns how many. Raises if Kafka does not take them."""
    topic = settings.topic_prefix + STATE
    records = (
        OutgoingRecord(topic, snapshot.brand.encode(), DETECTOR_STATE.encode(snapshot))
        for snapshot in snapshots
    )
    return publish(settings, SERVICE, records, "the states")

"""Recovers the detector's state from Kafka: snapshots, and retained records for missing ones."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from processors.detector.snapshots import Recovered, recovered
from runtime import metrics
from runtime.clock import utc_now
from runtime.kafka.protocols import Record
from runtime.kafka.reader import Span, latest_values, read_ranges, spans
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.codec import ACTIVITY
from schemas.errors import InvalidMessage

SERVICE = "detector"
STATE = "detector-state"
RECORDS = "activity"
_BEAT_EVERY = 1_000
"""Records between two heartbeats."""
_NAMED = 20
"""Brands that the log names; its count has all."""
log = get_logger(SERVICE)


def recover(
    settings: KafkaSettings,
    brands: Mapping[str, Brand],
    partitions: Iterable[int],
    limit: int,
    beat: Callable[[], None],
) -> Recovered:
    """The initial state of a detector of these partitions.

    ``limit``: maximum number of records that are read again, the newest; ``beat`` is called
    meanwhile. Raises :class:`schemas.errors.ServiceUnavailable` if Kafka does not answer.
    """
    ours = spans(settings, SERVICE, RECORDS, partitions)
    values = latest_values(settings, SERVICE, STATE).values()
    ends = {partition: span.end for partition, span in ours.items()}
    saved = recovered(values, ends, brands, utc_now())
    saved.positions = {partition: span.position for partition, span in ours.items()}
    for partition in saved.renewed:
        log.warning("activity was recreated: its old offsets are forgotten", partition=partition)
    read_again(settings, saved, ours, limit, beat)
    # What lives on is not searched for garbage again: with 100,000 brands that takes a second.
    gc.freeze()
    log.info(
        "states",
        brands=len(saved.detectors),
        partitions=sorted(ours),
        unreadable=saved.unreadable,
        rebuilt=len(saved.rebuilt),
        blind=sorted(saved.coverage.blind),
    )
    return saved


def read_again(
    settings: KafkaSettings,
    saved: Recovered,
    ours: Mapping[int, Span],
    limit: int,
    beat: Callable[[], None],
    read: Callable[..., Iterable[Record]] = read_ranges,
) -> None:
    """Count the missing records that are retained below the group's position, with ``read``."""
    ranges = ranges_of(saved.missing, ours, limit)
    count = 0
    since: datetime | None = None
    for partition, offset, record in retained_activity(settings, ranges, read):
        count += 1
        if count % _BEAT_EVERY == 0:
            beat()
        since = since or record.at
        saved.count_again(record, partition, offset + 1)
    metrics.DETECTOR_REBUILT.inc(len(saved.rebuilt))
    if not saved.rebuilt:
        return
    facts = {
        "count": len(saved.rebuilt),
        "brands": sorted(saved.rebuilt)[:_NAMED],
        "records": count,
        "since": None if since is None else since.isoformat(),
    }
    partly = holes(saved.missing, ranges)
    if not partly:
        log.info("states rebuilt from activity, whole", **facts)
        return
    log.warning(
        "states rebuilt from activity, partly: older records have expired there; stop the detector "
        "and run 'tocsin detector rebuild' to read them from the index",
        partitions=partly,
        **facts,
    )


def retained_activity(
    settings: KafkaSettings,
    ranges: Mapping[int, tuple[int, int]],
    read: Callable[..., Iterable[Record]] = read_ranges,
) -> Iterator[tuple[int, int, Activity]]:
    """Partition, offset and record of `activity`; ``ranges``: first offset and end by partition."""
    for record in read(settings, SERVICE, RECORDS, ranges):
        try:
            activity = ACTIVITY.decode(record.value or b"")
        except InvalidMessage:
            # It became a dead letter when the detector first read it.
            continue
        yield record.partition, record.offset, activity


def ranges_of(
    missing: Mapping[int, int], ours: Mapping[int, Span], limit: int
) -> dict[int, tuple[int, int]]:
    """First offset and end of the records to read again; beyond ``limit``, the newest of each."""
    ranges = {
        partition: (max(since, ours[partition].first), ours[partition].position)
        for partition, since in missing.items()
        if max(since, ours[partition].first) < ours[partition].position
    }
    if sum(end - first for first, end in ranges.values()) <= limit:
        return ranges
    share = max(1, limit // len(ranges))
    return {key: (max(first, end - share), end) for key, (first, end) in ranges.items()}


def holes(missing: Mapping[int, int], ranges: Mapping[int, tuple[int, int]]) -> list[int]:
    """Partitions with missing records that are not read."""
    return sorted(key for key, (first, _) in ranges.items() if first > missing[key])

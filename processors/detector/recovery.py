"""The detector's state from Kafka: what was saved, and what is retained of what is missing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from processors.detector.snapshots import Recovered, recovered
from runtime import metrics
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
"""Records between two signs of life."""
_NAMED = 20
"""Brands that the log names; the count has all."""
log = get_logger(SERVICE)


def recover(
    settings: KafkaSettings,
    brands: Mapping[str, Brand],
    partitions: Iterable[int],
    most: int,
    beat: Callable[[], None],
) -> Recovered:
    """What a detector of these partitions starts with.

    ``most``: records that are read again at most, the newest; ``beat`` is called meanwhile. Raises
    :class:`schemas.errors.ServiceUnavailable` where Kafka does not answer.
    """
    ours = spans(settings, SERVICE, RECORDS, partitions)
    values = latest_values(settings, SERVICE, STATE).values()
    found = recovered(values, {one: span.end for one, span in ours.items()}, brands)
    found.positions = {one: span.position for one, span in ours.items()}
    for partition in found.renewed:
        log.warning("activity was made anew: its old offsets are forgotten", partition=partition)
    read_again(settings, found, ours, most, beat)
    log.info(
        "states",
        brands=len(found.detectors),
        partitions=sorted(ours),
        unreadable=found.unreadable,
        rebuilt=len(found.rebuilt),
        blind=sorted(found.coverage.blind),
    )
    return found


def read_again(
    settings: KafkaSettings,
    found: Recovered,
    ours: Mapping[int, Span],
    most: int,
    beat: Callable[[], None],
    read: Callable[..., Iterable[Record]] = read_ranges,
) -> None:
    """Count the retained records that are missing, below the group's position; ``read`` them."""
    ranges = ranges_of(found.missing, ours, most)
    count = 0
    since: datetime | None = None
    for partition, offset, record in retained_activity(settings, ranges, read):
        count += 1
        if count % _BEAT_EVERY == 0:
            beat()
        since = since or record.at
        found.count_again(record, partition, offset + 1)
    metrics.DETECTOR_REBUILT.inc(len(found.rebuilt))
    if found.rebuilt:
        _tell(found, count, since, holes(found.missing, ranges))


def retained_activity(
    settings: KafkaSettings,
    ranges: Mapping[int, tuple[int, int]],
    read: Callable[..., Iterable[Record]] = read_ranges,
) -> Iterator[tuple[int, int, Activity]]:
    """Partition, offset and record of `activity` from a first offset up to an end, by partition."""
    for record in read(settings, SERVICE, RECORDS, ranges):
        try:
            activity = ACTIVITY.decode(record.value or b"")
        except InvalidMessage:
            # The detector puts it into dead-letters when it reads it first.
            continue
        yield record.partition, record.offset, activity


def ranges_of(
    missing: Mapping[int, int], ours: Mapping[int, Span], most: int
) -> dict[int, tuple[int, int]]:
    """First offset and end of what is to be read again; of too much, the newest of each."""
    wanted = {
        one: (max(since, ours[one].first), ours[one].position)
        for one, since in missing.items()
        if max(since, ours[one].first) < ours[one].position
    }
    if sum(end - first for first, end in wanted.values()) <= most:
        return wanted
    share = max(1, most // len(wanted))
    return {one: (max(first, end - share), end) for one, (first, end) in wanted.items()}


def holes(missing: Mapping[int, int], ranges: Mapping[int, tuple[int, int]]) -> list[int]:
    """Partitions of which something is missing that is no longer read."""
    return sorted(one for one, (first, _) in ranges.items() if first > missing[one])


def _tell(found: Recovered, read: int, since: datetime | None, partly: list[int]) -> None:
    said = {
        "count": len(found.rebuilt),
        "brands": sorted(found.rebuilt)[:_NAMED],
        "records": read,
        "since": None if since is None else since.isoformat(),
    }
    if not partly:
        log.info("states rebuilt from activity, whole", **said)
        return
    log.warning(
        "states rebuilt from activity, partly: what is older has expired there; stop the detector "
        "and run 'tocsin detector rebuild' to read it from the index",
        partitions=partly,
        **said,
    )

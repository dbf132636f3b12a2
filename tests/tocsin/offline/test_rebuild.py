"""Where the index ends and `activity` begins for a rebuild, whatever single records claim."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from processors.faust.messages import Incoming
from runtime.kafka.reader import Span
from runtime.settings import KafkaSettings
from schemas.activity import Activity
from schemas.codec import ACTIVITY
from tests.processors.detector.storms import START, record
from tocsin.offline.rebuild import OLDEST, first_times

Ranges = Mapping[int, tuple[int, int]]


def begins(records: list[Activity], first: int = 0) -> dict[int, datetime]:
    """The first times of partition 0, which retains ``records`` from the offset ``first`` on."""

    def read(_: object, __: object, ___: object, ranges: Ranges) -> Iterator[Incoming]:
        for partition, (start, end) in ranges.items():
            for offset in range(start, end):
                value = ACTIVITY.encode(records[offset - first])
                yield Incoming("activity", partition, offset, b"", value)

    end = first + len(records)
    return first_times(KafkaSettings(), {0: Span(first, end, end)}, read)


RECORDS = [record(number, START + timedelta(minutes=number)) for number in range(3 * OLDEST)]


def test_a_rebuild_reads_the_index_up_to_the_median_of_the_oldest_records() -> None:
    middle = RECORDS[(OLDEST - 1) // 2].at
    assert begins(RECORDS) == {0: middle}
    assert begins(RECORDS, first=10_000) == {0: middle}
    assert begins(RECORDS[:1]) == {0: START}


def test_records_that_claim_any_time_do_not_move_the_beginning_of_a_rebuild() -> None:
    forged = list(RECORDS)
    forged[0] = replace(forged[0], at=datetime(1, 1, 1, tzinfo=UTC))
    for number in range(1, 20):
        forged[number] = replace(forged[number], at=START - timedelta(days=3000))
    forged[20] = replace(forged[20], at=datetime(9999, 12, 31, tzinfo=UTC))
    (begin,) = begins(forged).values()
    assert abs(begin - RECORDS[(OLDEST - 1) // 2].at) <= timedelta(minutes=1)

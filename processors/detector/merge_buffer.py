"""Holds the records of a backlog for some seconds, to put them into the order of event time.

The partitions of a backlog are read one after the other, so the records of a brand come in runs,
hours apart. Old records wait here, and so do the newer ones of their brand; live records of other
brands pass. Pure: times are handed in.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from processors.faust.messages import Incoming
from schemas.activity import Activity

OLD: Final = timedelta(minutes=10)
"""Age from which a record is of a backlog, or of a file."""
HOLD_S: Final = 20.0
"""Longest wait of a record."""
QUIET_S: Final = 3.0
"""Seconds without an old record after which a brand's records wait no longer."""
MAX_RECORDS: Final = 100_000


class Waiting(NamedTuple):
    arrived: float
    number: int
    record: Activity
    message: Incoming


class MergeBuffer:
    def __init__(self, max_records: int = MAX_RECORDS) -> None:
        self.max_records = max_records
        self._of_brand: dict[str, list[Waiting]] = {}
        self._last: dict[str, float] = {}
        self._count = self._number = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, brand: object) -> bool:
        """Whether records of a brand wait."""
        return brand in self._of_brand

    @property
    def is_full(self) -> bool:
        return self._count >= self.max_records

    def take(self, record: Activity, message: Incoming, now: datetime, passed_s: float) -> bool:
        """Hold a record if it is old, or others of its brand wait; says whether it does."""
        is_old = now - record.at > OLD
        waiting = self._of_brand.get(record.brand)
        if waiting is None:
            if not is_old:
                return False
            waiting = self._of_brand[record.brand] = []
        if is_old:
            self._last[record.brand] = passed_s
        self._number += 1
        self._count += 1
        waiting.append(Waiting(passed_s, self._number, record, message))
        return True

    def due(self, passed_s: float, *, every: bool = False) -> list[Waiting]:
        """Remove and return the records that wait no longer, by brand in the order of event time.

        They are those that came before ``HOLD_S``, and what is older than the newest of them.
        """
        due: list[Waiting] = []
        for brand, waiting in list(self._of_brand.items()):
            if every or passed_s - self._last[brand] >= QUIET_S:
                gone, left = waiting, []
            else:
                held = (w.record.at for w in waiting if passed_s - w.arrived >= HOLD_S)
                upto = max(held, default=None)
                if upto is None:
                    continue
                gone = [w for w in waiting if w.record.at <= upto]
                left = [w for w in waiting if w.record.at > upto]
            due += sorted(gone, key=lambda w: (w.record.at, w.number))
            self._count -= len(gone)
            if left:
                self._of_brand[brand] = left
            else:
                del self._of_brand[brand], self._last[brand]
        return due

    def clear(self) -> None:
        self._of_brand.clear()
        self._last.clear()
        self._count = 0

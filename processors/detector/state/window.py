"""The window of minutes that is judged; its sums are shared by all signals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct

from processors.detector.state.minute import Minute

SHORT: Final = 5
"""Minutes in which a burst shows."""
LONG: Final = 30
"""Minutes in which a slow rise and a sentiment show."""


class WindowTotals(Struct):
    minutes: int
    authors: int = 0
    mentions: int = 0
    discounted: float = 0.0
    copies: int = 0
    reposts: int = 0
    unsaid: int = 0
    echoes: int = 0
    young: int = 0
    aged: int = 0
    scored: int = 0
    negative: int = 0
    score_sum: float = 0.0
    lexicon: int = 0


class Window:
    """The ``LONG`` minutes before ``end``; ``minutes``: those with mentions, oldest first."""

    def __init__(self, minutes: Sequence[Minute], end: int) -> None:
        self.minutes = minutes
        self.end = end
        self._counters: dict[str, Counter[str]] = {}

    @cached_property
    def short(self) -> WindowTotals:
        return totals((m for m in self.minutes if m.start >= self.end - SHORT), SHORT)

    @cached_property
    def long(self) -> WindowTotals:
        return totals(self.minutes, LONG)

    def counter(self, name: str) -> Counter[str]:
        """The sum of a counter over the minutes: ``terms``, ``sources`` and so on."""
        counter = self._counters.get(name)
        if counter is None:
            counter = self._counters[name] = Counter()
            for minute in self.minutes:
                counter.update(getattr(minute, name))
        return counter


def totals(minutes: Iterable[Minute], length: int) -> WindowTotals:
    """The sum of the minutes with mentions out of ``length`` minutes."""
    sums = WindowTotals(length)
    authors: set[str] = set()
    # Plain additions: this runs each minute for each brand.
    for minute in minutes:
        authors.update(minute.authors)
        # Authors beyond the limit, or of a minute whose authors are dropped, count as distinct.
        sums.authors += minute.distinct - len(minute.authors)
        sums.mentions += minute.mentions
        sums.discounted += minute.discounted
        sums.copies += minute.copies
        sums.reposts += minute.reposts
        sums.unsaid += minute.unsaid
        sums.echoes += minute.echoes
        sums.young += minute.young
        sums.aged += minute.aged
        sums.scored += minute.scored
        sums.negative += minute.negative
        sums.score_sum += minute.score_sum
        sums.lexicon += minute.lexicon
    sums.authors += len(authors)
    return sums

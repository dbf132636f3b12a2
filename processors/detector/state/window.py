"""The minutes that one look at a brand judges, summed once however many signals read them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct

from processors.detector.state.counts import Minute

SHORT: Final = 5
"""Minutes in which a burst shows."""
LONG: Final = 30
"""Minutes in which a slow rise shows, and over which sentiment is judged."""


class WindowTotals(Struct):
    """The sums of the minutes out of ``minutes`` that passed."""

    minutes: int
    authors: int = 0
    mentions: int = 0
    discounted: float = 0.0
    copies: int = 0
    reposts: int = 0
    young: int = 0
    aged: int = 0
    scored: int = 0
    negative: int = 0
    score_sum: float = 0.0
    lexicon: int = 0


class Window:
    """The ``LONG`` minutes before ``end``; sums are made when they are first read.

    ``minutes``: those among them in which anything was said, the oldest first.
    """

    def __init__(self, minutes: Sequence[Minute], end: int) -> None:
        self.minutes = minutes
        self.end = end
        self._counters: dict[str, Counter[str]] = {}

    @cached_property
    def short(self) -> WindowTotals:
        """Of the last ``SHORT`` minutes."""
        return totals((m for m in self.minutes if m.start >= self.end - SHORT), SHORT)

    @cached_property
    def long(self) -> WindowTotals:
        """Of all of them."""
        return totals(self.minutes, LONG)

    def counter(self, name: str) -> Counter[str]:
        """One of the counters of the minutes, together: ``terms``, ``sources`` and so on."""
        counter = self._counters.get(name)
        if counter is None:
            counter = self._counters[name] = Counter()
            for minute in self.minutes:
                counter.update(getattr(minute, name))
        return counter


def totals(minutes: Iterable[Minute], length: int) -> WindowTotals:
    """The sum of some minutes out of ``length`` that passed."""
    sums = WindowTotals(length)
    authors: set[str] = set()
    # Plain additions: this is done each minute for each brand.
    for minute in minutes:
        authors.update(minute.authors)
        # Beyond the limit, or in minutes that keep no authors, they are not told apart.
        sums.authors += minute.distinct - len(minute.authors) if minute.authors else 0
        sums.mentions += minute.mentions
        sums.discounted += minute.discounted
        sums.copies += minute.copies
        sums.reposts += minute.reposts
        sums.young += minute.young
        sums.aged += minute.aged
        sums.scored += minute.scored
        sums.negative += minute.negative
        sums.score_sum += minute.score_sum
        sums.lexicon += minute.lexicon
    sums.authors += len(authors)
    return sums

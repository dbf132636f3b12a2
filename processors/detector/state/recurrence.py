"""What comes again at the same hour: a weekly show, a daily contest. The third time is no news.

Peaks of volume are remembered, also those of an alert, of which nothing else is learnt. A window is
one of an event that recurs if there was a peak at that hour on two of the last three days, or at
that hour of the week in two of the last four weeks, and it is not clearly larger than those.
"""

import math
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from processors.detector.signals.summary import WindowSummary

PEAK: Final = 4.0
"""Standard deviations of a volume that is remembered as a peak."""
APART: Final = 60
"""Minutes without a peak between two of them."""
TOLERANCE: Final = 90
"""Minutes by which an event may be early or late: clocks change by an hour."""
LARGER: Final = 1.5
"""Times the largest peak, beyond which a window is no event as ever."""
KEPT_DAYS: Final = 36
MAX_PEAKS: Final = 120
_DAY: Final = 24 * 60
_RHYTHMS: Final = ((_DAY, 3, 2), (7 * _DAY, 4, 2))
"""Minutes between two times of an event, how many of the last times count, and how many suffice."""


class Peak(Struct):
    """A stretch of minutes, since 1970, and the largest windows in it."""

    start: int
    end: int
    short: int = 0
    long: int = 0
    negative: int = 0
    """Of the largest window of half an hour."""
    scored: int = 0


class Recurrence(Struct):
    """The peaks of one brand, oldest first."""

    peaks: list[Peak] = field(default_factory=list)

    def note(self, now: int, summary: WindowSummary) -> None:
        """Remember a window if its volume is a peak; windows come in order."""
        if summary.significance("volume") < PEAK:
            return
        if not self.peaks or now - self.peaks[-1].end > APART:
            oldest = now - KEPT_DAYS * _DAY
            self.peaks = [peak for peak in self.peaks if peak.end >= oldest][1 - MAX_PEAKS :]
            self.peaks.append(Peak(now, now))
        peak, long = self.peaks[-1], summary.long
        peak.end, peak.short = now, max(peak.short, summary.short.mentions)
        if long.mentions > peak.long:
            peak.long, peak.negative, peak.scored = long.mentions, long.negative, long.scored

    def judged(
        self, now: int, summary: WindowSummary, declared: bool = False, is_new: bool = True
    ) -> WindowSummary:
        """The summary, marked if its volume is that of an event that recurs, or was declared.

        ``is_new``: whether the minute is looked at first, so that its peak is remembered.
        """
        if is_new:
            self.note(now, summary)
        if declared:
            return replace(summary, recurs=True, tone=summary.significance("negative_share"))
        peers = self.peers(now)
        if not peers:
            return summary
        short, long = max(peak.short for peak in peers), max(peak.long for peak in peers)
        if _is_larger(summary.short.mentions, short) or _is_larger(summary.long.mentions, long):
            return summary
        return replace(summary, recurs=True, tone=_tone(summary, peers))

    def peers(self, now: int) -> list[Peak]:
        """The peaks of the event that recurs at this hour, if there is one."""
        if not self.peaks:
            return []
        peers: list[Peak] = []
        for every, times, enough in _RHYTHMS:
            found = [self._peak_at(now - every * back) for back in range(1, times + 1)]
            known = [peak for peak in found if peak is not None]
            if len(known) >= enough:
                peers += known
        return peers

    def _peak_at(self, minute: int) -> Peak | None:
        near = (
            peak for peak in self.peaks if peak.start - TOLERANCE <= minute <= peak.end + TOLERANCE
        )
        return max(near, key=lambda peak: peak.long, default=None)


def _is_larger(mentions: int, peak: int) -> bool:
    return mentions > LARGER * peak + 3 * math.sqrt(peak + 1)


def _tone(summary: WindowSummary, peers: list[Peak]) -> float:
    """Standard deviations of the negatives above the usual, and above those of the event."""
    long = summary.long
    scored = sum(peak.scored for peak in peers)
    if not long.scored or not scored:
        return summary.significance("negative_share")
    share = sum(peak.negative for peak in peers) / scored
    before = min(max(share, summary.baseline_negative, 0.02), 0.98)
    variance = before * (1 - before) * (1 / long.scored + 1 / scored)
    return max((long.negative / long.scored - before) / math.sqrt(variance), 0.0)

"""From the summary of a window to a severity from 0 (nothing) to 5, under the brand's policy.

A crisis is attention that turns against the brand: more people than usual, and more of them
negative, or words of crisis. More people alone are severity 1 at most: joy is not a crisis.

| severity | needs |
|---|---|
| 1 | volume or negativity beyond the usual |
| 2 | both, or a negative post that very many can see, or words of crisis |
| 3 | both, three times the usual volume |
| 4 | both, eight times, from 25 authors or more |
| 5 | both, twenty times, from 100 authors or more |
"""

from collections.abc import Iterable
from typing import Final

from processors.detector.signals.summary import MOVED, WIDE_REACH, WindowSummary
from processors.detector.state.baseline import MIN_MINIMUM
from processors.detector.state.minute import AnyMinute
from schemas.brand import AlertPolicy

SURE_OF_TONE: Final = 3.5
MOSTLY_NEGATIVE: Final = 0.35
"""Share of negatives that is against the brand, where it has risen."""
ALL_NEGATIVE: Final = 0.75
"""Usual share of negatives that cannot rise by much: there more people alone are against it."""
LEANS: Final = 2.0
"""Standard deviations that a share must lie above the usual one."""
LEANS_MORE: Final = 3.0
"""The same for a brand that is mostly negative as ever: each minute of a contest or a show is a
test, and only the tone tells it from a crisis."""
KNOWN_TONE: Final = 20.0
"""Past posts with a sentiment from which a share may be 3.5 standard deviations from the usual."""
CALMER: Final = 0.6
"""Hysteresis: this share of each threshold keeps an alert open."""
MOVED_TOGETHER: Final = 3.5
"""Standard deviations of the volume that suffice while the tone is darker."""
MIN_AUTHORS: Final = 3
"""Of a crisis, where the policy has no minimum volume: a quarrel of two is none."""
_STORMS: Final = ((5, 20.0, 100), (4, 8.0, 25), (3, 3.0, 10))
"""Severity, minimum ratio to the usual volume, and minimum authors; 2 below."""


def is_below_minimum(minutes: Iterable[AnyMinute], policy: AlertPolicy) -> bool:
    """Whether the severity is 0 with any baseline while no alert is open.

    If 30 minutes are below the minimum, so is every shorter window.
    """
    mentions = reach = 0
    for minute in minutes:
        mentions += minute.mentions
        reach += minute.reach
    minimum = policy.minimum_volume or MIN_MINIMUM
    return mentions < minimum and reach < WIDE_REACH


def severity(summary: WindowSummary, policy: AlertPolicy, current: int = 0) -> int:
    """The severity of a summary; ``current``: that of the open alert.

    Hysteresis: lower thresholds keep an alert open; only the full ones open or escalate it.
    """
    strict = _grade(summary, policy, 1.0)
    return max(strict, min(current, _grade(summary, policy, CALMER))) if current else strict


def _grade(summary: WindowSummary, policy: AlertPolicy, share: float) -> int:
    """``share``: the part of each threshold that is required."""
    ease = policy.sensitivity / share
    minimum = (policy.minimum_volume or summary.minimum_volume) * share
    short, long = summary.short, summary.long
    enough = short.mentions >= minimum or long.mentions >= 2 * minimum
    if policy.minimum_volume is None:
        enough = enough and long.authors >= MIN_AUTHORS
    volume, tone = summary.significance("volume"), summary.significance("negative_share")
    # Of a show or a contest the volume alone is no news; a tone that has darkened is.
    if summary.recurs:
        tone = summary.tone
    moved = enough and not summary.recurs and volume >= MOVED / ease
    darker = enough and tone >= SURE_OF_TONE / ease
    negative = _is_against(summary, tone, ease)
    if summary.unseen and not (darker or (negative and summary.baseline_scored < KNOWN_TONE)):
        # The first morning of a brand is no crisis: nobody knows yet how busy it is at this hour.
        moved = False
    words = enough and summary.significance("lexicon") >= MOVED / ease
    influencer = summary.significance("influencer") > 0
    together = darker and volume >= MOVED_TOGETHER / ease
    if together or (moved and (negative or words)):
        ratio = max(summary.ratio("volume"), 1.0)
        storms = (g for g, times, authors in _STORMS if ratio >= times and long.authors >= authors)
        return next(storms, 2)
    if words or (darker and influencer) or (influencer and negative):
        return 2
    return 1 if moved or darker else 0


def _is_against(summary: WindowSummary, tone: float, ease: float) -> bool:
    """Whether the volume is against the brand: mostly negative, and more so than usual.

    A brand of which people always complain has a contest too: more of the usual is attention.
    """
    long = summary.long
    if not long.scored:
        return False
    share = long.negative / long.scored
    if summary.baseline_negative >= ALL_NEGATIVE:
        return share >= ALL_NEGATIVE
    leans = LEANS if summary.baseline_negative < MOSTLY_NEGATIVE else LEANS_MORE
    return share >= MOSTLY_NEGATIVE and tone >= leans / ease

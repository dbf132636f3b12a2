"""From the summary of a window to a severity from 0 (nothing) to 5, under the brand's policy.

A crisis is attention that turns against the brand: more people than usual, and more of them
negative, or words of crisis. More people alone is severity 1 at most: a joyful storm wakes nobody.

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
from processors.detector.state.counts import Minute
from schemas.brand import AlertPolicy

SURE_OF_TONE: Final = 3.5
MOSTLY_NEGATIVE: Final = 0.35
"""Share of negatives that is against the brand wherever it usually lies."""
LEANS: Final = 2.0
"""Standard deviations over the usual share that such a share must have, so that it is not the
chance of a few posts; not asked where the usual share is as high."""
CALMER: Final = 0.6
"""While an alert is open, what keeps it open is this much of what opened it."""
MOVED_TOGETHER: Final = 3.5
"""Standard deviations of the volume that are enough where the tone has darkened beside it."""
_STORMS: Final = ((5, 20.0, 100), (4, 8.0, 25), (3, 3.0, 10))
"""Severity of a volume with negativity, by times the usual and authors; 2 below."""


def is_too_little(minutes: Iterable[Minute], policy: AlertPolicy) -> bool:
    """Whether the severity of these minutes is 0 whatever is usual, while no alert is open.

    Then that of their last ones is, too, so nothing can come of a time in which nothing is said.
    """
    mentions = reach = 0
    for minute in minutes:
        mentions += minute.mentions
        reach += minute.reach
    return mentions < policy.minimum_volume and reach < WIDE_REACH


def severity(summary: WindowSummary, policy: AlertPolicy, told: int = 0) -> int:
    """The severity of a summary, beside the one that an open alert was ``told`` to have.

    Less keeps an alert open than opens it; nothing less makes it graver.
    """
    strict = _grade(summary, policy, 1.0)
    return max(strict, min(told, _grade(summary, policy, CALMER))) if told else strict


def _grade(summary: WindowSummary, policy: AlertPolicy, share: float) -> int:
    """``share``: of what is asked usually."""
    ease = policy.sensitivity / share
    least = policy.minimum_volume * share
    short, long = summary.short, summary.long
    enough = short.mentions >= least or long.mentions >= 2 * least
    volume, tone = summary.significance("volume"), summary.significance("negative_share")
    moved = enough and volume >= MOVED / ease
    darker = enough and tone >= SURE_OF_TONE / ease
    negative = bool(long.scored) and long.negative / long.scored >= MOSTLY_NEGATIVE
    if summary.baseline_negative < MOSTLY_NEGATIVE:
        negative = negative and tone >= LEANS / ease
    words = enough and summary.significance("lexicon") >= MOVED / ease
    influencer = summary.significance("influencer") > 0
    together = darker and volume >= MOVED_TOGETHER / ease
    if together or (moved and (negative or words)):
        # How grave: by how many times the usual, and by how many people.
        times = max(summary.ratio("volume"), 1.0)
        storms = (g for g, least, authors in _STORMS if times >= least and long.authors >= authors)
        return next(storms, 2)
    if words or (darker and influencer) or (influencer and negative):
        return 2
    return 1 if moved or darker else 0

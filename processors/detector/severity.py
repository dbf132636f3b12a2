"""From a picture of a brand to a severity from 0 (nothing) to 5, under the brand's policy.

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

from processors.detector.signals.window import MOVED, WIDE_REACH, WindowSummary
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
_STEPS: Final = ((5, 20.0, 100), (4, 8.0, 25), (3, 3.0, 10))


def is_too_little(minutes: Iterable[Minute], policy: AlertPolicy) -> bool:
    """Whether the severity of these minutes is 0 whatever is usual, while no alert is open.

    Then that of their last ones is, too, so nothing can come of a time in which nothing is said.
    """
    mentions = reach = 0
    for minute in minutes:
        mentions += minute.mentions
        reach += minute.reach
    return mentions < policy.minimum_volume and reach < WIDE_REACH


def severity(picture: WindowSummary, policy: AlertPolicy, said: int = 0) -> int:
    """The severity that the picture has, beside the one that an open alert was ``said`` to have.

    Less keeps an alert open than opens it; nothing less makes it graver.
    """
    strict = _grade(picture, policy, 1.0)
    return max(strict, min(said, _grade(picture, policy, CALMER))) if said else strict


def _grade(picture: WindowSummary, policy: AlertPolicy, share: float) -> int:
    """``share``: of what is asked usually."""
    ease = policy.sensitivity / share
    least = policy.minimum_volume * share
    sure, sure_of_tone = MOVED / ease, SURE_OF_TONE / ease
    enough = picture.short.mentions >= least or picture.long.mentions >= 2 * least
    moved = enough and picture.significance("volume") >= sure
    tone = picture.significance("negative_share")
    darker = enough and tone >= sure_of_tone
    negative = _is_mostly_negative(picture, LEANS / ease)
    words = enough and picture.significance("lexicon") >= sure
    seen = picture.significance("influencer") > 0
    together = enough and picture.significance("volume") >= MOVED_TOGETHER / ease and darker
    if together or (moved and (negative or words)):
        return _of_storm(picture)
    if darker and (words or seen):
        return 2
    if words or (seen and (negative or darker)):
        return 2
    return 1 if moved or darker else 0


def _is_mostly_negative(picture: WindowSummary, leans: float) -> bool:
    window = picture.long
    if not window.scored or window.negative / window.scored < MOSTLY_NEGATIVE:
        return False
    if picture.usual_negative >= MOSTLY_NEGATIVE:
        return True
    return picture.significance("negative_share") >= leans


def _of_storm(picture: WindowSummary) -> int:
    """How grave a volume with negativity is, by how many times the usual and how many people."""
    times = max(picture.ratio("volume"), 1.0)
    for grade, least, authors in _STEPS:
        if times >= least and picture.long.authors >= authors:
            return grade
    return 2

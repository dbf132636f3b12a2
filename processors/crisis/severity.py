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

from typing import Final

from processors.crisis.signals import MOVED, Picture
from schemas.brand import AlertPolicy

SURE_OF_TONE: Final = 3.5
MOSTLY_NEGATIVE: Final = 0.35
"""Share of negatives that is against the brand wherever it usually lies."""
CALMER: Final = 0.6
"""While an alert is open, what keeps it open is this much of what opened it."""
_STEPS: Final = ((5, 20.0, 100), (4, 8.0, 25), (3, 3.0, 10))


def severity(picture: Picture, policy: AlertPolicy, *, is_open: bool = False) -> int:
    """The severity that the picture alone would have."""
    ease = policy.sensitivity / (CALMER if is_open else 1.0)
    least = policy.minimum_volume * (CALMER if is_open else 1.0)
    sure, sure_of_tone = MOVED / ease, SURE_OF_TONE / ease
    enough = picture.short.mentions >= least or picture.long.mentions >= 2 * least
    moved = enough and picture.significance("volume") >= sure
    tone = picture.significance("negative_share")
    darker = enough and tone >= sure_of_tone
    negative = _negative_share(picture) >= MOSTLY_NEGATIVE
    words = enough and picture.significance("lexicon") >= sure
    seen = picture.significance("influencer") > 0
    if moved and (darker or negative or words):
        return _of_storm(picture)
    if darker and (words or seen):
        return 2
    if words or (seen and (negative or darker)):
        return 2
    return 1 if moved or darker else 0


def _negative_share(picture: Picture) -> float:
    window = picture.long
    return window.negative / window.scored if window.scored else 0.0


def _of_storm(picture: Picture) -> int:
    """How grave a volume with negativity is, by how many times the usual and how many people."""
    times = max(picture.ratio("volume"), 1.0)
    for grade, least, authors in _STEPS:
        if times >= least and picture.long.authors >= authors:
            return grade
    return 2

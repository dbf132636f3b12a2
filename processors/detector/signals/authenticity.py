"""Whether a storm is of people, of copies, or of accounts that act together.

Copies of one text from accounts that are new, few, or in step are a campaign; copies that many
grown accounts repost are attention, amplified. Thresholds are of shares in the last half hour.
"""

from collections.abc import Sequence
from typing import Final

from processors.detector.state.counts import Minute, merged
from schemas.alert import Authenticity

MIN_MENTIONS: Final = 20
"""Mentions below which all is called organic."""
COPIED: Final = 0.4
YOUNG: Final = 0.3
CONCENTRATED: Final = 0.3
"""Share of mentions that the ten busiest authors wrote."""


def authenticity(minutes: Sequence[Minute]) -> Authenticity:
    """What the mentions of these minutes are."""
    mentions = sum(minute.mentions for minute in minutes)
    if mentions < MIN_MENTIONS:
        return "organic"
    copies = sum(minute.copies for minute in minutes) / mentions
    reposts = sum(minute.reposts for minute in minutes) / mentions
    aged = sum(minute.aged for minute in minutes)
    young = sum(minute.young for minute in minutes) / aged if aged else 0.0
    busiest = sum(count for _, count in merged(minutes, "authors").most_common(10)) / mentions
    unsaid = copies - reposts
    """Copies that do not say that they are."""
    if copies >= COPIED and (young >= YOUNG or busiest >= CONCENTRATED or unsaid >= COPIED):
        return "coordinated"
    if young >= 2 * YOUNG and busiest >= CONCENTRATED:
        return "coordinated"
    return "amplified" if copies + reposts >= COPIED else "organic"


def duplicate_share(minutes: Sequence[Minute]) -> float:
    """Of the mentions, those that copy an earlier one."""
    mentions = sum(minute.mentions for minute in minutes)
    return sum(minute.copies for minute in minutes) / mentions if mentions else 0.0

"""The baseline of one brand: shares, rates and terms of the past days, as decayed counts.

A count loses half of its weight in ``HALF_LIFE`` of event time. The minutes of an alert are not
learnt: a crisis is not usual.
"""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import fields

from processors.detector.state.minute import Minute
from processors.detector.state.term_counts import FADED, TermCounts

DEFAULT_MINIMUM: Final = 10
"""Mentions in 5 minutes that a crisis needs, of a brand that is new or talked of a lot."""
MIN_MINIMUM: Final = 4
"""The same of the smallest brand: fewer are a conversation."""
MIN_VARIATION: Final = 0.05
USUAL_VARIATION: Final = 0.25
"""Squared coefficient of variation beyond chance, of a brand of which nothing is known."""
BY_CHANCE: Final = 1 / (288 * 30)
"""How often the usual volume may reach the minimum by chance: once in 30 days of five minutes."""
LEARNS_AFTER: Final = 60
"""Minutes after which a minute is learnt."""
HALF_LIFE: Final = 3 * 24 * 60
"""Minutes."""
MAX_TERMS: Final = 1_500
MAX_ENTITIES: Final = 500
MAX_PLACES: Final = 300
"""Sources, and countries."""
HOURS: Final = 24
DAY: Final = 24 * 60
LEARNT_DAY: Final = 0.9
"""Of a day, after a day: a minute weighs less with time."""
UNSEEN: Final = 3.0
"""On the first day, an unseen hour may have this many times the mean."""
MIN_SEEN: Final = 40
"""Minutes of an hour of the day that were learnt, from which it is seen."""
PRIOR: Final = 30
"""Minutes at the mean rate that each hour of the day is thought to have had."""


class Baseline(Struct, kw_only=True):
    """Decayed sums; the defaults are the prior of an unknown brand."""

    upto: int = 0
    """Minute up to which it has learnt."""
    first: int = 0
    minutes: float = 0.0
    mentions: float = 0.0
    discounted: float = 0.0
    authors: float = 0.0
    scored: float = 4.0
    """The prior is four posts, one of them negative."""
    negative: float = 1.0
    score_sum: float = 0.0
    score_squares: float = 2.0
    lexicon: float = 0.1
    excess_squares: float = field(default=0.0, name="spread")
    """Sum of squared distances of five minutes' mentions from their expectation, less chance; over
    ``expected_squares`` it is the ``variation``."""
    expected_squares: float = 0.0
    named_terms: dict[str, float] = field(default_factory=dict, name="terms")
    """Of older states, which name them; and so the entities."""
    named_entities: dict[str, float] = field(default_factory=dict, name="entities")
    terms: TermCounts = field(default_factory=TermCounts, name="term_counts")
    entities: TermCounts = field(default_factory=TermCounts, name="entity_counts")
    sources: dict[str, float] = field(default_factory=dict)
    countries: dict[str, float] = field(default_factory=dict)
    hours: list[float] = field(default_factory=lambda: [0.0] * HOURS)
    """Mentions by hour of the day (UTC)."""
    hour_minutes: list[float] = field(default_factory=lambda: [0.0] * HOURS)

    def __post_init__(self) -> None:
        if self.named_terms or self.named_entities:
            self.terms.add(self.named_terms.items())
            self.entities.add(self.named_entities.items())
            self.named_terms, self.named_entities = {}, {}

    @property
    def negative_share(self) -> float:
        return self.negative / self.scored

    @property
    def score(self) -> float:
        return self.score_sum / self.scored

    @property
    def score_deviation(self) -> float:
        return math.sqrt(max(self.score_squares / self.scored - self.score**2, 0.05))

    @property
    def lexicon_share(self) -> float:
        return (self.lexicon + 0.1) / (self.mentions + 20.0)

    def per_minute(self, minute: int, name: str = "mentions") -> float:
        """Usual ``mentions``, ``authors`` or ``discounted`` in a minute of the day."""
        return self.level(name) * self.shape(minute)

    def level(self, name: str) -> float:
        """Mean of ``mentions``, ``authors`` or ``discounted`` in a minute."""
        return float(getattr(self, name)) / self.minutes if self.minutes else 0.0

    def shape(self, minute: int) -> float:
        """The rate of a minute of the day over the mean rate."""
        return self.shapes(minute, minute + 1)[0]

    def shapes(self, first: int, end: int) -> list[float]:
        """The rates of the minutes from ``first`` up to ``end`` over the mean rate.

        The share of an hour is shrunk to the mean with a weight of 30 minutes. It is exact in the
        middle of the hour, and interpolated between two of them: a rhythm is no staircase.
        """
        mean = self.level("mentions")
        if not mean:
            return [1.0] * (end - first)
        before = (first - 30) // 60
        hours = [self._hour(hour, mean) / mean for hour in range(before, (end - 31) // 60 + 2)]
        shapes = []
        for minute in range(first - 30, end - 30):
            hour, passed = divmod(minute, 60)
            one, next_ = hours[hour - before], hours[hour - before + 1]
            shapes.append(one + (next_ - one) * passed / 60)
        return shapes

    def rates(
        self, first: int, end: int, learns: int = 0, unlearnt: int = 0
    ) -> tuple[float, float]:
        """The least and the most usual mentions in one of the minutes from ``first`` to ``end``.

        They hold until ``learns`` more minutes are learnt, with ``unlearnt`` mentions in them.
        """
        if not self.mentions or not self.minutes:
            return 0.0, 1.0
        kept = 0.5 ** (learns / HALF_LIFE)
        low_mean = self.mentions * kept / (self.minutes * kept + learns)
        high_mean = (self.mentions + unlearnt) / (self.minutes * kept)
        if self.minutes < DAY:
            high_mean *= UNSEEN
            low_mean *= 1.0 if learns else UNSEEN
        low, high = math.inf, 0.0
        for hour in range((first - 30) // 60, (end - 31) // 60 + 2):
            count, minutes = self.hours[hour % HOURS], self.hour_minutes[hour % HOURS]
            low = min(low, (count * kept + PRIOR * low_mean) / (minutes + learns + PRIOR))
            most = count + unlearnt + PRIOR * high_mean
            high = max(high, most / (minutes * kept + PRIOR))
        return low, high

    def _hour(self, hour: int, mean: float) -> float:
        hour %= HOURS
        # On the first day an unseen hour may be the busiest.
        unseen = UNSEEN * mean if self.minutes < DAY else mean
        return (self.hours[hour] + PRIOR * unseen) / (self.hour_minutes[hour] + PRIOR)

    @property
    def minimum_volume(self) -> int:
        """Mentions in 5 minutes that a crisis of this brand needs, unless its policy says.

        A brand of three mentions a day has a crisis too. On the first day nobody knows it is small.
        """
        if self.minutes < DAY * LEARNT_DAY:
            return DEFAULT_MINIMUM
        return minimum_volume(self.level("mentions"), self.variation)

    def is_unseen(self, minute: int) -> bool:
        """Whether it is the brand's first day, and it was not heard at that time of the day."""
        return self.minutes < DAY and self.hour_minutes[minute // 60 % HOURS] < MIN_SEEN

    @property
    def variation(self) -> float:
        """Squared coefficient of variation of a volume beyond chance; high at first."""
        learnt = (self.excess_squares + USUAL_VARIATION * 20) / (self.expected_squares + 20)
        return max(learnt, MIN_VARIATION) + math.exp(-self.minutes / 720)

    def learn(self, minutes: Sequence[Minute], upto: int) -> None:
        """Learn the minutes up to ``upto``; missing ones were silent."""
        passed = upto - self.upto
        if passed <= 0:
            return
        if not self.upto:
            self.first, passed = upto, 1
        self._decay(passed)
        self.upto = upto
        self.minutes += passed
        self._learn_variation(minutes)
        for at in range(max(0, upto - min(passed, HOURS * 60)), upto):
            self.hour_minutes[at // 60 % HOURS] += 1
        self.learn_late(minutes)
        self.terms.trim(MAX_TERMS)
        self.entities.trim(MAX_ENTITIES)
        for name in _PLACES:
            counts: dict[str, float] = getattr(self, name)
            if len(counts) > 2 * MAX_PLACES:
                largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
                setattr(self, name, dict(largest[:MAX_PLACES]))

    def begin(self, minute: int) -> None:
        """Start with silence that was heard from ``minute`` on."""
        self.upto = self.first = minute

    def learn_late(self, minutes: Sequence[Minute]) -> None:
        """Add mentions of minutes that were learnt before they came."""
        for minute in minutes:
            self._add(minute)
        self.terms.add(item for minute in minutes for item in minute.terms.items())
        self.entities.add(item for minute in minutes for item in minute.entities.items())

    def _decay(self, minutes: int) -> None:
        kept = 0.5 ** (minutes / HALF_LIFE)
        for name, prior in _SUMS.items():
            setattr(self, name, getattr(self, name) * kept + prior * (1 - kept))
        self.hours = [count * kept for count in self.hours]
        self.hour_minutes = [count * kept for count in self.hour_minutes]
        self.terms.decay(kept)
        self.entities.decay(kept)
        for name in _PLACES:
            counts = ((key, count * kept) for key, count in getattr(self, name).items())
            setattr(self, name, {key: count for key, count in counts if count >= FADED})

    def _learn_variation(self, minutes: Sequence[Minute]) -> None:
        fives: dict[int, int] = {}
        for minute in minutes:
            fives[minute.start // 5] = fives.get(minute.start // 5, 0) + minute.mentions
        for five, count in fives.items():
            expected = 5 * self.per_minute(five * 5 + 2)
            if expected > 0.5:
                # Clipped: one missed crisis must not hide the next.
                excess = min((count - expected) ** 2 - expected, 25 * expected**2)
                self.excess_squares += excess
                self.expected_squares += expected**2

    def _add(self, minute: Minute) -> None:
        self.mentions += minute.mentions
        self.discounted += minute.discounted
        self.authors += minute.distinct
        self.scored += minute.scored
        self.negative += minute.negative
        self.score_sum += minute.score_sum
        self.score_squares += minute.score_squares
        self.lexicon += minute.lexicon
        self.hours[minute.start // 60 % HOURS] += minute.mentions
        for name in _PLACES:
            counts = getattr(self, name)
            for key, count in getattr(minute, name).items():
                counts[key] = counts.get(key, 0.0) + count


_SUMS: Final = {field.name: field.default for field in fields(Baseline) if field.type is float}
"""Sums decay towards the prior: after a long silence a brand is unknown again."""
_PLACES: Final = ("sources", "countries")


def minimum_volume(per_minute: float, variation: float) -> int:
    """Mentions in 5 minutes that a brand of this rate reaches by chance once in 30 days.

    At least ``MIN_MINIMUM``, at most ``DEFAULT_MINIMUM``. ``variation``: the squared coefficient
    of variation beyond chance, so the count is negative binomial.
    """
    mean = 5 * per_minute
    odds = variation * mean
    share: float = (1 + odds) ** (-1 / variation)
    above, count = 1 - share, 1
    while above > BY_CHANCE and count < DEFAULT_MINIMUM:
        share *= (count - 1 + 1 / variation) / count * odds / (1 + odds)
        above -= share
        count += 1
    return max(count, MIN_MINIMUM)

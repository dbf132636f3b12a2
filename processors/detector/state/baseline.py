"""What is usual for one brand: the shares, rates and terms of the days before, in decayed counts.

A count decays by half in ``HALF_LIFE`` of event time, so that a week ago says little and a memory
is a few numbers. What happens during an alert is not learnt until it is over: a crisis is no habit.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct, field

from processors.detector.state.counts import Minute

HALF_LIFE: Final = 3 * 24 * 60
"""Minutes in which what was seen loses half of its weight."""
MAX_TERMS: Final = 1_500
"""Terms whose usual share is remembered."""
MAX_ENTITIES: Final = 500
MAX_PLACES: Final = 300
"""Sources, and countries."""
HOURS: Final = 24
UNSEEN: Final = 3.0
"""How many times the mean an hour of the first day may have without being unusual."""


class Baseline(Struct, kw_only=True):
    """Decayed sums; weights are those of a brand that is still unknown."""

    upto: int = 0
    """Minute up to which it has learnt."""
    first: int = 0
    """Minute at which it began to."""
    minutes: float = 0.0
    mentions: float = 0.0
    discounted: float = 0.0
    authors: float = 0.0
    scored: float = 4.0
    """As if four posts had been read before, one of them negative, while it knows little."""
    negative: float = 1.0
    score_sum: float = 0.0
    score_squares: float = 2.0
    lexicon: float = 0.1
    excess_squares: float = field(default=0.0, name="spread")
    """Sum of squared distances of five minutes' mentions from what was expected of them, less what
    chance alone explains; over the squared expectations it is how much volumes vary."""
    expected_squares: float = 0.0
    terms: dict[str, float] = field(default_factory=dict)
    entities: dict[str, float] = field(default_factory=dict)
    sources: dict[str, float] = field(default_factory=dict)
    countries: dict[str, float] = field(default_factory=dict)
    hours: list[float] = field(default_factory=lambda: [0.0] * HOURS)
    """Mentions by hour of the day (UTC), decayed alike."""
    hour_minutes: list[float] = field(default_factory=lambda: [0.0] * HOURS)

    @property
    def negative_share(self) -> float:
        """Of posts whose sentiment is known."""
        return self.negative / self.scored

    @property
    def score(self) -> float:
        """Mean sentiment, from -1 to 1."""
        return self.score_sum / self.scored

    @property
    def score_deviation(self) -> float:
        """Standard deviation of one post's sentiment."""
        return math.sqrt(max(self.score_squares / self.scored - self.score**2, 0.05))

    @property
    def lexicon_share(self) -> float:
        """Of mentions, those with a term of the crisis lexicon."""
        return (self.lexicon + 0.1) / (self.mentions + 20.0)

    def per_minute(self, minute: int, name: str = "mentions") -> float:
        """What is usual of ``mentions``, ``authors`` or ``discounted`` in a minute of that hour.

        An hour of the day is believed as far as it has been seen: a day of it counts as much as
        what all hours say.
        """
        if not self.minutes:
            return 0.0
        overall = float(getattr(self, name)) / self.minutes
        hour = minute // 60 % HOURS
        mean = self.mentions / self.minutes
        if not mean:
            return overall
        known = self.hour_minutes[hour]
        # Of an hour that it has not seen yet it believes the busiest, and more.
        unseen = UNSEEN * mean if self.minutes < 24 * 60 else mean
        shape = (self.hours[hour] + 30 * unseen) / (known + 30) / mean
        return overall * shape

    @property
    def variation(self) -> float:
        """Squared coefficient of variation of a volume beyond chance; wide while it is young."""
        learnt = (self.excess_squares + 0.25 * 20) / (self.expected_squares + 20)
        return max(learnt, 0.05) + math.exp(-self.minutes / 720)


def learn(baseline: Baseline, minutes: Iterable[Minute], upto: int) -> None:
    """Learn the minutes up to ``upto``; those that are missing among them were silent."""
    passed = upto - baseline.upto
    if passed <= 0:
        return
    if not baseline.upto:
        baseline.first, passed = upto, 1
    _decay(baseline, passed)
    baseline.upto = upto
    baseline.minutes += passed
    _learn_variation(baseline, minutes := list(minutes), upto)
    for at in range(max(0, upto - min(passed, HOURS * 60)), upto):
        baseline.hour_minutes[at // 60 % HOURS] += 1
    for minute in minutes:
        _add(baseline, minute)
    baseline.terms = _most(baseline.terms, MAX_TERMS)
    baseline.entities = _most(baseline.entities, MAX_ENTITIES)
    baseline.sources = _most(baseline.sources, MAX_PLACES)
    baseline.countries = _most(baseline.countries, MAX_PLACES)


def _most(counts: dict[str, float], most: int) -> dict[str, float]:
    """The largest, once there are twice as many as are remembered."""
    if len(counts) <= 2 * most:
        return counts
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most])


def _learn_variation(baseline: Baseline, minutes: Sequence[Minute], upto: int) -> None:
    """From each five minutes, against what was expected of them before they are learnt."""
    fives: dict[int, int] = {}
    for minute in minutes:
        fives[minute.start // 5] = fives.get(minute.start // 5, 0) + minute.mentions
    for five, count in fives.items():
        expected = 5 * baseline.per_minute(five * 5)
        if expected > 0.5:
            # One crisis that slipped in must not make the next one look baseline.
            beyond = min((count - expected) ** 2 - expected, 25 * expected**2)
            baseline.excess_squares += beyond
            baseline.expected_squares += expected**2


def _add(baseline: Baseline, minute: Minute) -> None:
    baseline.mentions += minute.mentions
    baseline.discounted += minute.discounted
    baseline.authors += minute.distinct
    baseline.scored += minute.scored
    baseline.negative += minute.negative
    baseline.score_sum += minute.score_sum
    baseline.score_squares += minute.score_squares
    baseline.lexicon += minute.lexicon
    baseline.hours[minute.start // 60 % HOURS] += minute.mentions
    for mine, theirs in (
        (baseline.terms, minute.terms),
        (baseline.entities, minute.entities),
        (baseline.sources, minute.sources),
        (baseline.countries, minute.countries),
    ):
        for name, count in theirs.items():
            mine[name] = mine.get(name, 0.0) + count


def _decay(baseline: Baseline, minutes: int) -> None:
    kept = 0.5 ** (minutes / HALF_LIFE)
    for name in _DECAYING:
        setattr(baseline, name, getattr(baseline, name) * kept)
    # What a brand begins with stays: a long silence makes it unknown again, not undefined.
    baseline.scored += 4.0 * (1 - kept)
    baseline.negative += 1.0 * (1 - kept)
    baseline.score_squares += 2.0 * (1 - kept)
    baseline.lexicon += 0.1 * (1 - kept)
    baseline.hours = [count * kept for count in baseline.hours]
    baseline.hour_minutes = [count * kept for count in baseline.hour_minutes]
    for counts in (baseline.terms, baseline.entities, baseline.sources, baseline.countries):
        for name in list(counts):
            counts[name] *= kept
            if counts[name] < 0.01:
                del counts[name]


_DECAYING: Final = (
    "minutes", "mentions", "discounted", "authors", "scored", "negative", "score_sum",
    "score_squares", "lexicon", "excess_squares", "expected_squares",
)  # fmt: skip

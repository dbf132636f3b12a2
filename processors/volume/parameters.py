"""The parameters of the volume detector; the defaults are those of the scorecard."""

import math

from msgspec import Struct

USUAL_DAYS = 21.0
"""The ``false_alarm_days`` at which ``bar`` is as written."""
MIN_DAYS, MAX_DAYS = 3.0, 90.0
"""Limits of ``false_alarm_days``: the shortest and the longest that were measured."""
MAX_HIGH_DAYS = 120


class VolumeParameters(Struct, frozen=True, kw_only=True):
    """Durations in minutes or days, evidence in standard units.

    ``false_alarm_days`` is the one to choose; the others were chosen on five series of the Numenta
    Anomaly Benchmark, on copies of them that are thinned or have bursts added, and on invented
    series with heavy tails. ``docs/scorecard.md`` shows the effect of each.
    """

    false_alarm_days: float = USUAL_DAYS
    """Days a brand goes, about, without an alert where nothing new happens; the operating point."""
    windows: tuple[float, ...] = (5.0, 60.0, 480.0)
    """Minutes over which counts are compared with the baseline: a burst, a rise, a bad day."""
    bar: float = 2.5
    """Evidence beyond which an alert opens, for a volume that the brand has not had before."""
    bar_growth: float = 0.5
    """What is added to the bar where ``false_alarm_days`` is e times as long."""
    cap: float = 8.0
    """Usual deviations at which a window's evidence ends: no window convinces alone."""
    high_days: int = 30
    """Days whose highest volumes are kept."""
    rise: float = 2.5
    """What is added to the bar for each doubling of how often the brand has had this volume."""
    repeat_minutes: float = 75.0
    """How far from the hour of the days before the same volume is still their repetition."""
    repeat_share: float = 0.5
    """Share of a volume that the days before must have had at this hour."""
    dispersion: float = 0.02
    """Variance of a count beyond Poisson's, as a share of its mean squared (negative binomial)."""
    level_days: float = 7.0
    """Half-life of the brand's level."""
    season_days: float = 42.0
    """Memory of the shares of the hours of the day."""
    season_prior_days: float = 1.0
    """Prior: days of flat hours."""
    week_days: float = 182.0
    """Memory of the shares of the days of the week."""
    week_prior_weeks: float = 8.0
    """Prior: weeks of equal days."""
    spread_days: float = 14.0
    """Half-life of the usual deviation."""
    spread_prior_days: float = 3.0
    """Prior: days of mere counting noise."""
    clip: float = 4.0
    """Usual deviations at which a count is clipped before the baseline learns it."""
    learn_days: float = 1.0
    """History below which no alert opens."""
    quiet_minutes: float = 360.0
    """How long evidence has to stay below half the bar before another alert may open."""
    echo: float = 0.25
    """Share of the last peak, above the bar, that is added to the bar."""
    echo_days: float = 5.0
    """Time in which that addition falls to 1/e."""

    def __post_init__(self) -> None:
        if not MIN_DAYS <= self.false_alarm_days <= MAX_DAYS:
            raise ValueError(
                f"false_alarm_days must be from {MIN_DAYS:g} to {MAX_DAYS:g}, "
                f"not {self.false_alarm_days:g}"
            )
        if not 1 <= self.high_days <= MAX_HIGH_DAYS:
            raise ValueError(f"high_days must be from 1 to {MAX_HIGH_DAYS}, not {self.high_days}")

    @property
    def lowest_bar(self) -> float:
        """The bar of a volume that the brand has not had before, at these ``false_alarm_days``."""
        return self.bar + self.bar_growth * math.log(self.false_alarm_days / USUAL_DAYS)

"""The parameters of the volume detector; the defaults are those of the scorecard."""

from msgspec import Struct


class VolumeParameters(Struct, frozen=True, kw_only=True):
    """Durations in minutes or days, evidence in standard units.

    The defaults were chosen on five series of the Numenta Anomaly Benchmark by leaving one brand
    out; ``docs/scorecard.md`` shows the effect of each.
    """

    windows: tuple[float, ...] = (5.0, 60.0, 480.0)
    """Minutes over which counts are compared with the baseline: a burst, a rise, a bad day."""
    bar: float = 3.1
    """Mean of the evidence of all windows beyond which an alert opens; the operating point."""
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
    echo: float = 0.3
    """Share of the last peak, above the bar, that is added to the bar."""
    echo_days: float = 5.0
    """Time in which that addition falls to 1/e."""

"""When evidence opens an alert: the bar of each brand, echoes of earlier peaks, and quiet."""

import numpy as np

from processors.volume.parameters import VolumeParameters
from processors.volume.seasonality import DAY_MINUTES, Flags, Floats

NEVER = -1e12
"""Minutes; long before any count."""
_NOT_NEWS = 0.49


def bar_for(parameters: VolumeParameters, times: Floats, days: Floats) -> Floats:
    """The bar for volumes that brands had on ``times`` of ``days`` days; any shape.

    A brand is taken, a day's worth, to have such a volume as often as false alarms are asked for.
    What it has had more often needs more evidence: ``rise`` for each doubling. So a brand whose
    bursts are common is asked for more, but never silenced by them.
    """
    asked = 1 + days / parameters.false_alarm_days
    often = np.maximum((times + 1) / asked, 1.0)
    return np.asarray(parameters.lowest_bar + parameters.rise * np.log2(often))


class AlertGate:
    """The alerts of ``size`` brands; times are minutes since 1970.

    An alert opens when evidence passes the bar, lasts while evidence stays above half of the lowest
    one, and another may open only after a quiet time. A peak raises the bar for some days, since a
    crisis has aftershocks.
    """

    def __init__(self, parameters: VolumeParameters, size: int) -> None:
        self._parameters = parameters
        self.state: Floats = np.zeros((4, size))
        """All numbers of the state, a row each; the fields are views of it."""
        self.since: Floats = self.state[0]
        self.active: Floats = self.state[1]
        """The last moment of the last alert."""
        self.echo: Floats = self.state[2]
        """The last peak's addition to the bar, at its time."""
        self.echo_at: Floats = self.state[3]
        self.since[:], self.active[:], self.echo_at[:] = np.inf, NEVER, NEVER

    def judge(
        self, evidence: Floats, bar: Floats, now: float, present: Flags
    ) -> tuple[Floats, Flags]:
        """Score in [0, 1], 0.5 at the present bar, and whether an alert opens."""
        parameters = self._parameters
        np.copyto(self.since, now, where=present & np.isinf(self.since))
        echo = self.echo * np.exp((self.echo_at - now) / (parameters.echo_days * DAY_MINUTES))
        bar = bar + echo
        lowest = parameters.lowest_bar
        armed = now - self.active > parameters.quiet_minutes
        learnt = now - self.since >= parameters.learn_days * DAY_MINUTES
        opens = present & armed & learnt & (evidence > bar)
        lasts = present & ~armed & (evidence > lowest / 2)
        np.copyto(self.active, now, where=opens | lasts)
        peak = parameters.echo * (evidence - lowest)
        higher = present & (peak > echo)
        np.copyto(self.echo, peak, where=higher)
        np.copyto(self.echo_at, now, where=higher)
        score = 1 - np.exp2(-np.maximum(evidence, 0) / bar)
        # An alert that lasts is not news; without a history nothing can be called news.
        score = np.where(opens, score, np.minimum(score, _NOT_NEWS))
        return np.where(present, score, 0.0), opens

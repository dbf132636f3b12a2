"""When evidence opens an alert: a bar, and three rules that keep an alert from repeating itself.

An alert opens when evidence passes the bar; while evidence stays above half of it, the alert is
the same one, and another may open only after a time of quiet; and after a peak the bar is higher
for some days, for a crisis has aftershocks.
"""

import numpy as np

from processors.volume.parameters import VolumeParameters
from processors.volume.seasonality import DAY_MINUTES, Flags, Floats

NEVER = -1e12
"""Minutes; long before anything happened."""
_NOT_NEWS = 0.49


class AlertGate:
    """What was last said of ``size`` brands; 4 floats each. Times are minutes since 1970."""

    def __init__(self, parameters: VolumeParameters, size: int) -> None:
        self._parameters = parameters
        self.since: Floats = np.full(size, np.inf)
        """The first count."""
        self.active: Floats = np.full(size, NEVER)
        """The last moment of the last alert."""
        self.echo: Floats = np.zeros(size)
        """What was added to the bar by the last peak, at its time."""
        self.echo_at: Floats = np.full(size, NEVER)

    def judge(self, evidence: Floats, now: float, present: Flags) -> tuple[Floats, Flags]:
        """Score in [0, 1], 0.5 at the bar as it is now, and whether an alert opens."""
        parameters = self._parameters
        np.copyto(self.since, now, where=present & np.isinf(self.since))
        echo = self.echo * np.exp((self.echo_at - now) / (parameters.echo_days * DAY_MINUTES))
        bar = parameters.bar + echo
        armed = now - self.active > parameters.quiet_minutes
        learnt = now - self.since >= parameters.learn_days * DAY_MINUTES
        opens = present & armed & learnt & (evidence > bar)
        lasts = present & ~armed & (evidence > parameters.bar / 2)
        np.copyto(self.active, now, where=opens | lasts)
        peak = parameters.echo * (evidence - parameters.bar)
        higher = present & (peak > echo)
        np.copyto(self.echo, peak, where=higher)
        np.copyto(self.echo_at, now, where=higher)
        score = 1 - np.exp2(-np.maximum(evidence, 0) / bar)
        # What goes on is not news, and what came before any history is not known to be news.
        score = np.where(opens, score, np.minimum(score, _NOT_NEWS))
        return np.where(present, score, 0.0), opens

"""The brake: stops a consumer before a bad deploy sends the whole stream to dead-letters.

Two limits, after sentry's arroyo: a share over a sliding window of messages, and a run of
consecutive failures. Pure: it counts what it is told and reads no clock.
"""

from collections import deque

from runtime.settings import BrakeSettings
from schemas.errors import BrakeTripped


class Brake:
    """Counts good and bad messages; raises :class:`BrakeTripped` once there is too much bad.

    ``share``: highest allowed share of bad messages in the last ``window`` (0..1); it is judged
    only once ``window`` messages were seen. ``consecutive``: longest allowed run of bad ones.
    """

    def __init__(self, share: float, window: int, consecutive: int) -> None:
        self.share = share
        self.window = window
        self.consecutive = consecutive
        self._recent: deque[bool] = deque(maxlen=window)
        self._bad_in_window = 0
        self._run = 0

    @classmethod
    def of(cls, settings: BrakeSettings) -> "Brake":
        """The brake of a consumer's settings."""
        return cls(
            settings.dead_letter_share, settings.dead_letter_window, settings.dead_letter_run
        )

    def record(self, good: int, bad: int) -> None:
        """Count one batch (its bad messages after its good ones), then judge.

        Call it after the batch's dead letters are delivered, so that none is lost by the stop.
        """
        for is_bad, times in ((False, good), (True, bad)):
            for _ in range(min(times, self.window)):
                if len(self._recent) == self.window:
                    self._bad_in_window -= self._recent[0]
                self._recent.append(is_bad)
                self._bad_in_window += is_bad
        self._run = self._run + bad if not good else bad
        self._judge()

    def _judge(self) -> None:
        if self._run > self.consecutive:
            raise BrakeTripped(
                f"stopped: {self._run} messages in a row went to dead-letters; look at "
                "'tocsin dead-letters list', mend the cause, then start again"
            )
        full = len(self._recent) == self.window
        if full and self._bad_in_window > self.share * self.window:
            raise BrakeTripped(
                f"stopped: {self._bad_in_window} of the last {self.window} messages went to "
                "dead-letters; look at 'tocsin dead-letters list', mend the cause, then start again"
            )

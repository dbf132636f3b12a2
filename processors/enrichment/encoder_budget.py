"""How many posts the encoder may read: a share of a core's time that falls as the lag grows.

With no lag it may take a whole core, so a stream that leaves time for it is read entirely. At a
quarter of the limit it may take the share of the settings, and at the limit nothing. In between the
share goes evenly, so that it settles where reading and the stream keep pace, instead of flipping.
"""

from dataclasses import dataclass
from typing import Final, Literal

from processors.enrichment.encoder_choice import ALL, NONE, Choice

SETTLED: Final = 0.25
"""Part of the lag limit at which the encoder may take its share."""
BURST_S: Final = 0.5
"""Most time that is saved up, and so the longest that a batch waits for the encoder, about."""
_FIRST_COST_S: Final = 0.002
"""Time of a post, until it is known."""
_WEIGHT: Final = 0.2
"""Weight of the last batch in the time of a post."""


@dataclass(slots=True)
class EncoderBudget:
    """``share``: of a core, for ``auto``; ``limit``: lag from which ``auto`` reads nothing."""

    tier: Literal["fast", "accurate", "auto"]
    share: float
    limit: int
    fallen_back: bool = False
    """Whether the lag has been above the limit and not yet at a quarter of it (hysteresis)."""
    _saved_s: float = BURST_S
    _cost_s: float = _FIRST_COST_S
    _at: float | None = None

    def share_at(self, lag: int) -> float:
        """The share of a core that the encoder may take at a lag."""
        if self.tier != "auto":
            return float(self.tier == "accurate")
        settled = self.limit * SETTLED
        if lag <= 0:
            return 1.0
        if lag < settled:
            return 1 - (1 - self.share) * lag / settled
        if lag < self.limit:
            return self.share * (self.limit - lag) / (self.limit - settled)
        return 0.0

    def choice(self, lag: int, at: float, rising: frozenset[str] = frozenset()) -> Choice:
        """The choice for the next batch; ``at``: seconds of a clock that never steps back."""
        if self.tier != "auto":
            return ALL if self.tier == "accurate" else NONE
        if lag > self.limit:
            self.fallen_back = True
        elif lag <= self.limit * SETTLED:
            self.fallen_back = False
        share = self.share_at(lag)
        passed = 0.0 if self._at is None else at - self._at
        self._at = at
        self._saved_s = min(BURST_S, self._saved_s + share * passed)
        if not share:
            return NONE
        return Choice(max(0, int(self._saved_s / self._cost_s)), rising)

    def spend(self, posts: int, seconds: float) -> None:
        """A batch of which the encoder read so many posts, in so much time."""
        if not posts:
            return
        self._saved_s -= seconds
        cost = self._cost_s + _WEIGHT * (seconds / posts - self._cost_s)
        # A post that seemed to cost all of the budget would never be read, nor measured, again.
        self._cost_s = min(cost, BURST_S)

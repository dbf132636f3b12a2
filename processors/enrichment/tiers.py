"""The tier of models that reads a batch: accurate, fast, or chosen by consumer lag."""

from dataclasses import dataclass
from typing import Final, Literal

from schemas.types import Tier

RETURN_SHARE: Final = 0.25
"""Share of the lag limit below which ``auto`` reads accurately again (hysteresis)."""


@dataclass(slots=True)
class TierChooser:
    """Chooses the tier of each batch; ``auto`` goes fast above ``limit`` messages of lag."""

    choice: Literal["fast", "accurate", "auto"]
    limit: int
    fallen_back: bool = False

    def choose(self, lag: int) -> Tier:
        if self.choice != "auto":
            return self.choice
        if lag > self.limit:
            self.fallen_back = True
        elif lag <= self.limit * RETURN_SHARE:
            self.fallen_back = False
        return "fast" if self.fallen_back else "accurate"

"""Which models read a batch: the accurate ones while they keep up, the fast ones when they do not.

Pure: the lag comes in, the tier goes out.
"""

from dataclasses import dataclass
from typing import Final, Literal

from schemas.types import Tier

Choice = Literal["fast", "accurate", "auto"]

RETURN_SHARE: Final = 0.25
"""Share of the limit that the lag must fall to before the accurate models read again: going back
at the limit itself would change sides with every batch."""


@dataclass(slots=True)
class TierChooser:
    """Chooses the tier of each batch. ``limit``: messages of lag above which ``auto`` goes fast."""

    choice: Choice
    limit: int
    behind: bool = False
    """Whether ``auto`` has fallen back."""

    def choose(self, lag: int) -> Tier:
        """The tier for the next batch, ``lag`` messages being unread behind it."""
        if self.choice != "auto":
            return self.choice
        if lag > self.limit:
            self.behind = True
        elif lag <= self.limit * RETURN_SHARE:
            self.behind = False
        return "fast" if self.behind else "accurate"

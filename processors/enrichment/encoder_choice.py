"""Which posts of a batch the accurate annotators read: those that tell most. Pure.

A post tells more the surer it is negative, the wider its reach, the less sure its fast sentiment,
and where it names a brand that rises: one with a larger share of the recent mentions than usual.
Shares need no clock: a backlog that is worked off raises the rate of every brand, but no share.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from schemas.mention import Mention

Reason: TypeAlias = Literal["all", "negative", "reach", "rising", "unsure"]
"""What spoke most for a post; ``all`` where there was no need to choose."""
_WIDEST: Final = 1_000_000
"""Reach from which more adds nothing."""

RECENT: Final = 500
"""Mentions that weigh in the recent share, about."""
USUAL: Final = 20_000
"""Mentions that weigh in the usual share, about."""
RISE: Final = 3.0
"""Least ratio of the recent share to the usual one of a brand that rises."""
_MIN_MENTIONS: Final = 8.0
"""Least recent mentions of a brand that rises."""
_MAX_BRANDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Choice:
    """At most ``limit`` posts, None for all; ``rising``: ids of the brands that rise."""

    limit: int | None = None
    rising: Set[str] = frozenset()

    def chosen(self, posts: Sequence[Mention]) -> dict[int, Reason]:
        """The places of the chosen posts, in their order, with the reason; ties go to the first."""
        if self.limit is None or len(posts) <= self.limit:
            return dict.fromkeys(range(len(posts)), "all")
        values = [self._values(post) for post in posts]
        best = sorted(range(len(posts)), key=lambda at: -sum(values[at].values()))
        return {
            at: max(values[at], key=values[at].__getitem__) for at in sorted(best[: self.limit])
        }

    def _values(self, post: Mention) -> dict[Reason, float]:
        """What speaks for a post, each 0 to 1."""
        values: dict[Reason, float] = {
            "rising": float(any(brand.id in self.rising for brand in post.brands))
        }
        if fast := post.sentiment:
            values["negative"] = fast.negative
            values["unsure"] = 1.5 * (1 - max(fast.negative, fast.neutral, fast.positive))
        if influence := post.influence:
            reach = min(_WIDEST, max(influence.reach, influence.engagement))
            values["reach"] = math.log1p(reach) / math.log1p(_WIDEST)
        return values


ALL: Final = Choice()
NONE: Final = Choice(limit=0)


@dataclass(slots=True)
class _Counts:
    """Mentions of one brand or of all, fading: those of long ago weigh less."""

    recent: float = 0.0
    usual: float = 0.0
    at: int = 0
    """Mentions of all brands when it was last counted."""

    def add(self, count: int, at: int) -> None:
        self.recent = self.recent * math.exp((self.at - at) / RECENT) + count
        self.usual = self.usual * math.exp((self.at - at) / USUAL) + count
        self.at = at


@dataclass(slots=True)
class BrandShares:
    """Each brand's share of the recent mentions and of the usual ones, of 10,000 brands at most."""

    _all: _Counts = field(default_factory=_Counts)
    _brands: OrderedDict[str, _Counts] = field(default_factory=OrderedDict)
    """The brands that were named last are at the end."""
    _candidates: set[str] = field(default_factory=set)
    """The brands that rose when they were last named."""

    def count(self, named: Iterable[tuple[str, int]]) -> None:
        """Count the mentions of a batch: brand id and number."""
        counts = [(brand, count) for brand, count in named if count > 0]
        at = self._all.at + sum(count for _, count in counts)
        self._all.add(at - self._all.at, at)
        for brand, count in counts:
            own = self._brands.setdefault(brand, _Counts(at=at))
            own.add(count, at)
            self._brands.move_to_end(brand)
            if self._rises(brand):
                self._candidates.add(brand)
        while len(self._brands) > _MAX_BRANDS:
            gone, _ = self._brands.popitem(last=False)
            self._candidates.discard(gone)

    def rising(self) -> frozenset[str]:
        """The brands that rise now."""
        self._candidates = {brand for brand in self._candidates if self._rises(brand)}
        return frozenset(self._candidates)

    def _rises(self, brand: str) -> bool:
        own, whole = self._brands[brand], self._all
        recent = own.recent * math.exp((own.at - whole.at) / RECENT)
        usual = own.usual * math.exp((own.at - whole.at) / USUAL)
        return recent >= _MIN_MENTIONS and recent / whole.recent >= RISE * usual / whole.usual

"""Sources and countries where a brand is talked about and usually is not."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from processors.detector.signals.likelihood import deviate
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import Minute, merged
from schemas.alert import Signal

MIN_POSTS: Final = 3
"""Posts from a place below which it is not yet one."""
USUAL: Final = 0.01
"""Share of what was said before from which a place is a usual one."""
KNOWN: Final = 20.0
"""Posts of before with which one can tell."""
SURE: Final = 2.0
_NAMED: Final = 5


def new_places(minutes: Sequence[Minute], usual: Baseline) -> list[Signal]:
    """One signal for sources and one for countries, where there are new ones."""
    return [
        *_new(merged(minutes, "sources"), usual.sources, "sources"),
        *_new(merged(minutes, "countries"), usual.countries, "countries"),
    ]


def _new(
    now: Mapping[str, int], usual: Mapping[str, float], unit: Literal["sources", "countries"]
) -> list[Signal]:
    before = sum(usual.values())
    if before < KNOWN:
        return []
    new = sorted(
        (name for name in now if now[name] >= MIN_POSTS and usual.get(name, 0.0) < USUAL * before),
        key=lambda name: (-now[name], name),
    )
    # Together, so that four posts from each of three new places are twelve.
    posts, usually = sum(now[name] for name in new), sum(usual.get(name, 0.0) for name in new)
    significance = deviate(posts, sum(now.values()), usually, before, len(now))
    if significance <= SURE:
        return []
    known = sum(1 for count in usual.values() if count >= USUAL * before)
    return [
        Signal(
            name="spread",
            observed=known + len(new),
            baseline=known,
            unit=unit,
            significance=round(significance, 2),
            about=", ".join(new[:_NAMED]),
        )
    ]

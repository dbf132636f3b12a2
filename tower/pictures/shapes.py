"""What pictures share: escaped elements, paths of steps, round scales, times on an axis."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup, escape

_NICE: Final = (4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 60, 72)
"""Each has four equal parts without a fraction."""
_TICKS: Final = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=2),
    timedelta(days=7),
    timedelta(days=30),
)


def element(name: str, content: object = None, **attributes: object) -> Markup:
    """An element; ``class_`` is ``class``, ``_`` in a name is ``-``; None leaves one out."""
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            label = key.rstrip("_").replace("_", "-")
            text = f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            parts.append(f'{label}="{escape(text)}"')
    head = " ".join(parts)
    # Names are ours, values are escaped.
    return Markup(f"<{head}/>" if content is None else f"<{head}>{escape(content)}</{name}>")  # noqa: S704


def group(parts: Iterable[Markup], **attributes: object) -> Markup:
    return element("g", Markup("").join(parts), **attributes)


def nice_top(value: float) -> float:
    """The smallest round number that is not below ``value``: 1, 2, or four whole parts."""
    if value <= 2:
        return 1.0 if value <= 1 else 2.0
    power = 10.0 ** max(0, math.ceil(math.log10(value / _NICE[-1])))
    return next(step * power for step in _NICE if step * power >= value * 0.999999)


def steps_path(values: Sequence[float], width: float, base: float, scale: float) -> str:
    """An area of steps, one for each value: ``base`` is the y of zero, ``scale`` pixels a unit."""
    if not values:
        return ""
    wide = width / len(values)
    parts = [f"M0 {base:g}"]
    for place, value in enumerate(values):
        parts.append(f"V{base - value * scale:.1f}H{(place + 1) * wide:.1f}")
    return "".join(parts) + f"V{base:g}Z"


def line_path(values: Sequence[float | None], width: float, base: float, scale: float) -> str:
    """A line through the middles; it breaks where a value is None."""
    wide = width / max(1, len(values))
    parts, pen_up = [], True
    for place, value in enumerate(values):
        if value is None:
            pen_up = True
            continue
        at = f"{(place + 0.5) * wide:.1f} {base - value * scale:.1f}"
        parts.append(("M" if pen_up else "L") + at)
        pen_up = False
    return "".join(parts)


def time_ticks(since: datetime, until: datetime, most: int) -> list[datetime]:
    """At most ``most`` round local times within the window (both in the reader's zone)."""
    length = until - since
    step = next((tick for tick in _TICKS if length / tick <= most), _TICKS[-1])
    day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    first = day + math.ceil((since - day) / step) * step
    return [at for n in range(most + 1) if (at := first + n * step) < until]

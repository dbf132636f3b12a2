"""Presence over time: a row a country, a cell a bucket, darker where more was said."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from tower.pictures.hour_grid import depth
from tower.pictures.shapes import element, time_ticks

_LEFT: Final = 34
_TALL: Final = 18
_TOP: Final = 18
WIDE: Final = 900
NARROW: Final = 340
_TICK: Final = 56
"""Pixels that the label of a time takes."""


def presence_rows(
    rows: Sequence[tuple[str, Sequence[int]]],
    starts: Sequence[datetime],
    step: timedelta,
    label: str,
    width: int = WIDE,
) -> Markup:
    """``rows``: country and counts; ``starts``: of the buckets, in the reader's zone.

    A country is compared with itself: its own busiest bucket is the darkest.
    """
    inner = width - _LEFT
    wide = inner / max(1, len(starts))
    parts = []
    for place, (country, cells) in enumerate(rows):
        y, most = _TOP + place * _TALL, max(cells, default=0)
        parts.append(
            element("text", country, class_="scale", x=_LEFT - 6, y=y + 13, text_anchor="end")
        )
        for number, count in enumerate(cells):
            title = element("title", f"{country} {starts[number]:%d.%m. %H:%M} · {count}")
            parts.append(
                element(
                    "rect",
                    title,
                    class_=f"heat-{depth(count, most)}",
                    x=_LEFT + number * wide,
                    y=y,
                    width=max(1.0, wide - 1),
                    height=_TALL - 2,
                )
            )
    if starts:
        length = (starts[-1] + step - starts[0]).total_seconds()
        form = "%H:%M" if step < timedelta(hours=3) else "%d.%m."
        for at in time_ticks(starts[0], starts[-1] + step, inner // _TICK):
            x = _LEFT + (at - starts[0]).total_seconds() / length * inner
            parts.append(element("text", f"{at:{form}}", class_="scale", x=x, y=_TOP - 6))
    return element(
        "svg",
        Markup("").join(parts),
        class_="presence",
        viewBox=f"0 0 {width} {_TOP + len(rows) * _TALL}",
        role="img",
        aria_label=label,
    )

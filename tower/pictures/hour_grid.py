"""The hours of the week: a row a day, a cell an hour, darker where more was said."""

import math
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from tower.pictures.shapes import element, group

CELL: Final = 20
NARROW: Final = 12
"""Width of a cell on a phone, pixels."""
_LEFT: Final = 34
_TOP: Final = 16
DEPTHS: Final = 6
"""``heat-0`` (none) to ``heat-5`` (the most)."""


def depth(count: int, most: int) -> int:
    """On a scale of square roots, so that few still show."""
    if count <= 0 or most <= 0:
        return 0
    return 1 + min(DEPTHS - 2, int(math.sqrt(count / most) * (DEPTHS - 1)))


def hour_grid(
    cells: Sequence[Sequence[int]], days: Sequence[str], label: str, wide: int = CELL
) -> Markup:
    """``cells``: seven days of 24 counts; ``days``: their names; ``wide``: pixels of a cell."""
    most = max((count for row in cells for count in row), default=0)
    parts = [_hours(wide)]
    for day, row in enumerate(cells):
        y = _TOP + day * CELL
        parts.append(
            element("text", days[day], class_="scale", x=_LEFT - 6, y=y + 14, text_anchor="end")
        )
        for hour, count in enumerate(row):
            title = element("title", f"{days[day]} {hour:02d}:00 · {count}")
            box = element(
                "rect",
                title,
                class_=f"heat-{depth(count, most)}",
                x=_LEFT + hour * wide,
                y=y,
                width=wide - 1,
                height=CELL - 1,
            )
            parts.append(box)
    width, height = _LEFT + 24 * wide, _TOP + 7 * CELL
    return element(
        "svg",
        Markup("").join(parts),
        class_="grid",
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
    )


def _hours(wide: int) -> Markup:
    return group(
        element(
            "text",
            f"{hour:02d}",
            class_="scale",
            x=_LEFT + hour * wide + wide / 2,
            y=11,
            text_anchor="middle",
        )
        for hour in range(0, 24, 3)
    )

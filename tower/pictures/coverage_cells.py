"""The states of a source over the window: a row of cells, and a longer line with its scale.

A state is a shape as well as a colour: heard is a full cell, late a half one, what was not heard a
quarter.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from markupsafe import Markup

from tower.pictures.shapes import element

_CELL: Final = 6.0
_TALL: Final = 14.0
_SHARE: Final = {"listening": 1.0, "late": 0.5, "away": 0.25, "blind": 0.25, "gap": 1.0}
_WIDE: Final = 900.0
_LINE: Final = 20.0
MAX_SPANS: Final = 500


def coverage_cells(states: Sequence[str | None], label: str) -> Markup:
    """One cell a step; None: nothing is known."""
    parts = []
    for number, state in enumerate(states):
        tall = _TALL * _SHARE.get(state or "", 0.1)
        parts.append(
            element(
                "rect",
                class_=f"cover {state or 'unknown'}",
                x=number * _CELL,
                y=_TALL - tall,
                width=_CELL - 1,
                height=tall,
            )
        )
    return element(
        "svg",
        Markup("").join(parts),
        class_="cells",
        viewBox=f"0 0 {len(states) * _CELL:g} {_TALL:g}",
        role="img",
        aria_label=label,
    )


def coverage_line(
    spans: Sequence[tuple[datetime, datetime, str, str]],
    since: datetime,
    until: datetime,
    label: str,
) -> Markup:
    """``spans``: from, to, state, and what is told of it to whoever points at it."""
    length = (until - since).total_seconds()
    parts = []
    for begin, end, state, told in spans[:MAX_SPANS]:
        begin, end = max(begin, since), min(end, until)
        if end <= begin:
            continue
        x = (begin - since).total_seconds() / length * _WIDE
        wide = max(1.0, (end - begin).total_seconds() / length * _WIDE)
        tall = _LINE * _SHARE.get(state, 0.1)
        parts.append(
            element(
                "rect",
                element("title", told),
                class_=f"cover {state}",
                x=x,
                y=_LINE - tall,
                width=wide,
                height=tall,
            )
        )
    return element(
        "svg",
        Markup("").join(parts),
        class_="coverage-line",
        viewBox=f"0 0 {_WIDE:g} {_LINE:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )

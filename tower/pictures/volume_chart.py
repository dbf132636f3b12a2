"""The volume over time: all mentions, distinct authors, without copies; the share of negatives.

Each bucket is a target for the crosshair: the page's script moves it with the pointer and with the
arrow keys, and reads the row of the same number in the table below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from tower.pictures.shapes import element, group, line_path, nice_top, steps_path, time_ticks
from tower.questions.sentiment_estimate import wilson

_LEFT: Final = 44
_TOP: Final = 8
_GAP: Final = 18
_SHARE: Final = 44
_AXIS: Final = 22
_BAND: Final = 6
MIN_IN_BUCKET: Final = 5
"""Scored mentions below which a bucket has no share."""
MAX_MARKS: Final = 100


@dataclass(frozen=True)
class Point:
    """One bucket of the picture."""

    mentions: int
    authors: int
    texts: int
    scored: int
    negative: int


@dataclass(frozen=True)
class Mark:
    """A span on the time axis: an alert (``severity`` 1 to 5), or a gap in what is heard (0)."""

    since: datetime
    until: datetime
    severity: int
    label: str
    href: str | None = None


@dataclass(frozen=True)
class VolumePicture:
    """What the picture shows; ``usual``: counts of the window before, or empty."""

    since: datetime
    until: datetime
    points: Sequence[Point]
    usual: Sequence[int]
    marks: Sequence[Mark]
    time_zone: str
    label: str
    """For those who do not see it."""


def volume_chart(picture: VolumePicture, width: int, height: int) -> Markup:
    inner = width - _LEFT
    tall = height - _TOP - _GAP - _SHARE - _AXIS
    top = nice_top(max([*(point.mentions for point in picture.points), *picture.usual, 1]))
    scale = tall / top
    parts = [
        _marks(picture, inner, tall),
        _grid(top, inner, tall),
        *_areas(picture, inner, tall, scale),
        _shares(picture, inner, tall),
        _axis(picture, inner, tall),
        element("line", class_="cross", x1=0, x2=0, y1=0, y2=tall + _GAP + _SHARE, hidden="hidden"),
    ]
    body = group(parts, transform=f"translate({_LEFT} {_TOP})")
    return element(
        "svg",
        body,
        class_="volume",
        viewBox=f"0 0 {width} {height}",
        role="group",  # an image must not hold the links of the marks
        aria_label=picture.label,
        data_left=_LEFT,
        data_wide=inner,
        data_count=len(picture.points),
    )


def _areas(picture: VolumePicture, inner: int, tall: int, scale: float) -> list[Markup]:
    layers = (
        ("all", [point.mentions for point in picture.points]),
        ("authors", [point.authors for point in picture.points]),
        ("texts", [point.texts for point in picture.points]),
    )
    areas = [
        element("path", class_=f"area {name}", d=steps_path(values, inner, tall, scale))
        for name, values in layers
    ]
    if picture.usual:
        # The last bucket is not full yet.
        path = line_path([*picture.usual[:-1], None], inner, tall, scale)
        areas.append(element("path", class_="usual", d=path))
    return areas


def _grid(top: float, inner: int, tall: int) -> Markup:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1) if top >= 4 else (0, 1):
        y = tall * (1 - share)
        parts.append(element("line", class_="rule", x1=0, x2=inner, y1=y, y2=y))
        text = f"{top * share:g}"
        parts.append(element("text", text, class_="scale", x=-6, y=y + 4, text_anchor="end"))
    return group(parts)


def _shares(picture: VolumePicture, inner: int, tall: int) -> Markup:
    """Wilson's interval of each bucket's negatives: sampling alone, as marks are small."""
    base = tall + _GAP + _SHARE
    wide = inner / max(1, len(picture.points))
    parts = [
        element("line", class_="rule", x1=0, x2=inner, y1=base, y2=base),
        element("line", class_="rule", x1=0, x2=inner, y1=base - _SHARE, y2=base - _SHARE),
        element("text", "100 %", class_="scale", x=-6, y=base - _SHARE + 4, text_anchor="end"),
        element("text", "0", class_="scale", x=-6, y=base + 4, text_anchor="end"),
    ]
    for place, point in enumerate(picture.points):
        if point.scored < MIN_IN_BUCKET:
            continue
        low, high = wilson(point.negative, point.scored)
        x, thick = place * wide, max(1.0, wide - 1)
        y = base - high * _SHARE
        tall_ = max(1.0, (high - low) * _SHARE)
        parts.append(element("rect", class_="interval", x=x, y=y, width=thick, height=tall_))
        middle = base - point.negative / point.scored * _SHARE
        parts.append(element("line", class_="share", x1=x, x2=x + thick, y1=middle, y2=middle))
    return group(parts)


def _marks(picture: VolumePicture, inner: int, tall: int) -> Markup:
    length = (picture.until - picture.since).total_seconds()
    parts = []
    for mark in picture.marks[:MAX_MARKS]:
        since, until = max(mark.since, picture.since), min(mark.until, picture.until)
        if until <= since:
            continue
        x = (since - picture.since).total_seconds() / length * inner
        wide = max(2.0, (until - since).total_seconds() / length * inner)
        # What was not heard is a band on top: one small source must not cover the whole.
        kind, height = (
            (f"alarm severity-{mark.severity}", tall + _GAP + _SHARE)
            if mark.severity
            else ("gap", _BAND)
        )
        box = element("rect", class_=kind, x=x, y=0, width=wide, height=height)
        title = element("title", mark.label)
        shown = Markup("").join((title, box))
        parts.append(element("a", shown, href=mark.href) if mark.href else group([shown]))
    return group(parts)


def _axis(picture: VolumePicture, inner: int, tall: int) -> Markup:
    zone = ZoneInfo(picture.time_zone)
    since, until = picture.since.astimezone(zone), picture.until.astimezone(zone)
    length = (picture.until - picture.since).total_seconds()
    y = tall + _GAP + _SHARE + 16
    parts = []
    days = length > 2.5 * 86_400
    for at in time_ticks(since, until, max(2, inner // 90)):
        x = (at - since).total_seconds() / length * inner
        text = f"{at:%d.%m.}" if days else f"{at:%H:%M}"
        anchor = "start" if x < 20 else "end" if x > inner - 20 else "middle"
        parts.append(element("text", text, class_="scale", x=x, y=y, text_anchor=anchor))
    return group(parts)

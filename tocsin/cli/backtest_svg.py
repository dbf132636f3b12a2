"""A back-test as SVG: mentions, the share of negatives, and alerts by severity.

One file without script, style sheet or font, as wide as the page. What happened in an alert is the
tooltip of its bar, which links to its first post.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Final

from processors.detector.backtest import BacktestAlert
from schemas.activity import Activity
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.post_texts import Published
from sinks.alerts.message.report import link, title
from text.terminal import single_line
from tocsin.cli.output import counted
from tocsin.offline.backtest_posts import gravest

_WIDTH, _HEIGHT = 1200, 458
_LEFT, _RIGHT, _TOP = 70, 1130, 64
_BOTTOM = 330
"""Bottom of the plot; below are the hours, the alerts' bars and the legend."""
_MAX_BUCKETS: Final = 240
_BUCKETS: Final = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 180, 360, 720, 1440, 10080)
)
_TICKS: Final = tuple(
    timedelta(hours=hours) for hours in (0.25, 0.5, 1, 3, 6, 12, 24, 48, 168, 720)
)
_MAX_TICKS: Final = 12
_MIN_SCORED: Final = 5
"""Minimum of mentions with a sentiment for a share of negatives."""
COLOURS: Final = {1: "#f2d06b", 2: "#f0a63c", 3: "#e5702e", 4: "#cf3a2c", 5: "#8c1230"}
"""By severity, from light to dark: readable without colours too."""
_LANES: Final = 3
_LETTER: Final = 6.0
"""Width of a letter in the labels of alerts."""
_MAX_LETTERS: Final = 200
_MAX_LABEL: Final = 60
_MAX_TEXTS: Final = 2
_NOT_XML: Final = dict.fromkeys((0xFFFE, 0xFFFF))
_BARS, _SHARE, _INK, _GRID = "#9db4c8", "#7a3f9d", "#333", "#e4e4e4"


@dataclass(slots=True)
class Bucket:
    mentions: int = 0
    scored: int = 0
    negative: int = 0


@dataclass(frozen=True, slots=True)
class Scale:
    first: datetime
    end: datetime
    top: int

    def x(self, at: datetime) -> float:
        share = (at - self.first) / (self.end - self.first)
        return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)

    def y(self, count: float) -> float:
        return _BOTTOM - count / self.top * (_BOTTOM - _TOP)


def chart_svg(
    brand: str,
    records: Sequence[Activity],
    alerts: Sequence[BacktestAlert],
    told: Mapping[str, Published] | None = None,
) -> str:
    """``told``: what the alerts are about and their posts, by the id of the alert."""
    told = told or {}
    first, last = min(r.at for r in records), max(r.at for r in records)
    step = next((s for s in _BUCKETS if (last - first) / s < _MAX_BUCKETS), _BUCKETS[-1])
    buckets = _buckets(records, step)
    top = _round_up(max(bucket.mentions for bucket in buckets.values()))
    scale = Scale(min(buckets), max(buckets) + step, top)
    heading = (
        f"{brand}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC: "
        f"{counted(len(alerts), 'alert')}"
    )
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}" role="img">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f"<title>{_escaped(heading)}</title>",
        _text(_LEFT, 26, heading, 'font-size="17" font-weight="bold"'),
        *_spans(alerts, scale, told),
        *_grid(scale),
        _bars(buckets, step, scale),
        _share(buckets, step, scale),
        *_lanes(alerts, scale, told),
        *_legend(step),
        "</svg>",
    ]
    return "\n".join(elements) + "\n"


def _buckets(records: Sequence[Activity], step: timedelta) -> dict[datetime, Bucket]:
    """Counts by the beginning of their step since 1970."""
    buckets: dict[datetime, Bucket] = {}
    width = step.total_seconds()
    for record in records:
        start = datetime.fromtimestamp(record.at.timestamp() // width * width, UTC)
        bucket = buckets.setdefault(start, Bucket())
        bucket.mentions += 1
        bucket.scored += record.sentiment is not None
        bucket.negative += record.sentiment == "negative"
    return buckets


def _round_up(count: int) -> int:
    power = 1
    while count > 40 * power:
        power *= 10
    return next(end * power for end in (4, 8, 12, 20, 40) if count <= end * power)


def _spans(
    alerts: Sequence[BacktestAlert], scale: Scale, told: Mapping[str, Published]
) -> Iterator[str]:
    for alert in alerts:
        left, width = _extent(alert, scale)
        height, colour = _BOTTOM - _TOP, COLOURS[alert.severity]
        area = _rect(left, _TOP, width, height, colour, 'opacity="0.22"')
        yield f"<g><title>{_tooltip(alert, told.get(alert.id))}</title>{area}</g>"


def _grid(scale: Scale) -> Iterator[str]:
    for quarter in range(5):
        count = scale.top * quarter // 4
        y = scale.y(count)
        yield f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="{_GRID}"/>'
        yield _text(_LEFT - 8, y + 4, f"{count:,}", 'text-anchor="end"')
        yield _text(_RIGHT + 8, y + 4, f"{25 * quarter}%", f'fill="{_SHARE}"')
    yield _text(_LEFT, _TOP - 12, "mentions")
    yield _text(_RIGHT, _TOP - 12, "negative", f'text-anchor="end" fill="{_SHARE}"')
    length = scale.end - scale.first
    step = next((tick for tick in _TICKS if length / tick <= _MAX_TICKS), _TICKS[-1])
    width = step.total_seconds()
    at = -(-scale.first.timestamp() // width) * width
    while at <= scale.end.timestamp():
        when = datetime.fromtimestamp(at, UTC)
        x = scale.x(when)
        is_day = step >= timedelta(days=1) or (when.hour, when.minute) == (0, 0)
        label = f"{when:%m-%d}" if is_day else f"{when:%H:%M}"
        yield f'<path d="M{x:.1f} {_BOTTOM}v5" stroke="{_INK}"/>'
        yield _text(x, _BOTTOM + 19, label, 'text-anchor="middle"')
        at += width


def _bars(buckets: dict[datetime, Bucket], step: timedelta, scale: Scale) -> str:
    """One path for all bars: a month takes a few kilobytes."""
    path = "".join(
        f"M{scale.x(start):.1f} {_BOTTOM}V{scale.y(bucket.mentions):.1f}"
        f"H{scale.x(start + step):.1f}V{_BOTTOM}z"
        for start, bucket in sorted(buckets.items())
    )
    return f'<path d="{path}" fill="{_BARS}" opacity="0.85"/>'


def _share(buckets: dict[datetime, Bucket], step: timedelta, scale: Scale) -> str:
    """The share of negatives as a line, with gaps where too few mentions have a sentiment."""
    path, previous = "", None
    for start, bucket in sorted(buckets.items()):
        if bucket.scored >= _MIN_SCORED:
            y = scale.y(scale.top * bucket.negative / bucket.scored)
            path += (
                f"{'L' if previous == start - step else 'M'}{scale.x(start + step / 2):.1f} {y:.1f}"
            )
            previous = start
    return (
        f'<path d="{path}" fill="none" stroke="{_SHARE}" stroke-width="1.5" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _lanes(
    alerts: Sequence[BacktestAlert], scale: Scale, told: Mapping[str, Published]
) -> Iterator[str]:
    """A bar for each alert, labelled by its severity and what it is about where there is room.

    Alerts without room share the last lane.
    """
    taken = [0.0] * _LANES
    for alert in alerts:
        left, width = _extent(alert, scale)
        published = told.get(alert.id)
        label = _label(alert, published)
        room = _LETTER * len(label) + 10
        is_right = left + width + room <= _WIDTH
        begins, ends = (left, left + width + room) if is_right else (left - room, left + width)
        lane = next((lane for lane in range(_LANES) if taken[lane] <= begins), _LANES)
        y = _BOTTOM + 30 + 18 * lane
        bar = _rect(left, y, width, 12, COLOURS[alert.severity])
        shapes = f"<title>{_tooltip(alert, published)}</title>{bar}"
        if lane < _LANES:
            taken[lane] = ends
            x, anchor = (left + width + 5, "start") if is_right else (left - 5, "end")
            shapes += _text(x, y + 10, label, f'font-size="10" text-anchor="{anchor}"')
        yield _linked(shapes, alert)


def _linked(shapes: str, alert: BacktestAlert) -> str:
    """The shapes of an alert, as a link to its first post if that has a safe address."""
    shown = gravest(alert).evidence.shown if alert.states else []
    url = next((safe for post in shown if (safe := link(post.url)) is not None), None)
    if url is None:
        return f"<g>{shapes}</g>"
    return f'<a href="{escape(url)}" target="_blank" rel="noreferrer">{shapes}</a>'


def _label(alert: BacktestAlert, published: Published | None) -> str:
    """``4 · #velmoradown, panne``; the id if nothing is known of it."""
    words = ", ".join(published.about[:3]) if published is not None else ""
    return single_line(f"{alert.severity} · {words or alert.id}", _MAX_LABEL)


def _tooltip(alert: BacktestAlert, published: Published | None) -> str:
    """A line each: when and how grave, the title, what it is about, and its first texts."""
    end = f"{alert.closed_at:%m-%d %H:%M}" if alert.closed_at else "the end"
    lines = [
        f"{alert.id}: severity {alert.severity}, {alert.opened_at:%Y-%m-%d %H:%M} UTC to {end}",
        *(title(state, Style()) for state in alert.states[:1]),
    ]
    if published is not None:
        lines += ["about " + ", ".join(published.about)] if published.about else []
        posts = list(published.posts.values())[:_MAX_TEXTS]
        lines += [f"{post.author}: {post.text}" for post in posts]
    return "\n".join(map(_escaped, lines))


def _extent(alert: BacktestAlert, scale: Scale) -> tuple[float, float]:
    left = scale.x(alert.opened_at)
    right = scale.x(alert.closed_at) if alert.closed_at else float(_RIGHT)
    return left, max(right - left, 2.0)


def _legend(step: timedelta) -> Iterator[str]:
    y = _HEIGHT - 12
    minutes = int(step.total_seconds()) // 60
    length = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"
    yield _rect(_LEFT, y - 10, 12, 12, _BARS)
    yield _text(_LEFT + 18, y, f"mentions in {length}")
    yield f'<path d="M{_LEFT + 150} {y - 4}h18" stroke="{_SHARE}" stroke-width="2"/>'
    yield _text(_LEFT + 174, y, "share of negatives")
    for severity, colour in COLOURS.items():
        x = _LEFT + 330 + 90 * (severity - 1)
        yield _rect(x, y - 10, 12, 12, colour)
        yield _text(x + 18, y, f"severity {severity}")


def _escaped(text: str) -> str:
    """Text for XML, without the two characters that XML excludes."""
    return escape(single_line(text, _MAX_LETTERS).translate(_NOT_XML))


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    opening = f'<text x="{x:.1f}" y="{y:.1f}" {attributes}'.rstrip()
    return f"{opening}>{_escaped(text)}</text>"


def _rect(x: float, y: float, width: float, height: float, fill: str, attributes: str = "") -> str:
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {box} fill="{fill}" {attributes}'.rstrip() + "/>"

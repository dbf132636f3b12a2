"""A back-test for people: the chart, a block an alert with its posts, and what a policy changes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from processors.detector.backtest import BacktestAlert, Difference
from processors.detector.silence import Silence
from schemas.activity import Activity
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.post_texts import Published
from sinks.alerts.message.render import BREAK, Line, Span
from sinks.alerts.message.report import post_lines, title
from text.terminal import single_line, sparkline
from tocsin.cli.output import counted
from tocsin.offline.backtest_posts import gravest

_WIDTH = 72
"""Columns of the chart."""
_BLIND = "?"
"""Marks the columns in which a source delivered nothing."""
_MAX_POSTS = 3
"""Posts of one alert for people: the first one, and those that most people saw."""
_MAX_TERM = 80
_STYLE = Style()


def chart(
    records: Sequence[Activity], alerts: Sequence[BacktestAlert], silences: Sequence[Silence] = ()
) -> list[str]:
    """Mentions over time as bars, then severities of alerts, then blind times if any."""
    first, last = records[0].at, max(record.at for record in records)
    step = (last - first) / _WIDTH

    def column(at: datetime) -> int:
        return min(max(int((at - first) / step), 0), _WIDTH - 1) if step else 0

    def mark(row: list[str], begin: datetime, end: datetime | None, text: str) -> None:
        for at in range(column(begin), column(end or last) + 1):
            row[at] = max(row[at], text)

    counts = [0] * _WIDTH
    for record in records:
        counts[column(record.at)] += 1
    severities, blind = [" "] * _WIDTH, [" "] * _WIDTH
    for alert in alerts:
        mark(severities, alert.opened_at, alert.closed_at, str(alert.severity))
    for silence in silences:
        mark(blind, silence.since, silence.until, _BLIND)
    top, minutes = max(counts), step.total_seconds() / 60
    return [
        sparkline(counts, top),
        "".join(severities).rstrip() or "no alert",
        *(["".join(blind).rstrip()] if silences else []),
        f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, {minutes:.0f} minutes a column, "
        f"{counted(top, 'mention')} in the highest",
    ]


def alert_lines(alert: BacktestAlert, published: Published | None) -> Iterator[Line]:
    """The alert, what it is about, and its posts as far as their texts are known."""
    yield (Span(_sentence(alert)), *_about(published))
    if published is not None:
        shown = [post for post in gravest(alert).evidence.shown if post.id in published.posts]
        yield from post_lines(shown[:_MAX_POSTS], _STYLE, published)


def _about(published: Published | None) -> Iterator[Span]:
    if published is not None and published.about:
        words = ", ".join(single_line(word, _MAX_TERM) for word in published.about)
        name = "about" if published.basis == "about" else "negative posts say"
        yield BREAK
        yield Span(f"{name}: {words}")


def _sentence(alert: BacktestAlert) -> str:
    """``2026-03-02 18:04 UTC to 03-02 19:40  severity 4  540 mentions in 30 minutes, ...``."""
    end = f"{alert.closed_at:%m-%d %H:%M}" if alert.closed_at else "the end"
    # The title without the brand, which is the same on each line.
    facts = title(alert.states[0], _STYLE).partition(": ")[2] if alert.states else ""
    return f"{alert.opened_at:%Y-%m-%d %H:%M} UTC to {end}  severity {alert.severity}  {facts}"


def blind_line(silence: Silence) -> str:
    end = f"until {silence.until:%m-%d %H:%M}" if silence.until else "to the end"
    return (
        f"{_BLIND} {silence.source} blind since {silence.since:%Y-%m-%d %H:%M} UTC, {end}; "
        "alerts may be missing there"
    )


def difference_lines(
    before: Sequence[BacktestAlert],
    after: Sequence[BacktestAlert],
    difference: Difference,
    length: timedelta,
) -> Iterator[str]:
    """A summary, then a line for each alert that the other policy adds, loses or changes."""
    changes = _changes(difference)
    if not changes:
        yield "the other policy changes nothing"
        return
    days = length.total_seconds() / 86_400
    rates = f", {len(before) / days:.1f} → {len(after) / days:.1f} a day" if days else ""
    yield f"{counted(len(before), 'alert')} → {len(after)}{rates} with the other policy"
    yield from changes


def _changes(difference: Difference) -> list[str]:
    lines = [f"- {_sentence(alert)}" for alert in difference.only_before]
    lines += [f"+ {_sentence(alert)}" for alert in difference.only_after]
    for before, after in difference.changed:
        lines += [f"~ {_sentence(before)}", f"  {_sentence(after)}"]
    return lines


def changes_of(
    difference: Difference,
) -> Mapping[int, str]:
    """``only_first``, ``only_other`` or ``changed`` by the identity of an alert."""
    named = {id(alert): "only_first" for alert in difference.only_before}
    named |= {id(alert): "only_other" for alert in difference.only_after}
    for pair in difference.changed:
        named |= {id(alert): "changed" for alert in pair}
    return named

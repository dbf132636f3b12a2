"""The demo's summary as text of at most 80 columns; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from processors.detector.backtest import BacktestAlert
from queries.matching.document import MatchedSpan
from runtime.kafka.topic_stats import TopicLag
from schemas.alert import Alert
from schemas.mention import Mention
from schemas.types import Tier
from text.terminal import printable, single_line, sparkline
from tocsin.cli.demo_summary import AuthorFigures, BrandFigures, Summary, WorstHour
from tocsin.cli.highlight import marked, starred
from tocsin.cli.output import counted

COLUMNS: Final = 80
_CHART: Final = 48
"""Most bars of a chart; longer periods are summed to fit."""
_EXCERPT: Final = 200
_TIERS: Final[dict[str, str]] = {
    "accurate": "the accurate tier (the encoder)",
    "fast": "the fast tier (no encoder)",
}


def print_summary(out: Console, summary: Summary, zone: tzinfo | None) -> None:
    """The figures of all brands; times in ``zone`` (None: this machine's)."""
    out.print(_brand_table(summary.brands))
    out.print()
    _print_hours(out, summary.brands, zone)
    out.print()
    for brand in summary.brands[:5]:
        out.print(Text(brand.brand, "bold"))
        _indented(out, f"named with it: {_listed(brand.entities)}")
        _indented(out, f"negative mentions are about: {_listed(brand.reasons)}")
    out.print()
    _print_authors(out, "Loudest: most mentions", summary.loudest, loud=True)
    _print_authors(out, "Widest reach: most followers", summary.widest, loud=False)
    if summary.worst is not None:
        _print_worst(out, summary.worst, zone)


def print_alerts(
    out: Console,
    alerts: Sequence[BacktestAlert],
    posts: Sequence[Sequence[Mention]],
    zone: tzinfo | None,
) -> None:
    """Each alert with its worst state and the ``posts`` that illustrate it."""
    states = sum(len(alert.states) for alert in alerts)
    out.print()
    out.print(Text(f"{counted(len(alerts), 'alert')} of that day", "bold"))
    for alert, shown in zip(alerts, posts, strict=True):
        worst = worst_state(alert)
        terms = ", ".join(lift.term for lift in worst.evidence.lifted[:4])
        about = f" ({terms})" if terms else ""
        moment = _clock(alert.opened_at, zone)
        _indented(out, f"{moment} severity {alert.severity}  {worst.title}{about}")
        for mention in shown:
            _print_post(out, mention)
    if alerts:
        _indented(
            out,
            "The detector read the index in the order of time, as it reads the live stream, and "
            f"wrote {counted(states, 'state')} (open, update, close) of "
            f"{counted(len(alerts), 'alert')}.",
        )


def worst_state(alert: BacktestAlert) -> Alert:
    """The first of its most severe states."""
    return max(alert.states, key=lambda state: state.severity)


def shown_ids(alert: BacktestAlert) -> list[str]:
    """Ids of the posts that illustrate the worst state, once each."""
    return list(dict.fromkeys(post.id for post in worst_state(alert).evidence.shown))


def counts_text(summary: Summary, flow: TopicLag, posts: int | None, tier: Tier) -> list[str]:
    """How many of what there are, and why the numbers differ; ``posts``: generated ones."""
    written = flow.written
    events, letters = written.get("posts", 0), written.get("dead-letters", 0)
    which = (
        "a post, each edit and its delete are one event each"
        if posts is None
        else f"{posts:,} posts, and their edits and deletes"
    )
    lines = [
        f"Read: {events:,} post events ({which}).",
        f"Written: {written.get('mentions', 0):,} mention events: the posts that name a brand, and "
        "all edits and deletes.",
        f"Found: {summary.mentions:,} mentions: an edit replaces its post, a delete removes it.",
    ]
    if letters:
        lines.append(
            f"{counted(letters, 'dead letter')}: what could not be read; "
            "'tocsin dead-letters list' shows why."
        )
    return [*lines, tiers_text(summary, tier)]


def tiers_text(summary: Summary, tier: Tier) -> str:
    """Which models read the mentions, with the share of each tier; ``tier``: the pinned one."""
    counts = summary.tiers or {tier: summary.mentions}  # the fast tier alone does not sign
    shares = [
        f"{_TIERS[name]} read {count / sum(counts.values()):.0%} of the mentions"
        for name, count in sorted(counts.items())
    ]
    return (
        f"Models: {' and '.join(shares)}. The tier is pinned, so the same seed gives the same "
        "figures, but for rounding, on every machine."
    )


def _brand_table(brands: Sequence[BrandFigures]) -> RenderableType:
    table = Table(title="Mentions by brand", title_justify="left", show_edge=False)
    for column in ("brand", "mentions", "negative", "positive", "mean sentiment"):
        table.add_column(column, justify="left" if column == "brand" else "right", no_wrap=True)
    for brand in brands:
        table.add_row(
            single_line(brand.brand, 24),
            f"{brand.mentions:,}",
            f"{brand.negative / brand.mentions:.0%}",
            f"{brand.positive / brand.mentions:.0%}",
            "" if brand.mean is None else f"{brand.mean:+.2f}",
        )
    return table


def _print_hours(out: Console, brands: Sequence[BrandFigures], zone: tzinfo | None) -> None:
    starts = [start for brand in brands for start in brand.hours]
    if not starts:
        return
    first, last = min(starts), max(starts)
    hours = [
        first + timedelta(hours=n) for n in range(int((last - first) / timedelta(hours=1)) + 1)
    ]
    step = max(1, -(-len(hours) // _CHART))
    groups = [hours[at : at + step] for at in range(0, len(hours), step)]
    name = _zone_name(first, zone)
    each = "an hour" if step == 1 else f"{step} hours"
    out.print(Text(f"By time: a bar is {each}, from {_stamp(first, zone)} {name}", "italic"))
    width = max(len(single_line(brand.brand, 24)) for brand in brands)
    pad = " " * (width + 2)
    titles = f"{'mentions':<{len(groups) + 3}}negative share (a full bar is 100 %)"
    wide = width + 2 * len(groups) + 7 <= COLUMNS
    out.print(Text(pad + (titles if wide else "mentions"), "dim"))
    for brand in brands:
        counts = [sum(brand.hours.get(hour, (0, 0))[0] for hour in group) for group in groups]
        bad = [sum(brand.hours.get(hour, (0, 0))[1] for hour in group) for group in groups]
        shares = [round(100 * b / n) if n else 0 for n, b in zip(counts, bad, strict=True)]
        line = f"{single_line(brand.brand, 24):<{width}}  {sparkline(counts, max(counts) or 1)}"
        out.print(Text(line + (f"   {sparkline(shares, 100)}" if wide else "")))
    axis = hour_axis([group[0] for group in groups], step, zone)
    out.print(Text(pad + axis + (f"   {axis}" if wide else "").rstrip(), "dim"))


def hour_axis(starts: Sequence[datetime], step: int, zone: tzinfo | None) -> str:
    """A label under every sixth bar: the hour, or the day of the month where a bar is longer."""
    axis = [" "] * len(starts)
    for at in range(0, len(starts), 6):
        local = starts[at].astimezone(zone)
        label = f"{local:%H}" if step == 1 else f"{local:%d}"
        axis[at : at + len(label)] = label[: len(axis) - at]
    return "".join(axis)


def _print_authors(
    out: Console, title: str, authors: Sequence[AuthorFigures], *, loud: bool
) -> None:
    if not authors:
        return
    out.print(Text(title, "italic"))
    for author in authors:
        count = counted(author.mentions, "mention")
        if not loud:
            count = counted(author.followers, "follower")
        name = single_line(author.name, 36)
        line = f"{count:>19}  {name} on {author.source}: {', '.join(author.brands)}"
        out.print(Text(single_line_keep(line)))


def single_line_keep(line: str) -> str:
    """A line of our own making, cut to the screen; its leading spaces stay."""
    return line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…"


def _print_worst(out: Console, worst: WorstHour, zone: tzinfo | None) -> None:
    out.print()
    out.print(
        Text(
            f"The worst hour: {worst.brand}, {_stamp(worst.start, zone)} "
            f"{_zone_name(worst.start, zone)}, {worst.negative:,} negative of "
            f"{worst.mentions:,} mentions",
            "italic",
        )
    )
    for mention in worst.posts:
        _print_post(out, mention)


def _print_post(out: Console, mention: Mention) -> None:
    spans = [
        MatchedSpan(match.field, match.start, match.end)
        for brand in mention.brands
        for match in brand.matches
        if match.start is not None and match.end is not None
    ]
    text = marked(mention.post.text, spans, max_length=_EXCERPT)
    if not out.is_terminal:
        text = starred(text)
    score = "" if mention.sentiment is None else f"{mention.sentiment.score:+.2f} "
    line = Text.assemble((printable(f"{score}[{mention.post.source}] "), "dim"), text)
    out.print(Padding(line, (0, 0, 0, 4)))


def _indented(out: Console, text: str) -> None:
    out.print(Padding(Text(text), (0, 0, 0, 2)))


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{single_line(name, 40)} ({count:,})" for name, count in counts) or "nothing"


def _clock(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def _stamp(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _zone_name(moment: datetime, zone: tzinfo | None) -> str:
    return moment.astimezone(zone).tzname() or "local time"

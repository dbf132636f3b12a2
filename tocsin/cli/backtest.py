"""``tocsin backtest``: which alerts would have fired, and what another policy would change."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from msgspec.structs import replace

from brands.brands_file import load_brands
from processors.detector.backtest import BacktestAlert, Difference, backtest_alerts, compare, replay
from processors.detector.coverage import Listening, Silence, heard_at
from processors.enrichment.activity_records import activity_of
from runtime.settings import ElasticsearchSettings, load
from schemas.activity import Activity
from schemas.brand import Brand
from schemas.codec import ACTIVITY, ALERT, MENTION_EVENT
from schemas.errors import ConfigurationError, InvalidMessage
from schemas.mention import MentionUpsert
from text.terminal import sparkline
from tocsin.cli.backtest_svg import chart_svg
from tocsin.cli.output import result, say
from tocsin.offline.post_reader import open_posts

_WIDTH = 72
"""Columns of the chart."""
_BLIND = "?"
"""Marks the columns in which a source was blind."""


def _time(written: str | None, name: str) -> datetime | None:
    """A day or a time; UTC where no offset is written."""
    if written is None:
        return None
    try:
        if len(written) == len("2026-01-02"):
            return datetime.combine(date.fromisoformat(written), time(), UTC)
        at = datetime.fromisoformat(written)
    except ValueError:
        raise ConfigurationError(
            f"--{name} is {written!r}; write a day or a time, such as 2026-03-02T12:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def records_of(stream: BinaryIO) -> Iterator[Activity]:
    """Records of all brands, from lines of mention events or of activity."""
    for number, line in enumerate(stream, 1):
        if line.isspace():
            continue
        try:
            if b'"op"' in line:
                event = MENTION_EVENT.decode(line)
                if isinstance(event, MentionUpsert):
                    yield from activity_of(event.version, event.ingested_at, event.mention)
            else:
                yield ACTIVITY.decode(line)
        except InvalidMessage as error:
            raise ConfigurationError(
                f"line {number} is neither a mention event nor a record of activity "
                f"({error.detail}); make such lines with 'tocsin annotate --events --brands FILE'"
            ) from None


def _of_index(brand: str, first: datetime | None, end: datetime | None) -> Iterator[Activity]:
    from tocsin.offline.activity_history import records_of_index

    if first is None or end is None:
        raise ConfigurationError("say --from and --to, or give a file")
    yield from records_of_index(load(ElasticsearchSettings), brand, first, end)


def _brand(name: str, file: Path | None) -> Brand:
    if file is None:
        return Brand(id=name, name=name)
    for brand in load_brands(file):
        if brand.id == name:
            return brand
    raise ConfigurationError(f"{file} has no brand {name}")


def chart(
    records: Sequence[Activity], alerts: Sequence[BacktestAlert], silences: Sequence[Silence] = ()
) -> list[str]:
    """Mentions over time as bars, alerts under them by their severity, then blind times if any."""
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
        f"{top} mentions in the highest",
    ]


def _line(alert: BacktestAlert) -> str:
    end = f"{alert.closed_at:%m-%d %H:%M}" if alert.closed_at else "open"
    first = alert.states[0]
    terms = ", ".join(lift.term for lift in first.evidence.lifted[:5])
    return (
        f"{alert.opened_at:%Y-%m-%d %H:%M} to {end}  severity {alert.severity}  "
        f"{first.title.partition(': ')[2]}; {terms}"
    ).rstrip("; ")


def _blind_line(silence: Silence) -> str:
    end = f"until {silence.until:%m-%d %H:%M}" if silence.until else "to the end"
    return (
        f"{_BLIND} {silence.source} blind since {silence.since:%Y-%m-%d %H:%M} UTC, {end}; "
        "quiet may not be calm"
    )


def _differences(difference: Difference) -> Iterator[str]:
    yield from (f"- {_line(alert)}" for alert in difference.only_before)
    yield from (f"+ {_line(alert)}" for alert in difference.only_after)
    for before, after in difference.changed:
        yield f"~ {_line(before)}"
        yield f"  {_line(after)}"


def backtest(
    brand: Annotated[str, typer.Option(help="Id of the brand.")],
    file: Annotated[
        Path | None,
        typer.Argument(help="Mention events or activity, JSON lines; the index if not given."),
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Day or time; included.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Day or time; not included.")] = None,
    brands: Annotated[
        Path | None, typer.Option(help="Brands file with the policy; the usual one if not given.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Brands file with another policy, to compare.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="Also draw it, to this SVG file.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Write every state of every alert, a line each.")
    ] = False,
) -> None:
    """Run the past through the detector of the stream: when alerts would have fired.

    A time in which a source that usually speaks was silent is marked with ? and told: it may not
    have been calm. With --policy the alerts of both policies are compared: - is of the first alone,
    + of the other one alone, ~ is told otherwise.

    Example: `tocsin backtest --brand velmora --from 2026-03-01 --to 2026-03-08`
    """
    first, end = _time(since, "from"), _time(until, "to")
    chosen = _brand(brand, brands)
    listening = Listening()
    records = list(_read(file, brand, first, end, listening))
    if not records:
        say(f"nothing is said of {brand} there")
        sys.exit(1)
    states = replay(records, [chosen])
    if json:
        for state in states:
            result(ALERT.encode(state).decode())
        return
    alerts = backtest_alerts(states)
    if svg is not None:
        _draw(svg, chart_svg(chosen.name, records, alerts))
    silences = listening.silences(max(map(heard_at, records)))
    lines = [
        *chart(records, alerts, silences),
        "",
        *map(_blind_line, silences),
        *map(_line, alerts),
    ]
    for line in lines:
        result(line)
    days = (max(r.at for r in records) - records[0].at).total_seconds() / 86_400
    say(
        f"{len(alerts)} alert{'s' * (len(alerts) != 1)} in {days:.1f} days, {len(records)} mentions"
    )
    if policy is not None:
        other = replace(chosen, alerts=_brand(brand, policy).alerts)
        difference = compare(alerts, backtest_alerts(replay(records, [other])))
        for line in ("", *(list(_differences(difference)) or ["the other policy changes nothing"])):
            result(line)


def _draw(file: Path, picture: str) -> None:
    try:
        file.write_text(picture, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None


def _read(
    file: Path | None,
    brand: str,
    first: datetime | None,
    end: datetime | None,
    listening: Listening,
) -> Iterator[Activity]:
    """A brand's records; of a file, the other brands' tell with them which sources were heard."""
    for record in _of_index(brand, first, end) if file is None else _of_file(file, first, end):
        listening.take(record)
        if record.brand == brand:
            yield record


def _of_file(file: Path, first: datetime | None, end: datetime | None) -> Iterator[Activity]:
    with open_posts(None if str(file) == "-" else file) as stream:
        for record in records_of(stream):
            if (first is None or record.at >= first) and (end is None or record.at < end):
                yield record

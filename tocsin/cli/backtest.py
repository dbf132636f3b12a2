"""``tocsin backtest``: which alerts the detector would have raised, and under another policy."""

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
from tocsin.cli.output import counted, result, say
from tocsin.cli.query_options import EncodingOption, MappingOption, SourceOption
from tocsin.offline.activity_history import records_of_index
from tocsin.offline.past_events import past_events

_WIDTH = 72
"""Columns of the chart."""
_BLIND = "?"
"""Marks the columns in which a source delivered nothing."""


def _time(written: str | None, name: str) -> datetime | None:
    """A day or a time; the default zone is UTC."""
    if written is None:
        return None
    try:
        if len(written) == len("2026-01-02"):
            return datetime.combine(date.fromisoformat(written), time(), UTC)
        at = datetime.fromisoformat(written)
    except ValueError:
        raise ConfigurationError(
            f"--{name} is {written!r}; it must be a day or a time, such as 2026-03-02T12:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def records_of(stream: BinaryIO) -> Iterator[Activity]:
    with stream:
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
                    f"({error.detail}); use 'tocsin annotate --events --brands FILE'"
                ) from None


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
        "alerts may be missing there"
    )


def _differences(difference: Difference) -> Iterator[str]:
    yield from (f"- {_line(alert)}" for alert in difference.only_before)
    yield from (f"+ {_line(alert)}" for alert in difference.only_after)
    for before, after in difference.changed:
        yield f"~ {_line(before)}"
        yield f"  {_line(after)}"


def backtest(
    brand: Annotated[str, typer.Option(help="The id of the brand.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Mention events, activity, or posts in any format; the default is the index."
        ),
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="The first day or time.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The end, not included.")] = None,
    brands: Annotated[
        Path | None,
        typer.Option(help="A brands file with the policy; a file of posts needs one."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A brands file with another policy to compare.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="Also draw a chart into this SVG file.")] = None,
    source: SourceOption = "file",
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print every state of every alert, one per line.")
    ] = False,
) -> None:
    """Run past mentions through the detector and show which alerts it would have raised.

    A ? marks a time in which a source delivered nothing, so alerts may be missing there. With
    --policy the alerts of both policies are compared: - only with the first, + only with the other,
    ~ with both but different.

    Example: `tocsin backtest --brand velmora --from 2026-03-01 --to 2026-03-08`
    """
    first, end = _time(since, "from"), _time(until, "to")
    chosen = _brand(brand, brands)
    listening = Listening()
    past = (
        past_events(file, brands, source=source, mapping=mapping, encoding=encoding, say=say)
        if file is not None
        else None
    )
    records = list(_read(past, brand, first, end, listening))
    if not records:
        say(f"there are no mentions of {brand}")
        sys.exit(1)
    states = replay(records, [chosen])
    if json:
        for state in states:
            result(ALERT.encode(state).decode())
        return
    alerts = backtest_alerts(states)
    if svg is not None:
        try:
            svg.write_text(chart_svg(chosen.name, records, alerts), "utf-8")
        except OSError as error:
            raise ConfigurationError(f"{svg} cannot be written: {error.strerror}") from None
    silences = listening.silences(max(map(heard_at, records)))
    lines = chart(records, alerts, silences)
    for line in (*lines, "", *map(_blind_line, silences), *map(_line, alerts)):
        result(line)
    days = (max(r.at for r in records) - records[0].at).total_seconds() / 86_400
    say(f"{counted(len(alerts), 'alert')} in {days:.1f} days, {len(records)} mentions")
    if policy is not None:
        other = replace(chosen, alerts=_brand(brand, policy).alerts)
        difference = compare(alerts, backtest_alerts(replay(records, [other])))
        for line in ("", *(list(_differences(difference)) or ["the other policy changes nothing"])):
            result(line)


def _read(
    file: BinaryIO | None,
    brand: str,
    first: datetime | None,
    end: datetime | None,
    listening: Listening,
) -> Iterator[Activity]:
    """A brand's records; ``listening`` sees those of the file's other brands too."""
    records: Iterator[Activity]
    if file is not None:
        records = records_of(file)
    elif first is None or end is None:
        raise ConfigurationError("give --from and --to, or a file")
    else:
        records = records_of_index(load(ElasticsearchSettings), brand, first, end)
    for record in records:
        if (first is None or record.at >= first) and (end is None or record.at < end):
            listening.take(record)
            if record.brand == brand:
                yield record

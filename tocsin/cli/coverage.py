"""``tocsin coverage``: when each source was heard, late, unheard or lost, from the index."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.clock import utc_now
from schemas.errors import ConfigurationError
from tocsin.cli.moments import moment
from tocsin.cli.output import FormatOption, say, write_rows
from tocsin.cli.row_writers import Row

if TYPE_CHECKING:
    from sinks.elasticsearch.coverage.timeline import Timeline

COLUMNS = ("source", "part", "state", "since", "until", "minutes", "why", "detail")
SUMMARY_COLUMNS = ("source", "part", "heard", "known", "lost")
_A_DAY = timedelta(days=1)


def coverage(
    since: Annotated[
        str | None,
        typer.Option(
            "--from", "--since", help="Beginning: a day or time; the default is a day before --to."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", "--until", help="End: a day or time; the default is now.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only this source, such as bluesky.")] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="One line a source: the shares heard and known.")
    ] = False,
    format: FormatOption = "text",
) -> None:
    """Show when each source was heard, late, away, blind, or lost posts (docs/operations.md).

    Example: `tocsin coverage --from 2026-03-01 --source bluesky`
    """
    from runtime.settings import ElasticsearchSettings, load
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.coverage.coverage_history import MAX_RECORDS, coverage_history
    from sinks.elasticsearch.coverage.timeline import sentence
    from sinks.elasticsearch.indices.mappings import IndexNames

    now = utc_now()
    end = moment(until, "--to") or now
    begin = moment(since, "--from") or end - _A_DAY
    if begin >= end:
        raise ConfigurationError(
            f"--from ({begin.isoformat()}) must be before --to ({end.isoformat()})"
        )
    settings = load(ElasticsearchSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        history = coverage_history(client, IndexNames(settings), begin, end, now, source=source)
    rows = summary_rows if summary else stretch_rows
    columns = SUMMARY_COLUMNS if summary else COLUMNS
    empty = f"nothing is known of {source or 'any source'} from {begin} to {end}"
    write_rows(rows(history.timelines), columns, format, empty=empty)
    if not summary:
        for line in history.timelines:
            say(sentence(line))
    if not history.is_whole:
        say(f"only the newest {MAX_RECORDS:,} records are counted; ask for less time, or a source")


def stretch_rows(timelines: Sequence["Timeline"]) -> Iterator[Row]:
    """One row a stretch; ``until`` is None while it lasts."""
    for line in timelines:
        for one in line.stretches:
            minutes = round((one.until - one.since) / timedelta(minutes=1), 1)
            until = None if one.lasts else one.until
            yield (
                line.source, line.part, one.state, one.since, until, minutes, one.why, one.detail,
            )  # fmt: skip


def summary_rows(timelines: Sequence["Timeline"]) -> Iterator[Row]:
    """One row a source; shares are 0 to 1."""
    for line in timelines:
        yield line.source, line.part, round(line.heard, 4), round(line.known, 4), line.lost

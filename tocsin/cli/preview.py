"""``tocsin query preview``: what a query finds, and the effect of each of its clauses."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from queries.language.ast import Node, Range
from queries.language.errors import QueryError, shorten
from queries.language.format import format_query
from queries.language.parser import parse
from queries.tools.clause_effects import Clauses, Effect
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from schemas.post import Post
from text.terminal import BARS, printable
from tocsin.cli.highlight import marked, starred
from tocsin.cli.output import console, json_result, report
from tocsin.cli.query_options import (
    BrandsOption,
    EncodingOption,
    MappingOption,
    PostsArgument,
    QueryArgument,
    SavedOption,
    SourceOption,
    posts_of,
    query_beside_posts,
    query_text,
    refuse,
    whole,
)
from tocsin.offline.match import Describer, OfflineMatcher
from tocsin.offline.post_reader import BATCH, Bad, Line
from tocsin.offline.preview import Example, Preview, Volume, preview_posts

_ROWS = 4
_EXCERPT = 280
_CLAUSE = 56
_TIME = re.compile(r"[\w:.+\-]+")


def preview_(
    query: QueryArgument,
    file: PostsArgument = None,
    index: Annotated[
        bool, typer.Option("--index", help="Search the Elasticsearch index instead of a file.")
    ] = False,
    since: Annotated[
        str | None, typer.Option("--from", help="Only posts since this date or time, in the zone.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--to", help="Only posts until this time, or the end of this date."),
    ] = None,
    old_since: Annotated[str | None, typer.Option("--since", hidden=True)] = None,
    old_until: Annotated[str | None, typer.Option("--until", hidden=True)] = None,
    time_zone: Annotated[
        str,
        typer.Option(
            "--time-zone",
            "--zone",
            help="Zone of days, hours and times; default: TOCSIN_ALERTS_TIME_ZONE.",
        ),
    ] = "",
    sample: Annotated[
        int, typer.Option(min=0, max=100, help="Number of example posts; of the index, the newest.")
    ] = 5,
    queries: SavedOption = None,
    brands: BrandsOption = None,
    source: SourceOption = "file",
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a query finds: how many posts, when, in which languages, and some examples.

    The last table shows for each clause how many posts match only because of it (adds), or would
    match without it (removes). In a file, languages and sentiments come from the fast tier.

    Example: `tocsin query preview 'velmora AND (panne OR coupure) NOT rue' examples/posts.jsonl`
    """
    if index and file is not None:
        raise ConfigurationError("give a file of posts, or --index, not both")
    text = query_text(query) if index else query_beside_posts(query, file)
    zone = _zone(time_zone)
    within = _within(since or old_since, until or old_until, zone)
    node, bad = whole(text, queries), Bad()
    if index:
        try:
            preview = _of_index(node, sample, within, zone)
        except QueryError as error:
            refuse(error, text)
    else:
        with posts_of(file, source, mapping, encoding) as reader:
            parts, bad = Clauses(node), reader.bad
            preview = preview_posts(
                parts,
                _counted(reader.posts()),
                sample=sample,
                within=within,
                zone=zone,
                find=OfflineMatcher(parts.queries, brands).find,
                describe=Describer().fill,
            )
    if as_json:
        json_result(json.dumps(as_data(preview), ensure_ascii=False))
    else:
        show(preview, Console(file=sys.stdout, highlight=False), zone)
    if bad.count:
        report(bad, f"{preview.read} posts read")


def _counted(lines: Iterator[Line]) -> Iterator[Mention]:
    progress = Progress(
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        task = progress.add_task("reading", total=None)
        for number, line in enumerate(lines, 1):
            if number % BATCH == 0:
                progress.update(task, completed=number, description=f"{number:,} posts")
            yield line.mention


def _zone(name: str) -> tzinfo:
    """The zone that is asked for, else the one of the alerts' times."""
    from runtime.configuration.validation import known_time_zone
    from runtime.settings import AlertsSettings, load

    try:
        name = known_time_zone(name) if name else load(AlertsSettings).time_zone
    except ValueError as error:
        raise ConfigurationError(f"--time-zone {name!r} {error}") from None
    return UTC if name == "UTC" else ZoneInfo(name)


def _of_index(node: Node, sample: int, within: Range | None, zone: tzinfo) -> Preview:
    from runtime.settings import ElasticsearchSettings, load
    from sinks.elasticsearch.connection import connect
    from tocsin.offline.preview_index import preview_index

    settings = load(ElasticsearchSettings)
    with connect(settings) as client:
        return preview_index(client, settings, node, sample=sample, within=within, zone=zone)


def _within(since: str | None, until: str | None, zone: tzinfo) -> Range | None:
    """The time as a query; a date is its whole day in the zone."""
    if since is None and until is None:
        return None
    for name, time in (("--from", since), ("--to", until)):
        if time is not None and not _TIME.fullmatch(time):
            raise ConfigurationError(
                f"{name} {time!r} is not a time; write 2026-03-01 or 2026-03-01T12:00Z"
            )
    try:
        first, last = _instant(since, zone, after=0), _instant(until, zone, after=1)
        node = parse(f"date:[{first} TO {last}]")
    except QueryError as error:
        raise ConfigurationError(f"--from and --to: {error}") from None
    assert isinstance(node, Range)
    return node


def _instant(written: str | None, zone: tzinfo, *, after: int) -> str:
    """A date or a time without an offset, of a zone, in UTC.

    ``after``: the last millisecond of a date, not its first, for 1.
    """
    if written is None or zone is UTC:
        return written or "*"
    try:
        here = datetime.fromisoformat(written)
    except ValueError:
        return written
    if here.tzinfo is not None:
        return written
    if "T" not in written:
        here += timedelta(days=after)
    there = here.replace(tzinfo=zone).astimezone(UTC)
    if "T" not in written:
        there -= timedelta(milliseconds=after)
    return f"{there:%Y-%m-%dT%H:%M:%S}.{there.microsecond // 1000:03}Z"


def show(preview: Preview, to: Console, zone: tzinfo = UTC) -> None:
    share = f" ({_percent(preview.matches, preview.read)})" if preview.read else ""
    to.print(f"{preview.matches:,} of {preview.read:,} posts match{share}")
    if preview.matches:
        to.print()
        for line in chart(preview.volume, zone):
            to.print(Text(line))
        to.print()
        to.print(_values(preview))
    if preview.sample:
        to.print()
        for example in preview.sample:
            to.print(_post_line(example, zone, colours=to.is_terminal), soft_wrap=True)
    if preview.effects:
        to.print()
        to.print(_clause_table(preview.effects))
        if preview.left_out:
            to.print(f"and {preview.left_out:,} more clauses")


def _percent(count: int, of: int) -> str:
    share = 100 * count / of if of else 0.0
    if not share:
        return "0 %"
    if share < 0.01:
        return "under 0.01 %"
    return f"{share:.{0 if share >= 10 else 1 if share >= 1 else 2}f} %"


def chart(volume: Volume, zone: tzinfo = UTC) -> list[str]:
    where = f", in {zone}" if zone is not UTC else ""
    counts = [count for _, count in volume.counts]
    top, unit = max(counts), volume.interval
    first, last, peak = (
        _when(volume.counts[number][0], unit) for number in (0, -1, counts.index(top))
    )
    if len(counts) == 1:
        return [f"All within one {unit}: {first}{where}"]
    each = "an hour" if unit == "hour" else f"a {unit}"
    wide = max(1, min(4, 40 // len(counts)))
    lines = [f"One bar is {each}{where}; the highest has {top:,} ({peak})"]
    for row in reversed(range(_ROWS)):
        bars = (_piece(count, top, row) * wide for count in counts)
        lines.append("  " + "".join(bars).rstrip())
    gap = max(2, wide * len(counts) - len(first) - len(last))
    return [*lines, f"  {first}{' ' * gap}{last}"]


def _when(when: datetime, unit: str) -> str:
    formats = {"year": "%Y", "month": "%Y-%m", "week": "%Y-%m-%d", "day": "%Y-%m-%d"}
    return when.strftime(formats.get(unit, "%Y-%m-%d %H:%M"))


def _piece(count: int, top: int, row: int) -> str:
    """One row of a bar; a count above zero is always visible in the bottom row."""
    eighths = -(-count * _ROWS * 8 // top) - row * 8
    return BARS[max(0, min(8, eighths))]


def _values(preview: Preview) -> Table:
    table = Table.grid(padding=(0, 2))
    for heading, values in (
        ("Languages", preview.languages),
        ("Sources", preview.sources),
        ("Sentiment", preview.sentiments),
    ):
        shares = (f"{printable(name)} {_percent(n, preview.matches)}" for name, n in values)
        table.add_row(heading, Text(", ".join(shares) or "not known"))
    return table


def _post_line(example: Example, zone: tzinfo, *, colours: bool) -> Text:
    post, language = example.mention.post, example.mention.language
    when = post.created_at.astimezone(zone)
    line = Text().append(f"{when:%Y-%m-%d %H:%M} ", style="dim")
    author = f"{_author(post)}[{language.code if language else '?'}] "
    line.append(printable(author), style="cyan")
    for field, text in (("title", post.title), ("text", post.text)):
        if text or field == "text":
            excerpt = marked(text or "", example.spans, field, _EXCERPT)
            line.append_text(excerpt if colours else starred(excerpt))
            line.append(" | " if field == "title" else "")
    return line


def _author(post: Post) -> str:
    """Empty for the unknown authors of files."""
    if post.author.handle:
        return f"@{post.author.handle} "
    return "" if post.author.id.startswith("unknown-") else f"{post.author.id} "


def _clause_table(effects: list[Effect]) -> Table:
    table = Table(show_edge=False, box=None, header_style="", padding=(0, 2, 0, 0))
    table.add_column("clause", no_wrap=True)
    table.add_column("adds", justify="right")
    table.add_column("removes", justify="right")
    for effect in effects:
        text = "  " * effect.level + shorten(format_query(effect.clause), _CLAUSE)
        is_idle = effect.without == effect.matches
        style = "dim" if is_idle else "red" if effect.kind == "exclusion" else ""
        table.add_row(Text(printable(text), style=style), *_numbers(effect))
    return table


def _numbers(effect: Effect) -> tuple[str, str]:
    """Adds and removes; only the purpose of the clause, unless it also has the other effect."""
    if effect.without is None:
        return "", ""
    for_adding = effect.kind == "alternative"
    adds = f"{effect.adds:,}" if for_adding or effect.adds else ""
    removes = f"{effect.removes:,}" if not for_adding or effect.removes else ""
    return adds, removes if not (effect.adds and not effect.removes) else ""


def as_data(preview: Preview) -> dict[str, Any]:
    counts = preview.volume.counts
    return {
        "read": preview.read,
        "matches": preview.matches,
        "share": preview.share,
        "volume": {
            "interval": preview.volume.interval,
            "counts": [{"start": when.isoformat(), "matches": count} for when, count in counts],
        },
        "languages": dict(preview.languages),
        "sources": dict(preview.sources),
        "sentiments": dict(preview.sentiments),
        "sample": [_example_data(example) for example in preview.sample],
        "clauses": [_clause_data(effect) for effect in preview.effects],
        "clauses_left_out": preview.left_out,
    }


def _example_data(example: Example) -> dict[str, Any]:
    post, language = example.mention.post, example.mention.language
    return {
        "id": post.id,
        "created_at": post.created_at.isoformat(),
        "source": post.source,
        "language": language.code if language else None,
        "title": post.title,
        "text": post.text,
        "spans": [{"field": s.field, "start": s.start, "end": s.end} for s in example.spans],
    }


def _clause_data(effect: Effect) -> dict[str, Any]:
    is_known = effect.without is not None
    return {
        "clause": format_query(effect.clause),
        "kind": effect.kind,
        "level": effect.level,
        "adds": effect.adds if is_known else None,
        "removes": effect.removes if is_known else None,
    }

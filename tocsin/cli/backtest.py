"""``tocsin backtest``: which alerts the detector would have raised, and under another policy."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Self

import typer
from msgspec.structs import replace

from processors.detector.backtest import BacktestAlert, backtest_alerts, compare, replayed
from processors.detector.event_time import believed, were_read_at_once
from processors.detector.silence import Listening, Silence, heard_at
from processors.enrichment.activity_records import activity_of
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.codec import ACTIVITY, ALERT, MENTION_EVENT
from schemas.errors import ConfigurationError, InvalidMessage
from schemas.mention import Mention, MentionUpsert
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.post_texts import Published
from sinks.alerts.message.report import title
from tocsin.cli.backtest_page import (
    alert_lines,
    blind_line,
    changes_of,
    chart,
    difference_lines,
)
from tocsin.cli.moments import moment
from tocsin.cli.output import FormatOption, counted, json_result, result, say, write_rows
from tocsin.cli.query_options import EncodingOption, MappingOption, SourceOption
from tocsin.cli.report_page import print_lines
from tocsin.cli.row_writers import Row
from tocsin.offline.backtest_posts import (
    gravest,
    mentions_in_index,
    mentions_of_file,
    published_by_alert,
    shown_ids,
)

LEARNT_FROM: Final = timedelta(days=28)
"""How much before --from is read from the index to learn what is usual."""
COLUMNS: Final = (
    "policy",
    "change",
    "id",
    "brand",
    "severity",
    "began_at",
    "opened_at",
    "closed_at",
    "mentions",
    "authors",
    "title",
    "about",
    "first_author",
    "first_text",
    "first_url",
)


def records_of(stream: BinaryIO) -> Iterator[Activity]:
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
    from brands.brands_file import load_brands

    for brand in load_brands(file):
        if brand.id == name:
            return brand
    raise ConfigurationError(f"{file} has no brand {name}")


@dataclass
class _Past:
    """The records of a brand, of a seekable file of events or of the index.

    What was before ``first`` is read, too, as far as ``LEARNT_FROM`` in the index: the detector
    learns from it. ``listening`` hears the records of the file's other brands too.
    """

    brand: str
    events: BinaryIO | None
    first: datetime | None
    end: datetime | None
    listening: Listening = field(default_factory=Listening)
    known_since: datetime | None = None
    """When the first record of any brand was written."""
    minimum_volume: int = 0
    """Mentions in 5 minutes that a crisis needed, after the last replay."""

    def __post_init__(self) -> None:
        if self.events is None and (self.first is None or self.end is None):
            raise ConfigurationError("give --from and --to, or a file")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.events is not None:
            self.events.close()

    def records(self) -> list[Activity]:
        """The brand's records up to the end, in the order of event time."""
        everything = [
            believed(record) for record in self._all() if self.end is None or record.at < self.end
        ]
        if self.events is None and were_read_at_once([(r.ingested_at, r.at) for r in everything]):
            # The index was filled from a file, which says nothing about when its source was heard.
            everything = [replace(record, ingested_at=record.at) for record in everything]
        if everything:
            self.known_since = min(record.at for record in everything)
        for record in everything:
            if self.holds(record.at):
                self.listening.take(record)
        own = (record for record in everything if record.brand == self.brand)
        return sorted(own, key=lambda record: record.at)

    def _all(self) -> Iterator[Activity]:
        if self.events is not None:
            return records_of(self.events)
        from runtime.settings import ElasticsearchSettings, load
        from tower.desk.activity_history import records_of_index

        assert self.first is not None and self.end is not None
        settings, since = load(ElasticsearchSettings), self.first - LEARNT_FROM
        return records_of_index(settings, self.brand, since, self.end)

    def holds(self, at: datetime) -> bool:
        """Whether ``at`` is in what the back-test was asked for."""
        return (self.first is None or at >= self.first) and (self.end is None or at < self.end)

    def alerts(self, records: Sequence[Activity], brand: Brand) -> list[BacktestAlert]:
        """The alerts that open within what was asked for."""
        states, detectors = replayed(records, [brand], self.known_since)
        baseline = detectors.detector(brand.id).snapshot().baseline
        self.minimum_volume = brand.alerts.minimum_volume or baseline.minimum_volume
        return [alert for alert in backtest_alerts(states) if self.holds(alert.opened_at)]

    def mentions(self, ids: set[str]) -> list[Mention]:
        """The posts with their texts; a file of activity has none."""
        if self.events is None:
            from runtime.settings import ElasticsearchSettings, load

            return mentions_in_index(load(ElasticsearchSettings), ids)
        self.events.seek(0)
        return mentions_of_file(self.events, ids)


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
    format: FormatOption = "text",
    json: Annotated[bool, typer.Option("--json", hidden=True)] = False,
    old_since: Annotated[str | None, typer.Option("--since", hidden=True)] = None,
    old_until: Annotated[str | None, typer.Option("--until", hidden=True)] = None,
) -> None:
    """Run past mentions through the detector and show which alerts it would have raised.

    What was before --from is learnt from, and not told. Each alert has its first and most seen
    posts, if the file or the index has their texts. A ? marks a time in which a source delivered
    nothing, so alerts may be missing there. With --policy the alerts of both policies are compared:
    - only with the first, + only with the other, ~ with both but different. Times are UTC.

    Example: `tocsin backtest --brand velmora --from 2026-03-01 --to 2026-03-08`
    """
    within = moment(since or old_since, "--from"), moment(until or old_until, "--to")
    chosen = _brand(brand, brands)
    other = None if policy is None else replace(chosen, alerts=_brand(brand, policy).alerts)
    if json and other is not None:
        raise ConfigurationError(
            "--json prints the states of one policy; compare two with --policy and --format json"
        )
    events = None
    if file is not None:
        from tocsin.offline.past_events import past_events

        events = past_events(
            file, brands, source=source, mapping=mapping, encoding=encoding, say=say
        )
    with _Past(brand, events, *within) as past:
        everything = past.records()
        records = [record for record in everything if past.holds(record.at)]
        if not records:
            say(f"there are no mentions of {brand}")
            sys.exit(1)
        alerts = past.alerts(everything, chosen)
        if json:
            for state in (state for alert in alerts for state in alert.states):
                json_result(ALERT.encode(state).decode())
            return
        minimum = past.minimum_volume
        others = [] if other is None else past.alerts(everything, other)
        mentions = past.mentions(shown_ids((*alerts, *others)))
        silences = past.listening.silences(max(map(heard_at, records)))
    told = published_by_alert(alerts, mentions, records)
    if svg is not None:
        _draw(svg, chosen.name, records, alerts, told)
    if format != "text":
        told_too = published_by_alert(others, mentions, records)
        rows = _rows(alerts, told, None if other is None else (others, told_too))
        write_rows(rows, COLUMNS, format)
        return
    _print(records, silences, alerts, told)
    say(_learnt(everything, records, past.known_since))
    say(_needed(minimum, chosen))
    if other is not None:
        changes = difference_lines(alerts, others, compare(alerts, others), _length(records))
        for line in ("", *changes):
            result(line)


def _draw(
    svg: Path,
    name: str,
    records: Sequence[Activity],
    alerts: Sequence[BacktestAlert],
    told: Mapping[str, Published],
) -> None:
    from tocsin.cli.backtest_svg import chart_svg

    try:
        svg.write_text(chart_svg(name, records, alerts, told), "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{svg} cannot be written: {error.strerror}") from None


def _length(records: Sequence[Activity]) -> timedelta:
    return max(r.at for r in records) - records[0].at


def _learnt(
    everything: Sequence[Activity], records: Sequence[Activity], known_since: datetime | None
) -> str:
    """How much past the detector knew at the first record."""
    before = len(everything) - len(records)
    first = records[0].at
    days = (first - min(known_since or first, first)).total_seconds() / 86_400
    if not before and days * 24 < 1:
        return "learnt from these mentions alone; nothing earlier was known"
    return f"learnt before: {counted(before, 'mention')} in {days:.1f} days"


def _needed(minimum: int, brand: Brand) -> str:
    """The minimum volume, and where it comes from."""
    why = "by the brand's own volume" if brand.alerts.minimum_volume is None else "by its policy"
    return f"a crisis needs {minimum} mentions in 5 minutes, or {2 * minimum} in 30, {why}"


def _print(
    records: Sequence[Activity],
    silences: Sequence[Silence],
    alerts: Sequence[BacktestAlert],
    told: Mapping[str, Published],
) -> None:
    for line in (*chart(records, alerts, silences), "", *map(blind_line, silences)):
        result(line)
    for alert in alerts:
        head, *posts = alert_lines(alert, told[alert.id])
        print_lines([head], "")
        print_lines(posts, "- ")
    days = _length(records).total_seconds() / 86_400
    known = counted(len(records), "mention")
    say(f"{counted(len(alerts), 'alert')} in {days:.1f} days, {known}")
    if alerts and not any(told[alert.id].posts for alert in alerts):
        say("the posts of these alerts have no text here; mention events and the index have them")


def _rows(
    alerts: Sequence[BacktestAlert],
    told: Mapping[str, Published],
    other: tuple[Sequence[BacktestAlert], Mapping[str, Published]] | None,
) -> Iterator[Row]:
    """The alerts of the policy, then those of the other one; ``change`` is empty without one."""
    if other is None:
        yield from (_row(alert, told[alert.id], "first", None) for alert in alerts)
        return
    others, told_too = other
    changes = changes_of(compare(alerts, others))
    for policy, of_policy, texts in (("first", alerts, told), ("other", others, told_too)):
        for alert in of_policy:
            yield _row(alert, texts[alert.id], policy, changes.get(id(alert), "same"))


def _row(alert: BacktestAlert, published: Published, policy: str, change: str | None) -> Row:
    state: Alert = gravest(alert)
    first = next((post for post in state.evidence.shown if post.role == "first"), None)
    post = None if first is None else published.posts.get(first.id)
    return (
        policy,
        change,
        alert.id,
        alert.brand,
        alert.severity,
        alert.began_at,
        alert.opened_at,
        alert.closed_at,
        state.evidence.mentions,
        state.evidence.distinct_authors,
        title(alert.states[0], Style()),
        list(published.about),
        None if post is None else post.author,
        None if post is None else post.text,
        None if first is None else first.url,
    )

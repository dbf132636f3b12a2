"""``tocsin alerts``: list, show, acknowledge, assign, close and annotate alerts.

One document holds the detector's state and the people's; see ``sinks.alerts``.
"""

import getpass
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from runtime.clock import utc_now
from schemas.errors import ConfigurationError, ServiceUnavailable, TocsinError
from sinks.alerts import triage as desk
from sinks.alerts.message.catalogue import Language, Locale, Style
from sinks.alerts.message.report import MAX_TITLE, flag, report, title
from sinks.alerts.triage import (
    AlertDocument,
    NotPossible,
    Standing,
    Triage,
    desk_of,
    escalated,
    standing,
)
from text.terminal import single_line
from tocsin.cli.alert_rows import (
    COLUMNS,
    POST_COLUMNS,
    TEXT_COLUMNS,
    alert_row,
    post_objects,
    post_rows,
)
from tocsin.cli.channel_trial import channel_trial
from tocsin.cli.moments import moment
from tocsin.cli.output import FormatOption, counted, json_result, result, say, write_rows
from tocsin.cli.report_page import print_report
from tocsin.cli.row_writers import Row

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from sinks.elasticsearch.indices.mappings import IndexNames

app = typer.Typer(no_args_is_help=True, help="List alerts, and record what people do about them.")
_PAGE = 500

AlertId = Annotated[str, typer.Argument(help="An id from `tocsin alerts list`.")]
By = Annotated[str | None, typer.Option(help="Your name; the default is your login.")]
In = Annotated[
    Language | None,
    typer.Option(
        "--in-language", help="The language to write in; the default is TOCSIN_ALERTS_LANGUAGE."
    ),
]
OldIn = Annotated[Language | None, typer.Option("--language", "--lang", hidden=True)]
"""The name of ``--in-language`` that elsewhere means the language of posts."""
Remark = Annotated[str | None, typer.Option("--text", help="A remark for the history.")]


@app.command("list")
def list_(
    brand: Annotated[str | None, typer.Option(help="Only alerts of this brand.")] = None,
    status: Annotated[
        Literal["open", "acknowledged", "closed", "all"] | None,
        typer.Option(help="The default is open and acknowledged."),
    ] = None,
    severity: Annotated[int, typer.Option(min=1, max=5, help="Minimum severity.")] = 1,
    since: Annotated[
        str | None, typer.Option("--from", help="Only alerts that changed since this day or time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Only alerts that changed before it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of lines.")] = 100,
    in_language: In = None,
    language: OldIn = None,
    format: FormatOption = "text",
) -> None:
    """List alerts, newest first. A ! marks one that is graver than when a person closed it.

    Example: `tocsin alerts list --brand velmora --severity 3`
    """
    style, counts = _style(in_language or language), Counter[Standing]()
    wanted = ("open", "acknowledged") if status is None else (status,)
    within = moment(since, "--from"), moment(until, "--to")

    def rows() -> Iterator[Row]:
        with _alert_index() as (client, names):
            for source in _sources(client, names.alerts, brand, severity, within):
                found = standing(source)
                counts[found] += 1
                if status not in (None, found, "all"):
                    continue
                if found in wanted or status == "all":
                    yield alert_row(source, style, format)

    columns = TEXT_COLUMNS if format == "text" else COLUMNS
    shown = write_rows(islice(rows(), limit), columns, format)
    more = f"; {limit} is the limit, --limit {10 * limit} shows more" if shown == limit else ""
    closed = f"; {counts['closed']:,} closed: --status all" if counts["closed"] else ""
    kind = f"{status} " if status not in (None, "all") else "" if status else "open "
    say(counted(shown, f"{kind}alert") + (closed if status is None else "") + more)


@contextmanager
def _alert_index() -> "Iterator[tuple[Elasticsearch, IndexNames]]":
    """A client, and the names of the indices."""
    from runtime.settings import ElasticsearchSettings, load
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.indices.mappings import IndexNames

    settings = load(ElasticsearchSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        yield client, IndexNames(settings)


def _sources(
    client: "Elasticsearch",
    index: str,
    brand: str | None,
    severity: int,
    within: tuple[datetime | None, datetime | None],
) -> Iterator[AlertDocument]:
    from sinks.elasticsearch.connection import pages

    filters: list[dict[str, Any]] = [{"range": {"severity": {"gte": severity}}}]
    between = dict(zip(("gte", "lt"), within, strict=True))
    if limits := {name: at.isoformat() for name, at in between.items() if at is not None}:
        filters.append({"range": {"raised_at": limits}})
    if brand is not None:
        filters.append({"term": {"brand": brand}})
    for page in pages(
        client.search,
        index=index,
        query={"bool": {"filter": filters}},
        sort=[{"raised_at": "desc"}, {"id": "asc"}],
        size=_PAGE,
        source_excludes=["evidence", "states"],
    ):
        for hit in page:
            yield hit["_source"]


def _style(language: Language | None) -> Style:
    """The zone of TOCSIN_ALERTS_TIME_ZONE if it is set, else the one of this machine."""
    from runtime.settings import AlertsSettings, load

    settings = load(AlertsSettings)
    is_set = "time_zone" in settings.model_fields_set
    return Style(language or settings.language, settings.time_zone if is_set else None)


@app.command("show")
def show(
    alert_id: AlertId,
    in_language: In = None,
    language: OldIn = None,
    format: FormatOption = "text",
    json: Annotated[bool, typer.Option("--json", hidden=True)] = False,
) -> None:
    """Show an alert: its evidence with the texts of the posts, its states, what people did.

    The texts come from the index; a post that was deleted or erased has none. --format json is the
    stored document with the posts; csv, jsonl and xlsx are the posts alone.

    Example: `tocsin alerts show velmora-2026-01-02T09:40Z --in-language fr`
    """
    from sinks.alerts.store import alert_of, read
    from tocsin.offline.alert_posts import published_in_index

    style = _style(in_language or language)
    with _alert_index() as (client, names):
        stored = read(client, names.alerts, alert_id)
        source = _existing(None if stored is None else stored.source, alert_id)
        alert = alert_of(source)
        published = published_in_index(client, names.mentions, alert)
    if json or format == "json":
        document = {**source, "about": published.about, "posts": post_objects(alert, published)}
        json_result(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    elif format == "text":
        print_report(report(alert, style, published))
        result("\n".join(("", *_history(source, style))))
    else:
        write_rows(post_rows(alert, published), POST_COLUMNS, format)


def _history(source: AlertDocument, style: Style) -> Iterator[str]:
    from sinks.alerts.store import states_of

    texts = style.locale.texts
    yield texts["states"]
    for state in states_of(source):
        yield f"- {style.when(state.raised_at)}  {flag(state, style)}  {title(state, style)}"
    done = desk_of(source)
    lines = [*_people(done, source, style.locale), *_actions(done, style)]
    if lines:
        yield ""
        yield texts["desk"]
        yield from (f"- {line}" for line in lines)


def _people(done: Triage, source: AlertDocument, locale: Locale) -> Iterator[str]:
    named = (
        ("acknowledged_by", done.acknowledged_by),
        ("assigned_to", done.assignee),
        ("closed_by", done.closed_by),
    )
    for key, person in named:
        if person is not None:
            yield locale.labelled(locale.texts[key], single_line(person, MAX_TITLE))
    if escalated(source):
        yield locale.text("escalated", done.closed_severity)


def _actions(done: Triage, style: Style) -> Iterator[str]:
    locale = style.locale
    for action in done.history:
        did = locale.actions[action.did].format(single_line(action.to or "", MAX_TITLE))
        line = f"{style.when(action.at)}  {single_line(action.by, MAX_TITLE)} {did}"
        if action.text is not None:
            line = locale.labelled(line, single_line(action.text, desk.MAX_TEXT))
        yield line


@app.command("ack")
def ack(alert_id: AlertId, by: By = None, text: Remark = None) -> None:
    """Acknowledge an alert: you are looking at it.

    Example: `tocsin alerts ack velmora-2026-01-02T09:40Z --by ana`
    """
    who = _change(alert_id, by, partial(desk.acknowledge, text=text))
    say(f"{alert_id} acknowledged by {who}")


@app.command("assign")
def assign(
    alert_id: AlertId,
    to: Annotated[str, typer.Argument(help="The person who takes it over.")],
    by: By = None,
    text: Remark = None,
) -> None:
    """Assign an alert to a person.

    Example: `tocsin alerts assign velmora-2026-01-02T09:40Z ben --by ana`
    """
    _change(alert_id, by, partial(desk.assign, to=to, text=text))
    say(f"{alert_id} assigned to {to}")


@app.command("close")
def close(alert_id: AlertId, by: By = None, text: Remark = None) -> None:
    """Close an alert. It opens again if its severity rises.

    Example: `tocsin alerts close velmora-2026-01-02T09:40Z --text "answered at 11:00"`
    """
    who = _change(alert_id, by, partial(desk.close, text=text))
    say(f"{alert_id} closed by {who}")


@app.command("note")
def note(
    alert_id: AlertId,
    text: Annotated[str, typer.Argument(help="The remark.")],
    by: By = None,
) -> None:
    """Add a remark to the history of an alert.

    Example: `tocsin alerts note velmora-2026-01-02T09:40Z "the outage is in Nantes"`
    """
    _change(alert_id, by, partial(desk.note, text=text))
    say(f"{alert_id} noted")


def _change(
    alert_id: str, by: str | None, action: Callable[[AlertDocument, str, datetime], Triage]
) -> str:
    """Change the people's part of the current document; returns who did it."""
    from sinks.alerts.store import update, with_desk

    who = by if by is not None else _user()

    def change(source: AlertDocument | None) -> AlertDocument:
        source = _existing(source, alert_id)
        try:
            return with_desk(source, action(source, who, utc_now()))
        except NotPossible as error:
            raise TocsinError(f"{alert_id}: {error}") from None

    with _alert_index() as (client, names):
        if update(client, names.alerts, alert_id, change):
            return who
    raise ServiceUnavailable(f"others keep changing {alert_id}; try again")


def _existing(source: AlertDocument | None, alert_id: str) -> AlertDocument:
    if source is None:
        raise ConfigurationError(f"there is no alert {alert_id}; see 'tocsin alerts list'")
    return source


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigurationError("this account has no user name; add --by NAME") from None


app.command("test")(channel_trial)

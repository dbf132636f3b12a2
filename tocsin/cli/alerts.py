"""``tocsin alerts``: list, show, acknowledge, assign, close and annotate alerts.

One document holds the detector's state and the people's; see ``sinks.alerts``.
"""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from runtime.clock import utc_now
from schemas.errors import ConfigurationError, ServiceUnavailable, TocsinError
from sinks.alerts import triage as desk
from sinks.alerts.message.catalogue import Language, Locale, Style
from sinks.alerts.message.render import plain
from sinks.alerts.message.report import MAX_TITLE, flag, report, title
from sinks.alerts.triage import AlertDocument, NotPossible, Triage, desk_of, escalated, standing
from text.terminal import single_line
from tocsin.cli.output import result, say

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

app = typer.Typer(no_args_is_help=True, help="List alerts, and record what people do about them.")
_PAGE = 500

AlertId = Annotated[str, typer.Argument(help="An id from `tocsin alerts list`.")]
By = Annotated[str | None, typer.Option(help="Your name; the default is your login.")]
In = Annotated[
    Language | None,
    typer.Option("--language", "--lang", help="The default is TOCSIN_ALERTS_LANGUAGE."),
]
Remark = Annotated[str | None, typer.Option("--text", help="A remark for the history.")]


@app.command("list")
def list_(
    brand: Annotated[str | None, typer.Option(help="Only alerts of this brand.")] = None,
    status: Annotated[
        Literal["open", "acknowledged", "closed", "all"] | None,
        typer.Option(help="The default is open and acknowledged."),
    ] = None,
    severity: Annotated[int, typer.Option(min=1, max=5, help="Minimum severity.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of lines.")] = 100,
    language: In = None,
) -> None:
    """List alerts, newest first: id, status, severity, brand, start, assignee, title.

    Example: `tocsin alerts list --brand velmora --severity 3`
    """
    style = _style(language)
    wanted = ("open", "acknowledged") if status is None else (status,)
    shown = 0
    with _alert_index() as (client, index):
        for source in _sources(client, index, brand, severity):
            if status == "all" or standing(source) in wanted:
                result(_line(source, style))
                shown += 1
            if shown == limit:
                break
    say(f"{shown} alerts")


@contextmanager
def _alert_index() -> "Iterator[tuple[Elasticsearch, str]]":
    """A client, and the index of alerts."""
    from runtime.settings import ElasticsearchSettings, load
    from sinks.elasticsearch.connection import connect, elasticsearch_errors
    from sinks.elasticsearch.mappings import IndexNames

    settings = load(ElasticsearchSettings)
    with connect(settings) as client, elasticsearch_errors(settings):
        yield client, IndexNames(settings).alerts


def _sources(
    client: "Elasticsearch", index: str, brand: str | None, severity: int
) -> Iterator[AlertDocument]:
    from sinks.elasticsearch.connection import pages

    filters: list[dict[str, Any]] = [{"range": {"severity": {"gte": severity}}}]
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
    from runtime.settings import AlertsSettings, load

    settings = load(AlertsSettings)
    return Style(language or settings.language, settings.time_zone)


def _line(source: AlertDocument, style: Style) -> str:
    from sinks.alerts.store import alert_of

    mark = "!" if escalated(source) else ""
    muted = " (muted)" if source.get("muted") else ""
    columns = (
        source["id"],
        standing(source) + mark + muted,
        str(source["severity"]),
        source["brand"],
        source["began_at"],
        desk_of(source).assignee or "-",
    )
    shown = [single_line(column, MAX_TITLE) for column in columns]
    return "\t".join([*shown, title(alert_of(source), style)])


@app.command("show")
def show(
    alert_id: AlertId,
    language: In = None,
    json: Annotated[bool, typer.Option("--json", help="Print the stored document.")] = False,
) -> None:
    """Show an alert: its evidence, its states, and what people did about it.

    Example: `tocsin alerts show velmora-2026-01-02T09:40Z --language fr`
    """
    from sinks.alerts.store import alert_of, read

    style = _style(language)
    with _alert_index() as (client, index):
        stored = read(client, index, alert_id)
    source = _existing(None if stored is None else stored.source, alert_id)
    if json:
        result(msgspec.json.format(msgspec.json.encode(source), indent=2).decode())
        return
    lines = [plain(report(alert_of(source), style)), *_history(source, style)]
    result("\n".join(lines).rstrip("\n"))


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

    with _alert_index() as (client, index):
        if update(client, index, alert_id, change):
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

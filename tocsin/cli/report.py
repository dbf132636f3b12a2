"""``tocsin report``: a report of a day, a week, an alert or a comparison, by mail or as a file."""

import asyncio
import contextlib
import getpass
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from brands.brands_file import load_brands
from brands.registry import current_brands, decoded_brands
from runtime.clock import utc_now
from runtime.settings import AlertsSettings, ElasticsearchSettings, KafkaSettings, load
from schemas.brand import Brand
from schemas.errors import ConfigurationError, ServiceUnavailable, TocsinError
from sinks.alerts.channels.base import Busy, Refused
from sinks.alerts.message.catalogue import Language
from sinks.elasticsearch.connection import elasticsearch_errors
from text.spelling import did_you_mean
from tocsin.cli.output import result, say

if TYPE_CHECKING:
    from sinks.alerts.channels.mail import Email
    from tower.pages.vocabulary import Words
    from tower.reports.report_kinds import ReportAsk
    from tower.reports.report_lookup import OpenedReport
    from tower.reports.report_store import ReportStore

KINDS_OF_FILES = (".html", ".txt", ".pdf", ".json")


def report(
    kind: Annotated[
        Literal["day", "week", "alert", "compare"], typer.Option(help="What it is a report of.")
    ] = "day",
    query: Annotated[
        str, typer.Option(help="Query, such as brand:velmora; empty: all mentions.")
    ] = "",
    brand: Annotated[str, typer.Option(help="Instead of a query: the id of a brand.")] = "",
    day: Annotated[
        str,
        typer.Option(help="The day, any day of the week, or the last day; default: yesterday."),
    ] = "",
    days: Annotated[int, typer.Option(min=1, max=31, help="Days of a comparison.")] = 7,
    alert: Annotated[str, typer.Option(help="Id of the alert, for --kind alert.")] = "",
    time_zone: Annotated[
        str, typer.Option(help="Zone of the days; default: TOCSIN_ALERTS_TIME_ZONE.")
    ] = "",
    to: Annotated[
        str, typer.Option(help="Mail it: a name in the file of TOCSIN_ALERTS_CHANNELS.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write it to a file: .html, .txt, .pdf or .json.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Mail it although the channel has it.")
    ] = False,
    brands: Annotated[
        Path | None, typer.Option(help="A brands file; the default is the brands in Kafka.")
    ] = None,
    in_language: Annotated[
        Language | None,
        typer.Option("--in-language", help="Of a file; a mail is in the channel's language."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who asks; default: your login.")] = "",
) -> None:
    """Make a report from the index; mail it, write it to a file, or print it.

    The report is kept, and is the same for all who ask on the same day. A second run does not mail
    it again to a channel that has it. docs/reports.md shows a timer. The exit status is 3 if the
    channel or the index did not answer.

    Example: `tocsin report --kind day --brand velmora --time-zone Europe/Paris --to press`
    """
    alerts = load(AlertsSettings)
    channel = _channel(to, alerts) if to else None
    if out is not None and out.suffix not in KINDS_OF_FILES:
        raise ConfigurationError(f"--out must end with {', '.join(KINDS_OF_FILES)}")
    from tower.routes.report_routes import ask_of_form

    given = {"kind": kind, "q": query, "brand": brand, "day": day, "alert": alert}
    ask = ask_of_form({**given, "days": str(days), "tz": time_zone or alerts.time_zone})
    known = _brands(brands)
    who = by or _user()
    with contextlib.ExitStack() as stack:
        if channel is not None:
            stack.callback(channel.close)
        asyncio.run(_run(ask, known, who, channel, out, again, in_language or alerts.language))


async def _run(
    ask: "ReportAsk",
    brands: Mapping[str, Brand],
    by: str,
    channel: "Email | None",
    out: Path | None,
    again: bool,
    language: str,
) -> None:
    from tower.answers import Answers
    from tower.live.withdrawals import Withdrawals
    from tower.questions.question import Context
    from tower.reports.report_kinds import report_id, settled
    from tower.reports.report_lookup import open_report
    from tower.reports.report_maker import make_report
    from tower.reports.report_store import ReportStore
    from tower.search_client import SearchClient

    settings = load(ElasticsearchSettings)
    context = Context(utc_now(), brands)
    names = {id_: brand.name for id_, brand in brands.items()}
    search = SearchClient(settings)
    with contextlib.closing(search), elasticsearch_errors(settings):
        answers = Answers(search.search_all, lambda: context)
        store = ReportStore(search.in_thread()[0], search.names)
        kept = store.get(report_id(settled(ask, context.now), context.now))
        if kept is None or not kept.final:
            kept = store.keep(await make_report(answers, context, ask, by))
        opened = await open_report(answers, Withdrawals(), kept)
        if out is not None:
            _write(out, opened, language, names)
        if channel is not None:
            _mail(store, opened, channel, names, by, again, utc_now())
        if out is None and channel is None:
            from tower.reports.report_letter import letter_text

            result(letter_text(opened, _words(opened, language), names).rstrip("\n"))
    say(f"report {kept.id}")


def _words(opened: "OpenedReport", language: str) -> "Words":
    from tower.pages.vocabulary import Words

    return Words("fr" if language == "fr" else "en", opened.report.time_zone)


def _write(out: Path, opened: "OpenedReport", language: str, names: Mapping[str, str]) -> None:
    from tower.reports.report_letter import letter_html, letter_text

    words = _words(opened, language)
    if out.suffix == ".pdf":
        content = _pdf(opened, words, names)
    elif out.suffix == ".html":
        content = letter_html(opened, words, names).encode()
    elif out.suffix == ".txt":
        content = letter_text(opened, words, names).encode()
    else:
        content = msgspec.json.format(msgspec.json.encode(opened.report), indent=1)
    try:
        out.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}") from None
    say(f"wrote {out}")


def _pdf(opened: "OpenedReport", words: "Words", names: Mapping[str, str]) -> bytes:
    from tower.reports.pdf_job import pdf_in_process
    from tower.reports.report_view import pdf_request, report_view

    view = report_view(opened.report, words)
    return pdf_in_process(pdf_request(opened, view, words, names, texts=False))


def _mail(
    store: "ReportStore",
    opened: "OpenedReport",
    channel: "Email",
    names: Mapping[str, str],
    by: str,
    again: bool,
    at: datetime,
) -> None:
    """Send it once: written down before and after, so a crash between does not send it twice."""
    from sinks.alerts.channels.mail import Letter
    from tower.reports.report_blocks import heading_of
    from tower.reports.report_letter import attachments_of, letter_html, letter_text
    from tower.reports.report_store import Delivery

    id_, words = opened.report.id, _words(opened, channel.style.language)
    claim = Delivery(channel=channel.name, at=at, by=by, result="unknown")
    pdf = None
    try:
        pdf = _pdf(opened, words, names)
    except TocsinError as error:
        say(f"the mail has no PDF: {error}")
    if not store.claim(id_, claim, again=again):
        say(f"{channel.name} has the report {id_} already; --again sends it again")
        return
    letter = Letter(
        key=f"{id_}:{channel.name}" + (f":{at.isoformat()}" if again else ""),
        subject=heading_of(opened, words, names),
        plain=letter_text(opened, words, names),
        html=letter_html(opened, words, names),
        attachments=attachments_of(opened, pdf),
    )

    def settle(result: Literal["delivered", "refused", "busy"], why: str | None = None) -> None:
        done = Delivery(channel=channel.name, at=at, by=by, result=result, why=why and why[:300])
        store.settle(id_, done)

    try:
        channel.send(letter)
    except Busy as error:
        settle("busy", error.why)
        raise ServiceUnavailable(f"{channel.name} did not take the report: {error.why}") from None
    except Refused as error:
        settle("refused", error.why)
        raise TocsinError(f"{channel.name} refused the report: {error.why}") from None
    settle("delivered")
    say(f"{channel.name} took the report {id_}")


def _channel(name: str, settings: AlertsSettings) -> "Email":
    from sinks.alerts.channels.channels_file import load_channels
    from sinks.alerts.channels.mail import Email

    if settings.channels is None:
        raise ConfigurationError(
            "TOCSIN_ALERTS_CHANNELS is not set; it names the channels file (docs/alerts.md)"
        )
    channels = {each.name: each for each in load_channels(settings.channels, settings)}
    if name not in channels:
        raise ConfigurationError(
            f"{settings.channels} has no channel {name}; {did_you_mean(name, channels)}"
        )
    found = channels[name]
    if not isinstance(found, Email):
        raise ConfigurationError(f"channel {name} is no e-mail channel; a report goes by mail")
    return found


def _brands(file: Path | None) -> Mapping[str, Brand]:
    if file is not None:
        return {brand.id: brand for brand in load_brands(file)}
    return decoded_brands(current_brands(load(KafkaSettings)))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigurationError("this account has no user name; add --by NAME") from None

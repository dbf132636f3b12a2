"""Kept reports: make, list, open and delete them; as page, PDF, CSV and JSON."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from queries.language.errors import QueryError
from runtime import tower_metrics
from runtime.logs import get_logger
from schemas.errors import ServiceUnavailable, TocsinError
from sinks.elasticsearch.connection import elasticsearch_errors
from tower.application import (
    Tower,
    for_person,
    problem,
    tower_of,
    words_of,
)
from tower.desk.jobs import TooManyJobs
from tower.pages.page_table import REPORT, REPORTS
from tower.pages.vocabulary import Words
from tower.questions.alert_list import ALERTS, AlertsAnswer, AlertsAsk, ListedAlert
from tower.questions.question import Context
from tower.questions.scope import BadParameter, value_clause
from tower.reports.pdf_job import MODULE, NOT_INSTALLED, pdf_of
from tower.reports.report_blocks import (
    PEERS,
    Block,
    blocks_of,
    csv_of,
    facts_of,
    heading_of,
    section_title,
)
from tower.reports.report_kinds import KINDS, ReportAsk, report_id, settled
from tower.reports.report_lookup import OpenedReport, open_report
from tower.reports.report_maker import make_report
from tower.reports.report_store import ReportStore, StoredReport
from tower.reports.report_view import panels_of, pdf_request, report_view
from tower.request_parameters import MAX_PARAMETERS, form_of
from tower.routes.page_routes import page_response, view_of
from tower.security.users import Person

WIDE: Final = frozenset({"facts", "volume", "alarms", "found", "map", "presence"})
ALERTS_OF: Final = "90d"
MAX_PICKED: Final = 50
"""Alerts of the last days that the page offers."""
_NO_CACHE: Final = {"Cache-Control": "no-store"}
log = get_logger("tower")
T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """A line of the list."""

    report: StoredReport
    heading: str


async def _stored(tower: Tower, act: Callable[[ReportStore], T]) -> T:
    """What an act on the store gives; in a thread of the searches.

    :raises ServiceUnavailable: Elasticsearch does not answer.
    """
    client, threads = tower.search.in_thread()
    store = ReportStore(client, tower.search.names)

    def work() -> T:
        with elasticsearch_errors(tower.search.settings):
            return act(store)

    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _names(tower: Tower) -> Mapping[str, str]:
    return {id_: brand.name for id_, brand in tower.known_brands().items()}


@for_person()
async def listing(request: Request, person: Person) -> Response:
    """The page of kinds and kept reports."""
    tower = tower_of(request)
    view, wrong_view = view_of(tower, request, REPORTS, person)
    error, reports = "", list[StoredReport]()
    try:
        reports = await _stored(tower, ReportStore.newest)
    except TocsinError as wrong:
        error = str(wrong)
    words, names = view.words, _names(tower)
    yesterday = view.now.astimezone(words.zone).date() - timedelta(days=1)
    kept = [
        Kept(one, heading_of(OpenedReport(one, {}), Words(words.language, one.time_zone), names))
        for one in reports
    ]
    alerts = list[ListedAlert]()
    if person.may("desk"):
        recent = await tower.answers.ask(ALERTS, AlertsAsk(last=ALERTS_OF, size=MAX_PICKED))
        alerts = cast("AlertsAnswer", recent.answer).alerts if recent.answer else []
    return await page_response(
        tower,
        request,
        REPORTS,
        view,
        wrong_view,
        template="reports.html",
        kinds=KINDS,
        alerts=alerts,
        brands=list(tower.known_brands().values()),
        yesterday=yesterday.isoformat(),
        kept=kept,
        failed=error,
        told=request.query_params.get("told", "")[:400],
    )


@for_person("desk")
async def make(request: Request, person: Person) -> Response:
    """A form of the page: to the report, or back with what is wrong."""
    try:
        form = form_of(await request.body())
        made = await _made(tower_of(request), ask_of_form(form), person)
    except TocsinError as error:
        return RedirectResponse(f"/reports?told={quote(str(error)[:400])}", 303)
    return RedirectResponse(f"/reports/{quote(made.id)}", 303)


def ask_of_form(form: Mapping[str, str]) -> ReportAsk:
    """The parameters of a form, or of a command; ``brand`` is a query for it.

    :raises BadParameter: one is unknown, missing, or has a wrong value.
    """
    kept = {name: value.strip() for name, value in form.items() if value.strip()}
    brand = kept.pop("brand", "")
    if brand and not kept.get("q"):
        kept["q"] = value_clause("brand", brand) or ""
    if len(kept) > MAX_PARAMETERS:
        raise BadParameter("", "there are too many parameters")
    try:
        return msgspec.convert(kept, ReportAsk, strict=False)
    except msgspec.ValidationError as error:
        raise BadParameter("", str(error)) from None


async def _made(tower: Tower, ask: ReportAsk, person: Person) -> StoredReport:
    context = Context(tower.clock(), tower.known_brands())
    id_ = report_id(settled(ask, context.now), context.now)
    known = await _stored(tower, lambda store: store.get(id_))
    if known is not None and known.final:
        return known
    report = await make_report(tower.answers, context, ask, person.name)
    kept = await _stored(tower, lambda store: store.keep(report))
    log.info("a report was made", report=kept.id, person=person.name)
    return kept


@for_person("desk")
async def make_as_json(request: Request, person: Person) -> Response:
    """``POST /api/v1/reports``: 201 with its id and address."""
    try:
        ask = msgspec.json.decode(await request.body(), type=ReportAsk)
        made = await _made(tower_of(request), ask, person)
    except msgspec.MsgspecError as error:
        return problem(422, "Bad body", str(error))
    except QueryError as error:
        return problem(422, "Bad query", error.message, parameter="q", hint=error.hint)
    except BadParameter as error:
        return problem(422, "Bad parameter", str(error), parameter=error.name)
    except ServiceUnavailable as error:
        return problem(503, "No answer", str(error))
    headers = {"Location": f"/api/v1/reports/{quote(made.id)}"}
    body = msgspec.json.encode({"id": made.id})
    return Response(body, 201, headers, media_type="application/json")


async def _opened(request: Request) -> OpenedReport | Response:
    """The report of the path with what is still there, or why not."""
    tower, id_ = tower_of(request), request.path_params["id"]
    try:
        report = await _stored(tower, partial(_get, id_))
    except TocsinError as error:
        return problem(503, "No answer", str(error))
    if report is None:
        return problem(404, "Not found", "there is no report with this id")
    return await open_report(tower.answers, tower.hub.withdrawn, report)


def _get(id_: str, store: ReportStore) -> StoredReport | None:
    return store.get(id_)


@for_person()
async def report(request: Request, person: Person) -> Response:
    """The page of one report."""
    opened = await _opened(request)
    if isinstance(opened, Response):
        return opened
    tower, found = tower_of(request), opened.report
    asked, _ = view_of(tower, request, REPORT, person)
    words = Words(asked.words.language, found.time_zone)
    inner = report_view(found, words, person, asked.theme)
    text = tower.renderer.page(
        "report.html",
        view=replace(inner, path=asked.path),
        events=asked.link("/events", page="alerts"),
        panel_view=inner,
        t=words,
        report=found,
        heading=heading_of(opened, words, _names(tower)),
        facts=facts_of(opened, words),
        panels=panels_of(tower.renderer, opened, inner),
        titles={name: section_title(words, name) for name in opened.sections},
        tables=_comparison(opened, words),
        wide=WIDE,
        told=request.query_params.get("told", "")[:400],
    )
    response = HTMLResponse(text)
    if (lang := request.query_params.get("lang", "")) in asked.languages:
        response.set_cookie("lang", lang, max_age=31_536_000, samesite="strict")
    return response


def _comparison(opened: OpenedReport, words: Words) -> list[Block]:
    """The tables of a comparison, which no panel has."""
    return [one for one in blocks_of(opened, words, texts=True) if one.name in PEERS and one.rows]


@for_person()
async def report_as_json(request: Request, person: Person) -> Response:
    """``GET /api/v1/reports/{id}``: parameters, deliveries, and each answer with its question."""
    opened = await _opened(request)
    if isinstance(opened, Response):
        return opened
    found = opened.report
    body = {
        **{name: getattr(found, name) for name in found.__struct_fields__ if name != "sections"},
        "missing": opened.missing,
        "lookup_error": opened.error,
        "sections": [
            {
                "name": name,
                "question": section.panel.question.name,
                "ask": section.ask,
                "answer": section.answer,
            }
            for name, section in opened.sections.items()
        ],
    }
    return Response(msgspec.json.encode(body), 200, _NO_CACHE, "application/json")


@for_person()
async def listing_as_json(request: Request, person: Person) -> Response:
    """``GET /api/v1/reports``: the newest, without their answers."""
    try:
        reports = await _stored(tower_of(request), ReportStore.newest)
    except TocsinError as error:
        return problem(503, "No answer", str(error))
    return Response(msgspec.json.encode({"reports": reports}), media_type="application/json")


@for_person()
async def report_csv(request: Request, person: Person) -> Response:
    opened = await _opened(request)
    if isinstance(opened, Response):
        return opened
    name = request.path_params["name"]
    table = csv_of(opened, name, texts=True)
    if table is None:
        return problem(404, "Not found", "the report has no such table")
    file = f"{opened.report.id}-{name}.csv"
    headers = {**_NO_CACHE, "Content-Disposition": f'attachment; filename="{file}"'}
    return Response(table, 200, headers, "text/csv; charset=utf-8")


@for_person()
async def report_pdf(request: Request, person: Person) -> Response:
    """The PDF, made in a process; without the package, how to install it or to print the page."""
    opened = await _opened(request)
    if isinstance(opened, Response):
        return opened
    tower, found = tower_of(request), opened.report
    words = Words(words_of(request).language, found.time_zone)
    drawn = pdf_request(opened, report_view(found, words), words, _names(tower), texts=True)
    try:
        job = tower.jobs.start("report", MODULE, person.name, drawn)
    except TooManyJobs:
        tower_metrics.TOWER_REFUSED.labels("rate").inc()
        return _no_pdf(request, found, 429, words("report.pdf_failed", "another job is running"))
    await tower.jobs.ended(job)
    # It has texts of posts: the file is for who asked, not for the list of jobs.
    pdf, job.result = pdf_of(job.result), None
    if job.state == "failed" or not pdf:
        why = job.error or ""
        missing = why == NOT_INSTALLED
        told = words("report.no_pdf") if missing else words("report.pdf_failed", why[:200])
        return _no_pdf(request, found, 501 if missing else 503, told)
    headers = {**_NO_CACHE, "Content-Disposition": f'inline; filename="{found.id}.pdf"'}
    return Response(pdf, 200, headers, "application/pdf")


def _no_pdf(request: Request, found: StoredReport, status: int, told: str) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/reports/{quote(found.id)}?told={quote(told)}", 303)
    return problem(status, "No PDF", told)


@for_person("admin")
async def delete(request: Request, person: Person) -> Response:
    tower, id_ = tower_of(request), request.path_params["id"]
    try:
        if form_of(await request.body()).get("sure") != "yes":
            return RedirectResponse(f"/reports/{quote(id_)}", 303)
        await _stored(tower, lambda store: store.delete(id_))
    except TocsinError as error:
        return RedirectResponse(f"/reports?told={quote(str(error)[:400])}", 303)
    log.info("a report was deleted", report=id_[:100], person=person.name)
    return RedirectResponse("/reports", 303)


def report_routes() -> list[Route]:
    routes: list[tuple[str, Any, str]] = [
        ("/reports", listing, "GET"),
        ("/reports", make, "POST"),
        ("/reports/{id}.pdf", report_pdf, "GET"),
        ("/reports/{id}/delete", delete, "POST"),
        ("/reports/{id}/{name}.csv", report_csv, "GET"),
        ("/reports/{id}", report, "GET"),
        ("/api/v1/reports", listing_as_json, "GET"),
        ("/api/v1/reports", make_as_json, "POST"),
        ("/api/v1/reports/{id}", report_as_json, "GET"),
    ]
    return [Route(path, handle, methods=[method]) for path, handle, method in routes]

"""The room of an alert, and what people do in it: as a page's forms, and as JSON."""

import asyncio
import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from brands.alert_policy import playbook_of
from runtime import tower_metrics
from schemas.brand import Brand
from schemas.errors import ConfigurationError, ServiceUnavailable
from tower.answers import Asked
from tower.application import Tower, for_person, problem, tower_of
from tower.desk.alert_acts import (
    ACTS,
    NoSuchAlert,
    SomebodyElse,
    perform,
    request_of,
)
from tower.desk.backtest_job import (
    MAX_SENSITIVITY,
    MIN_SENSITIVITY,
    BacktestRequest,
    BacktestResult,
)
from tower.desk.jobs import Job, TooManyJobs
from tower.pages.page_table import ALERT_ROOM
from tower.pages.view import View, utc_text
from tower.questions.alert_list import ALERT, AlertAnswer, AlertAsk, ListedAlert
from tower.questions.question import Ask
from tower.request_parameters import form_of
from tower.routes.page_routes import page_response, view_of
from tower.routes.query_routes import dry_run_result
from tower.security.users import Person
from tower.withdrawn_answers import without_withdrawn

BEFORE: Final = timedelta(hours=3)
AFTER: Final = timedelta(hours=1)
BACKTEST_WINDOW: Final = timedelta(days=7)


@for_person()
async def room(request: Request, person: Person) -> Response:
    """The page of one alert."""
    tower = tower_of(request)
    found, error = await _found(tower, request.path_params["id"])
    if found is None:
        return problem(404 if error is None else 503, "No such alert", error or "")
    view, wrong = view_of(tower, request, ALERT_ROOM, person)
    around = _around(view, found)
    brand = tower.known_brands().get(found.alert.brand)
    job = tower.jobs.get(request.query_params.get("job", ""))
    if job is not None and (job.by != person.name or job.kind != "backtest"):
        job = None
    return await page_response(
        tower,
        request,
        ALERT_ROOM,
        around,
        wrong,
        template="alert.html",
        found=found,
        brand=brand,
        playbook=_playbook(view, brand, found),
        conflict=request.query_params.get("conflict", "")[:300],
        job=job,
        backtest=_result(job),
        sensitivity=brand.alerts.sensitivity if brand else 1.0,
    )


def _around(view: View, found: ListedAlert) -> View:
    """The view of the brand around the alert; its query is a brand's, not the reader's."""
    alert = found.alert
    until = (found.ends_at or view.now) + AFTER
    ids = [post.id for post in alert.evidence.shown][:20]
    ask = Ask(q=f"brand:{alert.brand}", since=alert.began_at - BEFORE, until=until, tz=view.ask.tz)
    inner = Ask(q=ask.q, since=alert.began_at, until=found.ends_at or until - AFTER, tz=view.ask.tz)
    extra = {**view.extra, "ids": msgspec.json.encode(ids).decode()}
    # A click, or another page, goes on with the brand and the time of the alert.
    params = {name: value for name, value in view.params.items() if name != "last"}
    params |= {"q": ask.q, "since": utc_text(alert.began_at - BEFORE), "until": utc_text(until)}
    return dataclasses.replace(
        view,
        ask=ask,
        inner=inner,
        params=params,
        extra=extra,
        since=ask.since,
        until=ask.until,
        brand=alert.brand,
        clicks="/live",
    )


async def _found(tower: Tower, alert_id: str) -> tuple[ListedAlert | None, str | None]:
    asked: Asked = without_withdrawn(
        tower.hub.withdrawn, await tower.answers.ask(ALERT, AlertAsk(id=alert_id[:512]))
    )
    answer = cast("AlertAnswer | None", asked.answer)
    return (None, asked.error) if answer is None else (answer.found, None)


def _playbook(view: View, brand: Brand | None, found: ListedAlert) -> str:
    severity = max(found.alert.severity, found.gravest.severity if found.gravest else 1)
    own = playbook_of(brand.alerts, severity) if brand else None
    return own or view.words(f"playbook.{severity}")


def _result(job: Job | None) -> BacktestResult | None:
    if job is None or job.state != "done":
        return None
    return msgspec.convert(job.result, BacktestResult)


@for_person("desk")
async def act(request: Request, person: Person) -> Response:
    """A form of the room: back to the room, with what somebody else did if it was too late."""
    alert_id = request.path_params["id"]
    target = f"/alerts/{quote(alert_id)}"
    try:
        given = form_of(await request.body())
        await _perform(tower_of(request), alert_id, request.path_params["act"], person, given)
    except NoSuchAlert:
        return problem(404, "No such alert")
    except (SomebodyElse, ConfigurationError, ServiceUnavailable) as error:
        return RedirectResponse(f"{target}?conflict={quote(str(error)[:300])}", 303)
    return RedirectResponse(target, 303)


@for_person("desk")
async def act_as_json(request: Request, person: Person) -> Response:
    try:
        given = msgspec.json.decode(await request.body() or b"{}", type=dict[str, str | int])
        texts = {name: str(value) for name, value in given.items()}
        document = await _perform(
            tower_of(request),
            request.path_params["id"],
            request.path_params["act"],
            person,
            texts,
        )
    except msgspec.MsgspecError as error:
        return problem(422, "Bad body", str(error))
    except NoSuchAlert:
        return problem(404, "No such alert")
    except SomebodyElse as error:
        found, _ = await _found(tower_of(request), request.path_params["id"])
        return problem(409, "Somebody else did", str(error), current=msgspec.to_builtins(found))
    except ConfigurationError as error:
        return problem(422, "Bad body", str(error))
    except ServiceUnavailable as error:
        return problem(503, "No answer", str(error))
    return Response(msgspec.json.encode({"desk": document["desk"]}), media_type="application/json")


async def _perform(
    tower: Tower, alert_id: str, act_: str, person: Person, given: Mapping[str, str]
) -> Any:
    if act_ not in ACTS:
        raise NoSuchAlert(alert_id)
    wanted = request_of(act_, person.name, given)
    client, threads = tower.search.in_thread()
    names = tower.search.names
    work = partial(
        perform, client, tower.search.settings, names.alerts, alert_id, wanted, tower.clock()
    )
    document = await asyncio.get_running_loop().run_in_executor(threads, work)
    tower.answers.forget_alerts()
    tower.hub.tell_desk(alert_id, person.name, act_)
    return document


@for_person("desk")
async def backtest(request: Request, person: Person) -> Response:
    """Start a back-test of the alert's brand; 202 with the job, or back to the room."""
    tower, alert_id = tower_of(request), request.path_params["id"]
    found, error = await _found(tower, alert_id)
    if found is None:
        return problem(404 if error is None else 503, "No such alert", error or "")
    brand = tower.known_brands().get(found.alert.brand)
    as_page = not request.url.path.startswith("/api/")
    target = f"/alerts/{quote(alert_id)}"
    try:
        if brand is None:
            raise ConfigurationError(f"the brand {found.alert.brand} is not published any more")
        form = form_of(await request.body())
        asked = _asked(brand, found, form.get("sensitivity", "1"), tower.clock())
        job = tower.jobs.start("backtest", "tower.desk.backtest_job", person.name, asked)
    except TooManyJobs:
        tower_metrics.TOWER_REFUSED.labels("rate").inc()
        if as_page:
            return RedirectResponse(f"{target}?conflict=another+back-test+is+running", 303)
        return problem(429, "Too many jobs", "another back-test is running")
    except ConfigurationError as wrong:
        if as_page:
            return RedirectResponse(f"{target}?conflict={quote(str(wrong)[:300])}", 303)
        return problem(422, "Bad body", str(wrong))
    if as_page:
        return RedirectResponse(f"{target}?job={job.id}#backtest", 303)
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    return Response(msgspec.json.encode(job), 202, headers, media_type="application/json")


def _asked(brand: Brand, found: ListedAlert, text: str, now: datetime) -> BacktestRequest:
    try:
        sensitivity = float(text.replace(",", "."))
    except ValueError:
        sensitivity = 0.0
    if not MIN_SENSITIVITY <= sensitivity <= MAX_SENSITIVITY:
        raise ConfigurationError(f"a sensitivity is from {MIN_SENSITIVITY} to {MAX_SENSITIVITY:g}")
    until = min(now, (found.ends_at or now) + timedelta(days=1))
    since = min(found.alert.began_at - timedelta(days=1), until - BACKTEST_WINDOW)
    return BacktestRequest(brand=brand, since=since, until=until, sensitivity=sensitivity)


@for_person()
async def job(request: Request, person: Person) -> Response:
    """The state of a job, for who started it."""
    tower = tower_of(request)
    found = tower.jobs.get(request.path_params["id"])
    if found is None or found.by != person.name:
        return problem(404, "No such job")
    if (result := dry_run_result(tower, found)) is not None:
        found = msgspec.structs.replace(found, result=result)
    return Response(msgspec.json.encode(found), media_type="application/json")

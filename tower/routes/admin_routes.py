"""For operators and administrators: what ``tocsin doctor`` says, and erasures.

Both run as the command line does them, in a process of their own: there is one erasure, one doctor.
"""

import re
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from runtime.logs import get_logger
from schemas.errors import ConfigurationError
from tower.application import Tower, for_person, tower_of
from tower.desk.jobs import Job, TooManyJobs
from tower.pages.page_table import ERASURE, OPS
from tower.request_parameters import form_of
from tower.routes.page_routes import page_response, view_of
from tower.security.users import Person

FRESH_S: Final = 30.0
"""How long what the doctor said counts."""
FLOW_S: Final = 1.0
"""How long the page waits for the flow; the next look at the page has it."""
_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
MAX_AUTHOR: Final = 500
log = get_logger("tower")


@for_person()
async def ops(request: Request, person: Person) -> Response:
    tower = tower_of(request)
    view, error = view_of(tower, request, OPS, person)
    checked = _doctor(tower, person)
    findings = checked.result if checked is not None and checked.state == "done" else None
    return await page_response(
        tower,
        request,
        OPS,
        view,
        error,
        template="ops.html",
        job=checked if checked is not None and checked.by == person.name else None,
        findings=findings if isinstance(findings, list) else [],
        flows=await tower.flow.flows(FLOW_S) if tower.flow is not None else [],
        flow_error=tower.flow.error if tower.flow is not None else "",
        checked_at=checked.at if checked is not None else None,
    )


def _doctor(tower: Tower, person: Person) -> Job | None:
    """The last check, or a new one if that is old."""
    last = tower.jobs.newest("doctor")
    if last is not None and (
        last.state == "running"
        or (last.at is not None and (tower.clock() - last.at).total_seconds() < FRESH_S)
    ):
        return last
    arguments = ["doctor", "--no-models", "--format", "json"]
    try:
        started = tower.jobs.start(
            "doctor", "tocsin", person.name, arguments=arguments, statuses=(0, 1, 2)
        )
    except TooManyJobs:
        return last
    return last if last is not None and last.state == "done" else started


@for_person("admin")
async def erasure(request: Request, person: Person) -> Response:
    tower = tower_of(request)
    view, error = view_of(tower, request, ERASURE, person)
    job = tower.jobs.get(request.query_params.get("job", ""))
    return await page_response(
        tower,
        request,
        ERASURE,
        view,
        error,
        template="erasure.html",
        job=job if job is not None and job.by == person.name else None,
        told=request.query_params.get("told", "")[:300],
    )


@for_person("admin")
async def erase(request: Request, person: Person) -> Response:
    """Erase an author, or search every place for what is left, as ``tocsin erase`` does."""
    try:
        form = form_of(await request.body())
    except ConfigurationError as error:
        return RedirectResponse("/erasure?told=" + quote(str(error)), 303)
    source, author, act = (form.get(name, "").strip() for name in ("source", "author", "act"))
    if not _SOURCE.fullmatch(source) or not 0 < len(author) <= MAX_AUTHOR or "\0" in author:
        return RedirectResponse("/erasure?told=" + quote("write a source and an account id"), 303)
    if act == "erase" and form.get("sure") != "yes":
        return RedirectResponse("/erasure?told=" + quote("tick that it is for good"), 303)
    options = ["--yes"] if act == "erase" else ["--check", "--json", "--seconds", "60"]
    try:
        job = tower_of(request).jobs.start(
            "erasure",
            "tocsin",
            person.name,
            # After "--" nothing of a stranger is an option.
            arguments=["erase", *options, "--", source, author],
            statuses=(0, 1),
        )
    except TooManyJobs:
        return RedirectResponse("/erasure?told=" + quote("another job is running"), 303)
    log.info("an erasure was asked for", act=act, source=source, person=person.name)
    return RedirectResponse(f"/erasure?job={job.id}", 303)

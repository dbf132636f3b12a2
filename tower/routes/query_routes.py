"""The editor of queries and brands: errors, warnings, an explanation, a preview, and a dry run.

A brand goes live only with the query that a dry run was made of.
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from brands.brand_query import query_of
from queries.elasticsearch.index_compiler import compile_query
from queries.elasticsearch.kql import kql_of
from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.tools.explain import explain
from queries.tools.lint import lint
from runtime.logs import get_logger
from schemas.brand import Brand
from schemas.errors import ConfigurationError, TocsinError
from tower.application import Tower, for_person, problem, tower_of
from tower.desk.dry_run_job import DryRunRequest, DryRunResult
from tower.desk.jobs import Job, TooManyJobs
from tower.pages.page_table import QUERY_EDITOR
from tower.questions.question import Context
from tower.questions.scope import parsed
from tower.request_parameters import form_of
from tower.routes.page_routes import page_response, view_of
from tower.security.users import Person
from tower.withdrawn_answers import dry_run_without_withdrawn

DRY_RUN: Final = timedelta(days=1)
MAX_LINES: Final = 200
log = get_logger("tower")


@for_person()
async def editor(request: Request, person: Person) -> Response:
    tower = tower_of(request)
    view, error = view_of(tower, request, QUERY_EDITOR, person)
    brands = tower.known_brands()
    brand = brands.get(request.query_params.get("brand", ""))
    text = view.params.get("q", "")
    if not text and brand is not None:
        text = brand.query or format_query(query_of(brand))
        return RedirectResponse(view.link(None, q=text, brand=brand.id), 303)
    facts = _facts(text, view.now, brand) if error is None and text.strip() else {}
    job = tower.jobs.get(request.query_params.get("job", ""))
    own = job if job is not None and job.by == person.name else None
    return await page_response(
        tower,
        request,
        QUERY_EDITOR,
        view,
        error,
        template="queries.html",
        facts=facts,
        brands=list(brands.values()),
        brand=brand,
        job=own,
        dry_run=dry_run_result(tower, own),
        told=request.query_params.get("told", "")[:300],
    )


def _facts(text: str, now: Any, brand: Brand | None) -> dict[str, Any]:
    """What the language says of a query that is right."""
    node = parsed(text, Context(now))
    if node is None:
        return {}
    languages = brand.languages if brand is not None and brand.languages else None
    compiled = compile_query(node)
    return {
        "warnings": [warning.show(text) for warning in lint(node, languages)][:MAX_LINES],
        "explanation": explain(node)[:MAX_LINES],
        "canonical": format_query(node),
        "kql": kql_of(compiled),
        "dsl": msgspec.json.format(msgspec.json.encode(compiled), indent=1).decode(),
    }


def dry_run_result(tower: Tower, job: Job | None) -> DryRunResult | None:
    if job is None or job.state != "done" or job.kind != "dry-run":
        return None
    result = msgspec.convert(job.result, DryRunResult)
    return dry_run_without_withdrawn(tower.hub.withdrawn, result)


def wanted_brand(brands: dict[str, Brand], given: dict[str, str]) -> tuple[Brand | None, Brand]:
    """The brand as it is published, and as it would be.

    :raises ConfigurationError: the id or the query is wrong.
    """
    before = brands.get(given.get("brand", ""))
    query = given.get("q", "").strip()
    if not query:
        raise ConfigurationError("the query is empty")
    if before is not None:
        after = replace(before, query=query)
    else:
        name = given.get("name", "").strip()[:100]
        raw = {"id": given.get("id", "").strip(), "name": name, "query": query}
        try:
            after = msgspec.convert(raw, Brand)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"the brand is not right: {error}") from None
        if after.id in brands:
            raise ConfigurationError(f"there is a brand {after.id} already; choose it")
    query_of(after)
    return before, after


@for_person("desk")
async def dry_run(request: Request, person: Person) -> Response:
    """Start a dry run over the last day's posts in Kafka."""
    tower, given = tower_of(request), {}
    try:
        given = form_of(await request.body())
        before, after = wanted_brand(dict(tower.known_brands()), given)
        asked = DryRunRequest(before=before, after=after, since=tower.clock() - DRY_RUN)
        job = tower.jobs.start("dry-run", "tower.desk.dry_run_job", person.name, asked)
    except TooManyJobs:
        return _back(given, "another job is running")
    except (QueryError, ConfigurationError) as error:
        return _back(given, str(error))
    tower.dry_runs[job.id] = asked
    while len(tower.dry_runs) > MAX_LINES:
        del tower.dry_runs[next(iter(tower.dry_runs))]
    return _back(given, "", job=job.id)


@for_person("admin")
async def publish(request: Request, person: Person) -> Response:
    """Publish a brand with the query of a dry run that is done."""
    tower, given = tower_of(request), {}
    try:
        given = form_of(await request.body())
        after = _tried(tower, given, person)
        await _publish(tower, after, person)
    except TocsinError as error:
        return _back(given, str(error))
    return _back({**given, "brand": after.id}, "published")


def _tried(tower: Tower, given: dict[str, str], person: Person) -> Brand:
    """The brand of a dry run that is done.

    :raises ConfigurationError: there is none, or it was of something else.
    """
    job, tried = tower.jobs.get(given.get("job", "")), tower.dry_runs.get(given.get("job", ""))
    if job is None or tried is None or job.state != "done" or job.by != person.name:
        raise ConfigurationError("make a dry run first")
    if tried.after.query != given.get("q", "").strip():
        raise ConfigurationError("the query is not the one of the dry run; make another")
    # Or what somebody else published meanwhile would be lost.
    if tower.known_brands().get(tried.after.id) not in (tried.before, tried.after):
        raise ConfigurationError("somebody else published this brand since; make another dry run")
    return tried.after


async def _publish(tower: Tower, brand: Brand, person: Person) -> None:
    work = partial(tower.publish, tower.kafka, [brand], keep_others=True)
    await asyncio.to_thread(work)
    log.info("a brand was published", brand=brand.id, person=person.name)


def _back(given: dict[str, str], told: str, job: str = "") -> Response:
    kept = {
        name: given[name] for name in ("q", "brand", "last", "since", "until") if given.get(name)
    }
    kept |= {"told": told[:300]} if told else {}
    kept |= {"job": job or given.get("job", "")} if job or given.get("job") else {}
    query = "&".join(f"{name}={quote(value)}" for name, value in kept.items())
    return RedirectResponse(f"/queries?{query}", 303)


@for_person()
async def lint_as_json(request: Request, person: Person) -> Response:
    """``POST /api/v1/queries/lint``: ``{"q": ...}`` to errors, warnings, explanation, KQL."""
    try:
        given = msgspec.json.decode(await request.body(), type=dict[str, str])
        text = given.get("q", "")[:4_000]
        facts = _facts(text, tower_of(request).clock(), None)
    except msgspec.MsgspecError as error:
        return problem(422, "Bad body", str(error))
    except QueryError as error:
        return problem(
            422, "Bad query", error.message, parameter="q", start=error.start, end=error.end,
            hint=error.hint,
        )  # fmt: skip
    return Response(msgspec.json.encode(facts), media_type="application/json")

"""Pages: every panel is asked at once; what takes longer than a moment arrives by itself."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from queries.elasticsearch.kibana_link import discover_url
from queries.language.errors import QueryError
from runtime import tower_metrics
from schemas.errors import ConfigurationError
from tower.answers import Asked
from tower.application import (
    Tower,
    for_person,
    problem,
    tower_of,
    words_of,
)
from tower.pages.page_table import PAGES, SPECIAL, Page, Panel
from tower.pages.view import KEPT, Tab, View
from tower.pages.vocabulary import Words
from tower.questions.question import Ask, Context
from tower.questions.scope import parsed, scope_of, window, with_clause
from tower.request_parameters import page_ask
from tower.routes.tab_routes import tabs_of_person
from tower.security.users import Person
from tower.withdrawn_answers import without_withdrawn

WAIT_S: Final = 0.6
"""How long a page waits for its panels; later ones are fetched by the page."""
PATIENCE_S: Final = 30.0
"""How long a fragment waits."""
MAX_BRAND_TABS: Final = 20
THEMES: Final = frozenset({"light", "dark"})


def route_of(page: Page) -> Any:
    """The handler of a page of panels."""

    @for_person(page.role)
    async def handle(request: Request, person: Person) -> Response:
        return await _answer(tower_of(request), request, page, person)

    return handle


async def _answer(tower: Tower, request: Request, page: Page, person: Person) -> Response:
    if added := request.query_params.get("add"):
        return _with_clause(request, added)
    with tower_metrics.TOWER_PAGE_SECONDS.time():
        view, error = view_of(tower, request, page, person)
        if page.streams or view.extra.get("kiosk"):
            view = await with_tabs(tower, view)
        return await page_response(tower, request, page, view, error)


async def _fragment(tower: Tower, page: Page, view: View, error: str | None, name: str) -> Response:
    panel = next((one for one in page.panels if one.name == name), None)
    if panel is None or error is not None:
        return problem(404 if error is None else 400, "No such panel", error or "")
    asked = await ask_panels(tower, view, [panel], PATIENCE_S)
    return HTMLResponse(render_panel(tower, view, panel, asked))


def _with_clause(request: Request, added: str) -> Response:
    params = {name: value for name, value in request.query_params.items() if name != "add"}
    params["q"] = with_clause(params.get("q", ""), added[:500])
    return RedirectResponse(f"{request.url.path}?{urlencode(params)}", 303)


def view_of(tower: Tower, request: Request, page: Page, person: Person) -> tuple[View, str | None]:
    """The view, and what is wrong with the query or the window; then the view asks for nothing."""
    words, now = words_of(request), tower.clock()
    params = {name: request.query_params[name] for name in KEPT if request.query_params.get(name)}
    # In the address of a live stream ``after`` is the last event, not a place in a list.
    own = page.extra if request.url.path == "/events" else (*page.extra, "after")
    extra = {name: request.query_params[name] for name in own if request.query_params.get(name)}
    error, brand, ask = None, None, Ask()
    try:
        ask = page_ask(params, words.time_zone)
        scope = scope_of(ask, Context(now))
        brand = scope.brand
        for panel in page.panels if extra and page.name in PAGES else ():
            panel.question.searches(panel.ask(ask, extra), scope)
    except QueryError as wrong:
        error = wrong.show(params.get("q", ""))
    except ConfigurationError as wrong:
        error = str(wrong)
    try:
        since, until = window(ask, now)
        words = Words(words.language, ask.tz)
        words.zone  # noqa: B018
    except (ConfigurationError, KeyError, OSError, ValueError) as wrong:
        error, ask = error or str(wrong), Ask()
        since, until = window(ask, now)
    theme = request.cookies.get("theme", "")
    view = View(
        page=page.name,
        path=request.url.path,
        params=params,
        ask=ask,
        words=words,
        person=person,
        now=now,
        extra=extra,
        since=since,
        until=until,
        brand=brand,
        origin=f"{request.url.scheme}://{request.url.netloc}",
        kibana=_kibana(tower, ask, since, until),
        theme=theme if theme in THEMES else "",
    )
    return view, error


def _kibana(tower: Tower, ask: Ask, since: datetime, until: datetime) -> str | None:
    if not tower.settings.kibana:
        return None
    try:
        return discover_url(tower.settings.kibana, parsed(ask.q, Context(since)), since, until)
    except QueryError:
        return None


async def ask_panels(
    tower: Tower, view: View, panels: list[Panel], wait_s: float, *, stale: bool = False
) -> dict[str, Asked | None]:
    """Panel to its outcome, also of the panels that they need; None: not yet.

    ``stale``: an answer of the last ticks stands in for one that takes long.
    """
    wanted: dict[str, Panel] = {}
    for panel in panels:
        wanted[panel.name] = panel
        wanted |= {other.name: other for other in panel.others}
    asks = [
        (one.question, one.ask(view.inner or view.ask if one.inner else view.ask, view.extra))
        for one in wanted.values()
    ]
    if not asks:
        return {}
    flights = tower.answers.start(asks)
    await asyncio.wait([flight for flight, _ in flights], timeout=wait_s)
    found: dict[str, Asked | None] = {}
    for name, (flight, stable) in zip(wanted, flights, strict=True):
        known = (
            tower.answers.outcome(flight, stable)
            if flight.done()
            else tower.answers.stale(stable)
            if stale
            else None
        )
        found[name] = None if known is None else without_withdrawn(tower.hub.withdrawn, known)
    return found


def render_panel(tower: Tower, view: View, panel: Panel, asked: Mapping[str, Asked | None]) -> str:
    others = {other.name: asked.get(other.name) for other in panel.others}
    return tower.renderer.panel(view, panel, asked.get(panel.name), others)


async def page_response(
    tower: Tower,
    request: Request,
    page: Page,
    view: View,
    error: str | None,
    template: str = "",
    **context: Any,
) -> Response:
    """The whole page, or the one panel that the request asks for."""
    fragment = request.headers.get("fragment")
    if fragment is not None:
        return await _fragment(tower, page, view, error, fragment)
    wait_s = PATIENCE_S if request.query_params.get("wait") else WAIT_S
    asked: Mapping[str, Asked | None] = (
        await ask_panels(tower, view, list(page.panels), wait_s, stale=True)
        if error is None
        else {}
    )
    panels = {panel.name: panel for panel in page.panels}
    tabs = view.tabs
    html = {
        name: render_panel(tower, view, panel, asked) if error is None else ""
        for name, panel in panels.items()
    }
    busy = {name: error is None and asked.get(name) is None for name in panels}
    live = page.streams and view.live and error is None
    text = tower.renderer.page(
        template or ("live.html" if page.name == "live" else "grid.html"),
        view=view,
        t=view.words,
        panels=panels,
        html=html,
        busy=busy,
        waiting=any(busy.values()),
        # Every screen is told what has left the stream, also one without live posts.
        events=view.link("/events", page=page.name if page.name in PAGES else "alerts")
        if error is None
        else "",
        live=live,
        query_error=error,
        tabs=tabs,
        turn=_next_turn(view, tabs),
        heading=_heading(tower, page, view),
        **context,
    )
    response = HTMLResponse(text, 200 if error is None else 400)
    lang = request.query_params.get("lang", "")
    if lang in view.languages:
        response.set_cookie("lang", lang, max_age=31_536_000, samesite="strict")
    return response


async def with_tabs(tower: Tower, view: View) -> View:
    """The view with its tabs, and their queries for the panel that counts them."""
    tabs = await tabs_of(tower, view)
    queries = msgspec.json.encode([tab.query for tab in tabs]).decode()
    return replace(view, tabs=tabs, extra={**view.extra, "queries": queries})


def _heading(tower: Tower, page: Page, view: View) -> str:
    """The name of the brand that the brand page is about."""
    if page.name != "brands" or view.brand is None:
        return ""
    brand = tower.known_brands().get(view.brand)
    return view.brand if brand is None else brand.name


async def tabs_of(tower: Tower, view: View) -> list[Tab]:
    """Everything, each brand, and the person's own."""
    query = view.ask.q.strip()
    tabs = [Tab(view.words("tab.everything"), "", not query)]
    for brand in list(tower.known_brands().values())[:MAX_BRAND_TABS]:
        wanted = f"brand:{brand.id}"
        tabs.append(Tab(brand.name, wanted, query == wanted or query.startswith(f"{wanted} AND ")))
    for saved in await tabs_of_person(tower, view.person):
        tabs.append(Tab(saved.name, saved.query, query == saved.query, own=True))
    return tabs


def _next_turn(view: View, tabs: Sequence[Tab]) -> str:
    """Where a screen in the kiosk goes next: the wall of the next tab."""
    if not view.extra.get("kiosk"):
        return ""
    if not tabs:
        return view.link("/wall", kiosk="1")
    here = next((number for number, tab in enumerate(tabs) if tab.on), -1)
    tab = tabs[(here + 1) % len(tabs)]
    kept = {name: view.extra[name] for name in ("kiosk", "rotate", "order") if name in view.extra}
    return view.link("/wall", q=tab.query, **kept)


def page_routes() -> list[tuple[str, Any]]:
    return [(page.path, route_of(page)) for page in PAGES.values() if page not in SPECIAL]

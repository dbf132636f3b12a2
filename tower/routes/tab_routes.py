"""Saving and taking out tabs."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from runtime.logs import get_logger
from schemas.errors import ConfigurationError, TocsinError
from tower.application import Tower, for_person, problem, tower_of
from tower.desk.tab_store import SavedTab, TabStore, with_tab, without_tab
from tower.request_parameters import form_of
from tower.security.users import Person

MAX_REMEMBERED: Final = 1_000
log = get_logger("tower")


def store_of(tower: Tower) -> TabStore:
    client, _ = tower.search.in_thread()
    return TabStore(client, tower.search.settings, tower.search.names.tabs)


async def tabs_of_person(tower: Tower, person: Person) -> list[SavedTab]:
    """The person's tabs; none where the index does not answer, as the page goes on without."""
    known = tower.saved_tabs.get(person.name)
    if known is not None:
        return known
    _, threads = tower.search.in_thread()
    work = partial(store_of(tower).load, person.name)
    try:
        found = await asyncio.wait_for(
            asyncio.get_running_loop().run_in_executor(threads, work), 1.0
        )
    except (TocsinError, TimeoutError) as error:
        log.warning("the tabs of a person could not be read", why=str(error)[:200])
        return []
    _remember(tower, person, found)
    return found


def _remember(tower: Tower, person: Person, tabs: list[SavedTab]) -> None:
    tower.saved_tabs[person.name] = tabs
    while len(tower.saved_tabs) > MAX_REMEMBERED:
        del tower.saved_tabs[next(iter(tower.saved_tabs))]


async def _change(tower: Tower, person: Person, act: str, name: str, query: str) -> list[SavedTab]:
    def change(tabs: Sequence[SavedTab]) -> list[SavedTab]:
        return without_tab(tabs, name) if act == "remove" else with_tab(tabs, name, query)

    _, threads = tower.search.in_thread()
    work = partial(store_of(tower).change, person.name, tower.clock(), change)
    tabs = await asyncio.get_running_loop().run_in_executor(threads, work)
    _remember(tower, person, tabs)
    return tabs


@for_person()
async def save(request: Request, person: Person) -> Response:
    """A form: save the query as a tab, or take a tab out; back to the live page."""
    try:
        form = form_of(await request.body())
        name, query, act = (form.get(key, "") for key in ("name", "q", "act"))
        await _change(tower_of(request), person, act, name[:200], query)
    except ConfigurationError as error:
        return problem(422, "Bad tab", str(error))
    except TocsinError as error:
        return problem(503, "No answer", str(error))
    return RedirectResponse(f"/live?q={quote(query)}" if query else "/live", 303)


@for_person()
async def tabs_as_json(request: Request, person: Person) -> Response:
    """``GET``, ``PUT`` (``{"query": ...}``) and ``DELETE`` of ``/api/v1/me/tabs/{name}``."""
    tower, name = tower_of(request), request.path_params.get("name", "")
    try:
        if request.method == "PUT":
            given = msgspec.json.decode(await request.body(), type=dict[str, str])
            tabs = await _change(tower, person, "save", name, given.get("query", ""))
        elif request.method == "DELETE":
            tabs = await _change(tower, person, "remove", name, "")
        else:
            tabs = await tabs_of_person(tower, person)
    except (ConfigurationError, msgspec.MsgspecError) as error:
        return problem(422, "Bad tab", str(error))
    except TocsinError as error:
        return problem(503, "No answer", str(error))
    return Response(msgspec.json.encode({"tabs": tabs}), media_type="application/json")

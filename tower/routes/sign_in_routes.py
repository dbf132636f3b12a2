"""Sign in and out: by a link on this machine, or by name and password."""

import asyncio

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from runtime.logs import get_logger
from schemas.errors import ConfigurationError
from tower.application import person_of, tower_of, words_of
from tower.request_parameters import form_of

HOME = "/live"
log = get_logger("tower")


def inside(target: str) -> str:
    """The address to go on to, if it is a path of ours; else the first page."""
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and len(target) < 8_000
    return target if ours and target.isprintable() and "\\" not in target else HOME


async def show(request: Request) -> Response:
    """The form; with ``token``, signs in by a link."""
    target = inside(request.query_params.get("next", ""))
    tower = tower_of(request)
    token = request.query_params.get("token")
    if token is None:
        return _page(request, target, "")
    if person_of(request) is not None:
        return RedirectResponse(target, 303)
    person = tower.identity.sessions.use_link(token)
    if person is None:
        return _page(request, target, "sign_in.spent", 403)
    log.info("signed in by link", person=person.name)
    response = RedirectResponse(target, 303)
    tower.identity.sign_in(response, person)
    return response


async def sign_in(request: Request) -> Response:
    tower = tower_of(request)
    try:
        form = form_of(await request.body())
    except ConfigurationError:
        form = {}
    name, password = form.get("name", ""), form.get("password", "")
    target = inside(form.get("next", ""))
    address = request.client.host if request.client else ""
    # Of the address and of the name: neither many names nor many machines get more attempts.
    within = [tower.attempts.take(each) for each in (f"address {address}", f"name {name[:64]}")]
    if not all(within):
        return _page(request, target, "sign_in.wait", 429)
    accounts = tower.identity.accounts
    person = await asyncio.to_thread(accounts.with_password, name[:64], password)
    if person is None:
        log.warning("sign-in refused", address=address)
        return _page(request, target, "sign_in.wrong", 403)
    log.info("signed in", person=person.name)
    response = RedirectResponse(target, 303)
    tower.identity.sign_in(response, person)
    return response


async def sign_out(request: Request) -> Response:
    response = RedirectResponse("/sign-in", 303)
    tower_of(request).identity.sign_out(request, response)
    return response


def _page(request: Request, target: str, problem: str, status: int = 200) -> Response:
    tower, words = tower_of(request), words_of(request)
    theme = request.cookies.get("theme", "")
    text = tower.renderer.page(
        "sign_in.html",
        t=words,
        target=target,
        problem=words(problem) if problem else "",
        by_password=len(tower.identity.accounts) > 0,
        theme=theme if theme in ("light", "dark") else "",
    )
    return HTMLResponse(text, status)

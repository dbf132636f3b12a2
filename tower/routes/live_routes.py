"""The live stream: one answer a browser that never ends, written at most ten times a second."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from runtime import tower_metrics
from schemas.errors import ConfigurationError
from tower.application import (
    Tower,
    for_person,
    language_of,
    problem,
    tower_of,
)
from tower.live.event_format import KEEP_ALIVE, MAX_POSITION, number_of, written
from tower.live.hub import Listener
from tower.live.panel_push import PanelPush
from tower.pages.page_table import PAGES
from tower.questions.question import Context
from tower.questions.scope import parsed
from tower.routes.page_routes import view_of, with_tabs
from tower.security.users import Person

WRITE_S: Final = 0.1
"""Shortest time between two writes to a browser."""
KEEP_ALIVE_S: Final = 15.0
SESSION: Final = secrets.token_hex(4)
"""Tells the event numbers of this process from those of the one before."""


@for_person(counted=False)
async def events(request: Request, person: Person) -> Response:
    tower = tower_of(request)
    page = PAGES.get(request.query_params.get("page", "live"))
    if page is None or not person.may(page.role):
        return problem(404, "No such page")
    open_streams = tower.hub.listeners()
    own = sum(listener.person == person.name for listener in open_streams)
    if len(open_streams) >= tower.settings.max_streams or (
        own >= tower.settings.max_streams_per_person
    ):
        tower_metrics.TOWER_REFUSED.labels("streams").inc()
        return problem(503, "Too many live streams", "close a tab of the tower")
    view, error = view_of(tower, request, page, person)
    if error is not None:
        return problem(400, "Bad parameter", error)
    try:
        node = parsed(view.ask.q, Context(view.now))
    except ConfigurationError as wrong:
        return problem(400, "Bad query", str(wrong))
    posts = page.streams and view.live
    listener = Listener(view.ask.q.strip(), language_of(request), person.name, posts=posts)
    last = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    after = None if not last else number_of(last[:MAX_POSITION], SESSION)
    push: PanelPush = request.app.state.push
    seen = await with_tabs(tower, view)

    def begin() -> None:
        tower.hub.add(listener, node, -1 if last and after is None else after)
        if posts:
            push.add(listener, page, seen)

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    body = _stream(tower, request, listener, push, begin)
    return StreamingResponse(body, media_type="text/event-stream", headers=headers)


async def _stream(
    tower: Tower,
    request: Request,
    listener: Listener,
    push: PanelPush,
    begin: Callable[[], None],
) -> AsyncIterator[bytes]:
    """``begin`` is called here: a browser that has gone before its answer began leaves nothing."""
    checked_at = tower.clock()
    try:
        begin()
        yield b"retry: 2000\n\n"
        while not listener.closed:
            # A session that ended, or was ended, must not go on by its stream.
            if (tower.clock() - checked_at).total_seconds() >= KEEP_ALIVE_S:
                checked_at = tower.clock()
                if tower.identity.person(request) is None:
                    return
            try:
                await asyncio.wait_for(listener.woken.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                yield KEEP_ALIVE
                continue
            found = listener.take()
            if found:
                for event in found:
                    tower_metrics.TOWER_SENT.labels(event.name).inc()
                yield b"".join(written(event, SESSION) for event in found)
            await asyncio.sleep(WRITE_S)
    finally:
        push.remove(listener)
        tower.hub.remove(listener)

"""The ASGI application: its routes, its static files, and what runs beside the requests."""

import asyncio
import contextlib
import hashlib
import importlib.resources
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from schemas.alert import Alert
from tower.application import Tower, person_of, problem, signed_out
from tower.live.event_format import encoded
from tower.live.panel_push import PanelPush
from tower.live.stream_reader import StreamReader
from tower.pages.page_table import Page
from tower.pages.view import View
from tower.routes import admin_routes, alert_routes, query_routes, tab_routes
from tower.routes.api_routes import api_page, api_routes, openapi
from tower.routes.live_routes import events
from tower.routes.page_routes import ask_panels, page_routes, render_panel
from tower.routes.report_routes import report_routes
from tower.routes.sign_in_routes import HOME, show, sign_in, sign_out
from tower.security.request_guard import RequestGuard, name_of

STATIC: Final[Mapping[str, str]] = {
    "tower.css": "text/css; charset=utf-8",
    "tower.js": "text/javascript; charset=utf-8",
    "land.svg": "image/svg+xml",
    "bell.svg": "image/svg+xml",
}
"""The files that are served, and nothing else."""
_DAY: Final = "public, max-age=86400"


def create_app(tower: Tower, *, read_stream: bool = True) -> Starlette:
    """``read_stream=False``: without Kafka, for tests that feed the hub themselves."""
    push = PanelPush(_pusher(tower), lambda page, view: _look(page, view))
    routes = [
        Route("/", lambda request: RedirectResponse(HOME, 307)),
        Route("/sign-in", show, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/events", events),
        Route("/static/{name}", _static()),
        Route("/api/v1/openapi.json", openapi),
        Route("/api", api_page),
        Route("/alerts/{id:path}/backtest", alert_routes.backtest, methods=["POST"]),
        Route("/alerts/{id:path}/{act}", alert_routes.act, methods=["POST"]),
        Route("/alerts/{id:path}", alert_routes.room),
        Route("/api/v1/alerts/{id:path}/backtest", alert_routes.backtest, methods=["POST"]),
        Route("/api/v1/alerts/{id:path}/{act}", alert_routes.act_as_json, methods=["POST"]),
        Route("/api/v1/jobs/{id}", alert_routes.job),
        Route("/queries", query_routes.editor),
        Route("/queries/dry-run", query_routes.dry_run, methods=["POST"]),
        Route("/queries/publish", query_routes.publish, methods=["POST"]),
        Route("/api/v1/queries/lint", query_routes.lint_as_json, methods=["POST"]),
        Route("/tabs", tab_routes.save, methods=["POST"]),
        Route("/api/v1/me/tabs", tab_routes.tabs_as_json, methods=["GET"]),
        Route("/api/v1/me/tabs/{name}", tab_routes.tabs_as_json, methods=["PUT", "DELETE"]),
        *report_routes(),
        Route("/ops", admin_routes.ops),
        Route("/erasure", admin_routes.erasure),
        Route("/erasure", admin_routes.erase, methods=["POST"]),
        *(Route(path, handle) for path, handle in (*api_routes(), *page_routes())),
    ]
    secure = tower.identity.secure
    hosts = [name_of(host.strip()) for host in tower.settings.hosts.split(",") if host.strip()]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(RequestGuard, hosts=hosts, tls=secure),
            Middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5),
        ],
        exception_handlers={404: _not_found},
        lifespan=_lifespan(tower, push, read_stream),
    )
    app.state.tower = tower
    app.state.push = push
    return app


def _lifespan(tower: Tower, push: PanelPush, read_stream: bool) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        def on_alert(alert: Alert) -> None:
            tower.answers.forget_alerts()
            body = {"id": alert.id, "title": alert.title, "severity": alert.severity}
            tower.hub.broadcast(encoded("alert", body))

        tower.hub.on_withdrawal = tower.answers.forget
        reader = StreamReader(tower.kafka, tower.hub, on_alert, tower.clock)
        if read_stream:
            reader.start()
        ticking = asyncio.create_task(push.run())
        try:
            yield
        finally:
            tower.hub.close()
            reader.stop()
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
            await tower.jobs.close()
            if tower.flow is not None:
                tower.flow.close()
            tower.search.close()

    return lifespan


def _pusher(tower: Tower) -> Callable[[Page, View], Any]:
    async def render(page: Page, view: View) -> Mapping[str, str]:
        panels = [panel for panel in page.panels if panel.pushed]
        asked = await ask_panels(tower, view, panels, 7.0)
        return {
            panel.name: str(render_panel(tower, view, panel, asked))
            for panel in panels
            if asked.get(panel.name) is not None
        }

    return render


def _look(page: Page, view: View) -> tuple[object, ...]:
    """Equal for all browsers that see the same: the theme is theirs alone."""
    params: Sequence[tuple[str, str]] = sorted(view.params.items())
    return (page.name, tuple(params), view.words.language, view.words.time_zone)


def _static() -> Any:
    folder = importlib.resources.files("tower") / "static"
    files = {name: (folder / name).read_bytes() for name in STATIC}
    tags = {name: f'"{hashlib.sha256(body).hexdigest()[:16]}"' for name, body in files.items()}

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            return PlainTextResponse("not found\n", 404)
        headers = {"ETag": tags[name], "Cache-Control": _DAY}
        if request.headers.get("if-none-match") == tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(files[name], 200, headers, STATIC[name])

    return static


async def _not_found(request: Request, error: Exception) -> Response:
    if person_of(request) is None:
        return signed_out(request)
    return problem(404, "Not found", "there is no such page")

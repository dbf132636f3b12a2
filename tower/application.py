"""What the routes share: the parts of the running application, and the person of a request."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from brands.registry import BrandRegistry, publish_brands
from runtime import tower_metrics
from runtime.clock import Clock
from runtime.settings import KafkaSettings, TowerSettings
from schemas.brand import Brand
from tower.answers import Answers
from tower.desk.dry_run_job import DryRunRequest
from tower.desk.flow_watch import FlowWatch
from tower.desk.jobs import Jobs
from tower.desk.tab_store import SavedTab
from tower.live.hub import Hub
from tower.pages.renderer import Renderer
from tower.pages.vocabulary import Language, Words, accepted
from tower.search_client import SearchClient
from tower.security.identity import Identity
from tower.security.rate_limits import Counter, RateLimit, TooMany
from tower.security.users import Account, Person, Role

AT_A_TIME: Final = 8
"""Requests of one person that are answered at the same time."""
Handler = Callable[[Request], Awaitable[Response]]
PersonHandler = Callable[[Request, Person], Awaitable[Response]]


@dataclass
class Tower:
    """The parts, made once in ``tower.service``."""

    settings: TowerSettings
    kafka: KafkaSettings
    search: SearchClient
    answers: Answers
    hub: Hub
    renderer: Renderer
    identity: Identity
    clock: Clock
    brands: BrandRegistry | None = None
    publish: Callable[..., object] = field(default=publish_brands)
    """Brings the topic of brands up to date, as :func:`brands.registry.publish_brands`."""
    flow: FlowWatch | None = None
    requests: Counter = field(default_factory=lambda: Counter(AT_A_TIME))
    jobs: Jobs = field(default_factory=Jobs)
    dry_runs: dict[str, DryRunRequest] = field(default_factory=dict)
    """Job to what it was made of."""
    saved_tabs: dict[str, list[SavedTab]] = field(default_factory=dict)
    """Person to tabs, as last read or written by this process."""
    attempts: RateLimit = field(default_factory=lambda: RateLimit(10, 60.0))

    def known_brands(self) -> Mapping[str, Brand]:
        return {} if self.brands is None else self.brands.brands()


def tower_of(request: Request) -> Tower:
    tower: Tower = request.app.state.tower
    return tower


def person_of(request: Request) -> Person | None:
    return tower_of(request).identity.person(request)


def language_of(request: Request) -> Language:
    """The language of the address, else of the cookie, the account, and the browser."""
    for wanted in (request.query_params.get("lang"), request.cookies.get("lang")):
        if wanted == "fr":
            return "fr"
        if wanted == "en":
            return "en"
    account = _account_of(request)
    if account is not None and account.language:
        return account.language
    return accepted(request.headers.get("accept-language", ""))


def words_of(request: Request) -> Words:
    account = _account_of(request)
    zone = account.time_zone if account is not None else ""
    return Words(language_of(request), zone or tower_of(request).settings.time_zone)


def _account_of(request: Request) -> Account | None:
    person = person_of(request)
    return None if person is None else tower_of(request).identity.accounts.named(person.name)


def problem(status: int, title: str, detail: str = "", **more: Any) -> Response:
    """A problem as RFC 9457 writes it."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


def signed_out(request: Request) -> Response:
    """To the sign-in page, or a problem for a program."""
    tower_metrics.TOWER_REFUSED.labels("signed_out").inc()
    asked_for_page = (
        request.method == "GET"
        and not request.url.path.startswith(("/api/", "/events"))
        and "fragment" not in request.headers
    )
    if asked_for_page:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(target)}", 303)
    return problem(401, "Sign in", "send a session cookie, or a bearer token")


def forbidden(role: str) -> Response:
    tower_metrics.TOWER_REFUSED.labels("role").inc()
    return problem(403, "Forbidden", f"this needs the role {role}")


def for_person(
    role: Role = "reader", *, counted: bool = True
) -> Callable[[PersonHandler], Handler]:
    """A handler that only people of a role reach, each with a few requests at a time.

    ``counted=False``: for what has a limit of its own.
    """

    def decorated(handle: PersonHandler) -> Handler:
        @wraps(handle)
        async def checked(request: Request) -> Response:
            person = person_of(request)
            if person is None:
                return signed_out(request)
            if not person.may(role):
                return forbidden(role)
            if not counted:
                return await handle(request, person)
            try:
                with tower_of(request).requests.one(person.name):
                    return await handle(request, person)
            except TooMany:
                tower_metrics.TOWER_REFUSED.labels("rate").inc()
                return problem(429, "Too many requests", f"at most {AT_A_TIME} at a time")

        return checked

    return decorated

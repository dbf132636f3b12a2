"""A whole application over a fake search, and browsers that send it requests, without a socket."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
from starlette.applications import Starlette

from runtime.settings import KafkaSettings, TowerSettings, load
from schemas.brand import Brand
from tests.tower.fake_search import FakeSearch
from tests.tower.live.sse_parser import SseParser
from tests.tower.questions.corpus import BRANDS, NOW, corpus
from tests.tower.stored_documents import StoredClient
from tower.answers import Answers
from tower.app import create_app
from tower.application import Tower
from tower.live.hub import Hub
from tower.pages.post_card import card_key
from tower.pages.renderer import Renderer
from tower.pages.vocabulary import Words
from tower.questions.question import Context
from tower.security.identity import Identity
from tower.security.sessions import Sessions
from tower.security.users import Account, Accounts, Person, Role, hashed, hashed_token

PASSWORD = "correct horse"
TOKENS = {role: f"token of {role}" for role in ("reader", "desk", "admin")}
BASE = "http://127.0.0.1:8470"


def accounts() -> Accounts:
    """One account a role; each has a token, and ``ana`` a password."""
    own = {
        role: Account(name=role, role=role, tokens=[hashed_token(TOKENS[role])])  # type: ignore[arg-type]
        for role in TOKENS
    }
    return Accounts({"ana": Account(name="ana", role="desk", password=PASSWORD_HASH), **own})


PASSWORD_HASH = hashed(PASSWORD)
RENDERER = Renderer("0.0.0")
"""One for all: it keeps compiled templates and nothing else."""


@dataclass
class Brands:
    """The brands that are listened for."""

    known: Mapping[str, Brand] = field(default_factory=lambda: dict(BRANDS))

    def brands(self) -> Mapping[str, Brand]:
        return self.known


class TowerRig:
    """``passed_s`` moves every clock. Use it within ``with``, since requests share a loop."""

    def __init__(self, users: Accounts | None = None, **settings: Any) -> None:
        self.passed_s = 0.0
        self.users = accounts() if users is None else users
        data = corpus(count=60)
        self.search = FakeSearch(data.mentions, data.alerts)
        given: dict[str, Any] = {"data_dir": Path("/nonexistent"), **settings}
        self.settings = load(TowerSettings, **given)
        self.client = StoredClient()
        self.renderer = RENDERER
        self.brands = Brands()
        self.sessions = Sessions(b"k" * 32, self.users, 12.0, lambda: self.passed_s)
        self.tower = self._tower()
        self.app: Starlette = create_app(self.tower, read_stream=False)
        self._runner = asyncio.Runner()

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed_s)

    def _tower(self) -> Tower:
        proxies = [each.strip() for each in self.settings.proxies.split(",") if each.strip()]
        return Tower(
            settings=self.settings,
            kafka=load(KafkaSettings),
            search=self.client,  # type: ignore[arg-type]
            answers=Answers(self.search, self._context, self.now, lambda: self.passed_s),
            hub=Hub(self._post, card_key, lambda: self.passed_s),
            renderer=self.renderer,
            identity=Identity(
                self.sessions,
                self.users,
                secure=self.settings.tls_cert is not None or bool(proxies),
                proxies=proxies,
                user_header=self.settings.proxy_user_header,
            ),
            clock=self.now,
            brands=self.brands,  # type: ignore[arg-type]
        )

    def _context(self) -> Context:
        return Context(self.now(), self.brands.brands())

    def _post(self, mention: Any, version: int, language: str) -> str:
        return self.renderer.post(mention, version, Words("fr" if language == "fr" else "en"))

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.run(self.tower.jobs.close())
        self.client.close()
        self._runner.__exit__(*exception)

    def run(self, work: Any) -> Any:
        """Runs a coroutine in the loop of the application."""
        return self._runner.run(asyncio.wait_for(work, 30))

    def browser(
        self, role: Role | None = None, *, address: str = "127.0.0.1", base: str = BASE
    ) -> "Browser":
        """A browser; with a role, one whose person is signed in by a session."""
        browser = Browser(self, address, base)
        if role is not None:
            browser.sign_in(Person(role, role))
        return browser

    def program(self, role: str = "reader") -> "Browser":
        """A program with a token."""
        browser = Browser(self, "127.0.0.1", BASE)
        browser.headers["authorization"] = f"Bearer {TOKENS[role]}"
        return browser


class Browser:
    """Cookies are kept as a browser does; redirects are not followed."""

    def __init__(self, rig: TowerRig, address: str, base: str) -> None:
        self._rig = rig
        self._address = address
        self._base = base
        self.cookies = httpx.Cookies()
        self.headers: dict[str, str] = {}

    def sign_in(self, person: Person) -> None:
        self.cookies.set("tower", self._rig.sessions.session(person), domain="127.0.0.1")

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.send("GET", path, **more)

    def post(self, path: str, data: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        """As a form of the tower's own page sends it."""
        headers = {"sec-fetch-site": "same-origin", **more.pop("headers", {})}
        return self.send("POST", path, data=data or {}, headers=headers, **more)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        response: httpx.Response = self._rig.run(self.sent(method, path, **more))
        return response

    async def sent(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(
            self._rig.app, raise_app_exceptions=False, client=(self._address, 40_000)
        )
        headers = {**self.headers, **more.pop("headers", {})}
        async with httpx.AsyncClient(
            transport=transport, base_url=self._base, cookies=self.cookies
        ) as client:
            response = await client.request(method, path, headers=headers, **more)
            self.cookies = client.cookies
        return response

    def stream(self, path: str = "/events?page=live", **headers: str) -> "Stream":
        """Opens a live stream; use it within ``with``."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        pairs = {**self.headers, **given}
        if "tower" in self.cookies:
            pairs["cookie"] = f"tower={self.cookies['tower']}"
        return Stream(self._rig, path, pairs, self._address)


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """The body of a problem, which every refusal of a program is."""
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = msgspec.json.decode(response.content)
    assert body["status"] == response.status_code
    assert body["title"]
    return body


class Stream:
    """An answer that does not end by itself, read as a browser reads it."""

    def __init__(self, rig: TowerRig, path: str, headers: Mapping[str, str], address: str) -> None:
        self._rig = rig
        target, _, query = path.partition("?")
        pairs = [(b"host", b"127.0.0.1:8470")]
        pairs += [(name.encode(), value.encode()) for name, value in headers.items()]
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "scheme": "http",
            "headers": pairs,
            "client": (address, 40_000),
            "server": ("127.0.0.1", 8470),
        }
        self.parser = SseParser()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.fails_at_start = False
        """The browser has gone before the answer began."""

    def __enter__(self) -> "Stream":
        self._rig.run(self._open())
        return self

    def __exit__(self, *exception: Any) -> None:
        self._rig.run(self._leave())

    async def _open(self) -> None:
        self._left = asyncio.Event()
        self._task = asyncio.create_task(self._rig.app(self._scope, self._receive, self._send))
        await self._until(lambda: bool(self.body) or self._task.done())

    async def _leave(self) -> None:
        self._left.set()
        await asyncio.wait([self._task], timeout=10)
        assert self._task.done(), "the stream goes on without its browser"
        assert isinstance(self._task.exception(), OSError | None)

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            if self.fails_at_start:
                raise OSError("the browser has gone")
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            self.parser.feed(message.get("body", b""))

    async def _until(self, done: Any) -> None:
        async with asyncio.timeout(10):
            while not done():  # noqa: ASYNC110 (the application has no event for it)
                await asyncio.sleep(0.005)

    def until(self, done: Any) -> None:
        """Waits until the browser has what is wanted."""
        self._rig.run(self._until(done))

    @property
    def ended(self) -> bool:
        return self._task.done()

    def bodies(self, name: str) -> list[dict[str, Any]]:
        """What the events of this name told."""
        return [msgspec.json.decode(one.data) for one in self.parser.events if one.type == name]

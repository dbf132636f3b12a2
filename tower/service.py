"""Runs the control tower: what it refuses to start with, and its start and stop.

It listens beyond loopback only with a users file, and with TLS of its own or trusted proxies in
front: a password or a session must not cross a network in the clear. A container cannot see where
its port is published, so whoever publishes it on a loopback address has to say so.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from urllib.parse import quote

import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from brands.registry import BrandRegistry
from runtime.clock import utc_now
from runtime.health import Health
from runtime.limits.secret_transport import is_loopback
from runtime.logs import get_logger
from runtime.service import version
from runtime.settings import ElasticsearchSettings, KafkaSettings, TowerSettings
from schemas.errors import ConfigurationError
from tower.answers import Answers
from tower.app import create_app
from tower.application import Tower
from tower.desk.flow_watch import FlowWatch
from tower.live.hub import Hub
from tower.pages.post_card import card_key
from tower.pages.renderer import Renderer
from tower.pages.vocabulary import Words
from tower.questions.question import Context
from tower.search_client import SearchClient
from tower.security.identity import Identity, PeerRecord
from tower.security.request_guard import is_address
from tower.security.sessions import Sessions, signing_key
from tower.security.users import Person, load_accounts

GRACE_S: Final = 1
LOCAL_PERSON: Final = Person("local", "admin")
"""Who a sign-in link on this machine is for."""
log = get_logger("tower")


def check(settings: TowerSettings) -> None:
    """:raises ConfigurationError: it would be open to strangers, or unencrypted."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigurationError(
            "TOCSIN_TOWER_TLS_CERT and TOCSIN_TOWER_TLS_KEY go together; set both, or neither"
        )
    for proxy in proxies_of(settings):
        if not is_address(proxy) and not _is_network(proxy):
            raise ConfigurationError(
                f"TOCSIN_TOWER_PROXIES has {proxy[:60]!r}, which is not an IP address, nor a "
                "network such as 10.1.0.0/16"
            )
    if settings.proxy_user_header and not proxies_of(settings):
        raise ConfigurationError(
            "TOCSIN_TOWER_PROXY_USER_HEADER needs TOCSIN_TOWER_PROXIES: anybody could send it"
        )
    if is_loopback(settings.host) or settings.published_on_loopback:
        return
    if settings.users is None and not settings.proxy_user_header:
        raise ConfigurationError(
            f"TOCSIN_TOWER_HOST is {settings.host}, which others reach: set TOCSIN_TOWER_USERS "
            "(docs/tower.md), or listen on 127.0.0.1; in a container whose port is published on a "
            "loopback address, set TOCSIN_TOWER_PUBLISHED_ON_LOOPBACK=true"
        )
    if settings.tls_cert is None and not proxies_of(settings):
        raise ConfigurationError(
            f"TOCSIN_TOWER_HOST is {settings.host}, and passwords would cross the network in the "
            "clear: set TOCSIN_TOWER_TLS_CERT and TOCSIN_TOWER_TLS_KEY, or TOCSIN_TOWER_PROXIES"
        )


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def proxies_of(settings: TowerSettings) -> list[str]:
    return [each.strip() for each in settings.proxies.split(",") if each.strip()]


def sessions_of(settings: TowerSettings) -> Sessions:
    accounts = load_accounts(settings.users)
    key = signing_key(settings.data_dir, settings.signing_key)
    return Sessions(key, accounts, settings.session_hours)


def link_of(sessions: Sessions, url: str, target: str = "/live") -> str:
    """A one-time link for the person at this machine."""
    return f"{url}/sign-in?token={sessions.link(LOCAL_PERSON)}&next={quote(target)}"


def build(
    settings: TowerSettings,
    kafka: KafkaSettings,
    elasticsearch: ElasticsearchSettings,
    brands: BrandRegistry | None = None,
) -> Tower:
    """The parts of the application.

    :raises ConfigurationError: a setting or the users file is wrong.
    """
    check(settings)
    sessions = sessions_of(settings)
    accounts = load_accounts(settings.users)
    proxies = proxies_of(settings)
    renderer = Renderer(version())
    search = SearchClient(elasticsearch)

    def context() -> Context:
        return Context(utc_now(), {} if brands is None else brands.brands())

    hub = Hub(
        lambda mention, number, language: renderer.post(
            mention, number, Words("fr" if language == "fr" else "en", settings.time_zone)
        ),
        card_key,
    )
    return Tower(
        settings=settings,
        kafka=kafka,
        search=search,
        answers=Answers(search.search_all, context),
        hub=hub,
        renderer=renderer,
        identity=Identity(
            sessions,
            accounts,
            secure=settings.tls_cert is not None or bool(proxies),
            proxies=proxies,
            user_header=settings.proxy_user_header,
        ),
        clock=utc_now,
        brands=brands,
        flow=FlowWatch(kafka),
    )


def serve(
    tower: Tower,
    state: Health,
    stop: threading.Event,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until ``stop``; ``on_ready`` gets the address.

    :raises ConfigurationError: the port is taken, or the certificate cannot be read.
    """
    settings = tower.settings
    with _listening(settings) as listener:
        config = uvicorn.Config(
            behind_proxies(create_app(tower), proxies_of(settings)),
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=20,
            limit_concurrency=settings.max_streams + 500,
            h11_max_incomplete_event_size=32 * 2**10,
            ssl_certfile=str(settings.tls_cert) if settings.tls_cert else None,
            ssl_keyfile=str(settings.tls_key) if settings.tls_key else None,
            lifespan="on",
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"the certificate of TOCSIN_TOWER_TLS_CERT cannot be used: {error}"
            ) from None
        server = _Server(config)
        server.on_ready = lambda: on_ready(url_of(settings, listener.getsockname()[1]))
        server.before_stop = tower.hub.close
        asyncio.run(server.run_until(listener, state, stop))


def behind_proxies(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """The application with the browser's address and scheme, as trusted proxies tell of them."""
    if not proxies:
        return app
    return PeerRecord(ProxyHeadersMiddleware(app, trusted_hosts=list(proxies)))  # type: ignore[arg-type]


class _Server(uvicorn.Server):
    """Stops on our event instead of on signals, and lets streams end at once."""

    on_ready: Callable[[], None]
    before_stop: Callable[[], None]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def run_until(
        self, listener: socket.socket, state: Health, stop: threading.Event
    ) -> None:
        watching = asyncio.create_task(self._watch(state, stop))
        try:
            await self.serve(sockets=[listener])
        finally:
            watching.cancel()

    async def _watch(self, state: Health, stop: threading.Event) -> None:
        while not self.started and not self.should_exit:  # noqa: ASYNC110 (uvicorn has no event)
            await asyncio.sleep(0.02)
        state.clear("start")
        self.on_ready()
        while not stop.is_set():
            state.beat()
            await asyncio.sleep(0.1)
        # uvicorn waits for open answers before the application's own end: streams end first.
        self.before_stop()
        self.should_exit = True


@contextlib.contextmanager
def _listening(settings: TowerSettings) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
            backlog=512,
            reuse_port=False,
        )
    except OSError as error:
        raise ConfigurationError(
            f"the tower cannot listen on {settings.host}:{settings.port} ({error.strerror}); set "
            "TOCSIN_TOWER_PORT to a free port, or to 0 for any"
        ) from None
    with listener:
        yield listener


def url_of(settings: TowerSettings, port: int) -> str:
    """The address for a browser on this machine."""
    scheme = "https" if settings.tls_cert else "http"
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"

"""The real application on a free port, with its real index; the hub is fed by hand."""

import asyncio
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import uvicorn

from brands.registry import BrandRegistry
from runtime.settings import ElasticsearchSettings, KafkaSettings, TowerSettings
from schemas.brand import Brand
from schemas.mention import MentionEvent
from tower.app import create_app
from tower.application import Tower
from tower.live.event_format import Event
from tower.service import build, link_of

WAIT_S: Final = 30.0


class FixedBrands(BrandRegistry):
    """Brands that are given, without the topic."""

    def __init__(self, given: Mapping[str, Brand]) -> None:
        super().__init__(KafkaSettings(), matching=False)
        self._given = dict(given)

    def brands(self) -> dict[str, Brand]:
        return self._given


class ServedTower:
    """Serves from a thread; start it, and stop it before the index goes."""

    def __init__(
        self,
        elasticsearch: ElasticsearchSettings,
        folder: Path,
        brands: Mapping[str, Brand],
        **settings: object,
    ) -> None:
        self.parts: Tower = build(
            TowerSettings(port=0, data_dir=folder, **settings),  # type: ignore[arg-type]
            KafkaSettings(),
            elasticsearch,
            FixedBrands(brands),
        )
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(self.parts, read_stream=False),
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=1,
                lifespan="on",
            )
        )
        self._thread = threading.Thread(target=self._run, name="tower", daemon=True)
        self._loop = asyncio.new_event_loop()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def link(self, path: str = "/live") -> str:
        """A link that signs in once."""
        return link_of(self.parts.identity.sessions, self.origin, path)

    def start(self) -> None:
        self._thread.start()
        started = threading.Event()

        async def ready() -> None:
            while not self._server.started:  # noqa: ASYNC110 (uvicorn has no event)
                await asyncio.sleep(0.01)
            self.parts.hub.tell_state(True)
            started.set()

        asyncio.run_coroutine_threadsafe(ready(), self._loop)
        assert started.wait(WAIT_S), "the tower did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self.parts.hub.close)
        self._server.should_exit = True
        self._thread.join(WAIT_S)
        self._listener.close()
        self._loop.close()
        assert not self._thread.is_alive(), "the tower did not stop"

    def feed(self, events: Sequence[MentionEvent]) -> None:
        """What the reader of Kafka would hand over, as one batch; returns once it is queued."""

        async def receive() -> None:
            self.parts.hub.receive(events)

        asyncio.run_coroutine_threadsafe(receive(), self._loop).result(WAIT_S)

    def broadcast(self, event: Event) -> None:
        async def send() -> None:
            self.parts.hub.broadcast(event)

        asyncio.run_coroutine_threadsafe(send(), self._loop).result(WAIT_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve(sockets=[self._listener]))

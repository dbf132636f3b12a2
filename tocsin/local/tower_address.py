"""Where the control tower of a local pipeline listens, and the link that signs a person in."""

import time
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from runtime.settings import TowerSettings, load
from schemas.errors import ServiceUnavailable
from tocsin.local.pipeline import Command
from tocsin.local.stack.ports import free_ports, is_free
from tower.service import link_of, sessions_of

ANSWER_S: Final = 30.0
"""How long the tower may take until it answers."""


class TowerAddress:
    """The tower's port is its setting, or a free one if another program has that."""

    def __init__(self) -> None:
        settings = load(TowerSettings)
        port = settings.port if settings.port and is_free(settings.port) else free_ports(1)[0]
        self._settings = load(TowerSettings, port=port)
        scheme = "https" if settings.tls_cert else "http"
        self.url = f"{scheme}://{settings.host}:{port}"
        self.command = Command(
            "tower", ["tower"], needs_index=True, environment={"TOCSIN_TOWER_PORT": str(port)}
        )

    def link(self, path: str) -> str:
        """A link for the person at this machine; with a users file, the address alone."""
        if self._settings.users is not None:
            return self.url + path
        return link_of(sessions_of(self._settings), self.url, path)

    def wait(self) -> None:
        """:raises ServiceUnavailable: the tower does not answer in time."""
        ends = time.monotonic() + ANSWER_S
        while True:
            try:
                with urlopen(f"{self.url}/sign-in", timeout=5) as answer:  # noqa: S310 (ours)
                    if answer.status == 200:
                        return
            except (URLError, OSError) as error:
                if time.monotonic() > ends:
                    raise ServiceUnavailable(
                        f"the control tower at {self.url} does not answer ({error}); see its log"
                    ) from None
            time.sleep(0.1)

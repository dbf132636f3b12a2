"""The real Kafka and Elasticsearch, as child processes on ports and in folders of their own.

Both listen on loopback alone, with no authentication: this is for one person's machine and for
tests. What was acknowledged is in the data folder and there again after stop, kill and start.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from tocsin.local.stack import elasticsearch_server, kafka_server, maven
from tocsin.local.stack.account import Account, server_account
from tocsin.local.stack.base import Component, Endpoints, Progress, StackError
from tocsin.local.stack.claim import claim
from tocsin.local.stack.elasticsearch_server import ElasticsearchServer
from tocsin.local.stack.java import find_java
from tocsin.local.stack.kafka_server import KafkaServer
from tocsin.local.stack.ports import kept_ports
from tocsin.local.stack.process import ChildProcess

READY_SECONDS = 240.0
STOP_SECONDS = 20.0

Server = KafkaServer | ElasticsearchServer


class EnginesStack:
    """Both servers, started together and ready together."""

    def __init__(
        self,
        data_dir: Path,
        *,
        kafka_heap_mb: int = 384,
        elasticsearch_heap_mb: int = 512,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._heaps = {"kafka": kafka_heap_mb, "elasticsearch": elasticsearch_heap_mb}
        self._environment = environment
        self._servers: dict[Component, Server] = {}
        self._running: dict[Component, ChildProcess] = {}
        self._claim: IO[str] | None = None

    @property
    def name(self) -> str:
        return "engines"

    def start(self, progress: Progress) -> Endpoints:
        if not self._servers:
            self._start(progress)
        return Endpoints(
            kafka=self._servers["kafka"].address,
            elasticsearch=self._servers["elasticsearch"].address,
        )

    def stop(self) -> None:
        for process in self._running.values():
            process.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            process.wait_or_kill(max(0.0, deadline - time.monotonic()))
        self._running.clear()
        self._servers.clear()
        self._release()
        atexit.unregister(self.stop)

    def kill(self, component: Component) -> None:
        self._server(component)
        if process := self._running.pop(component, None):
            process.kill()

    def restart(self, component: Component) -> None:
        """Start a server again at its address; one that still runs is stopped in order first."""
        server = self._server(component)
        if process := self._running.pop(component, None):
            process.ask_to_stop()
            process.wait_or_kill(STOP_SECONDS)
        self._launch(component, server)
        self._wait(component, server)

    def pid(self, component: Component) -> int:
        """The process id of a running server, for tests that stop or watch it by other means."""
        self._server(component)
        if component not in self._running:
            raise StackError(f"The {component} of this stack is not running: restart it first.")
        return self._running[component].pid

    def _server(self, component: Component) -> Server:
        if component not in self._servers:
            raise StackError("The engines are not running: start the stack first.")
        return self._servers[component]

    def _start(self, progress: Progress) -> None:
        atexit.register(self.stop)
        try:
            servers = self._servers = self._prepare(progress)
            for server in servers.values():
                progress(f"starting {server.label} on {server.address}")
                server.prepare()
            self._launch("elasticsearch", servers["elasticsearch"])  # the slower one
            self._launch("kafka", servers["kafka"])
            for component, server in servers.items():
                self._wait(component, server)
                progress(f"{server.label} is ready")
        except BaseException:
            self.stop()
            raise

    def _prepare(self, progress: Progress) -> dict[Component, Server]:
        """Everything that can be refused, before anything is started."""
        account = server_account()
        _open_up(self._data_dir, account)
        kafka_java = find_java(
            kafka_server.MINIMUM_JAVA, "Kafka", account, environment=self._environment
        )
        elasticsearch_java = find_java(
            elasticsearch_server.MINIMUM_JAVA,
            "Elasticsearch",
            account,
            environment=self._environment,
            modules=elasticsearch_server.JAVA_MODULES,
        )
        cache = maven.cache_folder(account, self._environment)
        engines = maven.install(cache, maven.read_lock(maven.LOCK.read_text()), progress)
        self._claim = claim(self._data_dir)
        kafka, controller, http, transport = kept_ports(self._data_dir / "engines.json", 4)
        return {
            "kafka": KafkaServer(
                folder=self._data_dir / "kafka",
                jars=engines.kafka_jars,
                java=kafka_java,
                account=account,
                heap_mb=self._heaps["kafka"],
                port=kafka,
                controller_port=controller,
            ),
            "elasticsearch": ElasticsearchServer(
                folder=self._data_dir / "elasticsearch",
                home=engines.elasticsearch_home,
                java=elasticsearch_java,
                account=account,
                heap_mb=self._heaps["elasticsearch"],
                port=http,
                transport_port=transport,
            ),
        }

    def _launch(self, component: Component, server: Server) -> None:
        if isinstance(server, KafkaServer) and (command := server.format_command()):
            formatting = ChildProcess(command)
            formatting.wait_or_kill(READY_SECONDS)
            if formatting.exit_code != 0:
                raise StackError(_end_of(server))
        self._running[component] = ChildProcess(server.run_command())

    def _wait(self, component: Component, server: Server) -> None:
        process = self._running[component]
        deadline = time.monotonic() + READY_SECONDS
        while not server.is_ready():
            if process.exit_code is not None:
                raise StackError(_end_of(server))
            if time.monotonic() > deadline:
                raise StackError(
                    f"{server.label} was not ready after {READY_SECONDS:.0f} seconds: "
                    f"its log is {server.log.parent}; a busy machine may just need another try."
                )
            time.sleep(0.1)

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None


def _open_up(data_dir: Path, account: Account) -> None:
    """Let the servers' account through a data folder that is new, and refuse one it cannot reach.

    A folder that holds something already may be closed to others on purpose, so it stays so.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    if not any(data_dir.iterdir()) and not account.is_us:
        data_dir.chmod(0o755)
    if barrier := account.barrier(data_dir / "kafka"):
        raise StackError(
            f"The servers run as the user {account.name}, who cannot pass through {barrier} "
            f"to {data_dir}: choose a data folder elsewhere, for example below /var/lib."
        )


def _end_of(server: Server) -> str:
    """Why a server ended, as far as its last words tell."""
    words = ""
    with suppress(OSError):
        lines = server.log.read_text(errors="replace").strip().splitlines()
        telling = [line for line in lines if "rror" in line or "xception" in line]
        words = (telling or lines or [""])[-1][:300]
    return (
        f"{server.label} ended while it was starting ({words or 'it said nothing'}): "
        f"see the logs in {server.log.parent}."
    )

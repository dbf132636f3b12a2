"""The real Kafka and Elasticsearch as child processes, with their own ports and folders.

Both listen on loopback only, without authentication: for one person's machine and for tests.
Acknowledged data is in the data folder and survives stop, kill and start.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from tocsin.local.stack import Endpoints, Progress, StackError, maven
from tocsin.local.stack.account import Account, server_account
from tocsin.local.stack.elasticsearch_server import ElasticsearchServer
from tocsin.local.stack.java import Java, find_java
from tocsin.local.stack.kafka_server import KafkaServer
from tocsin.local.stack.ports import kept_ports
from tocsin.local.stack.process import ChildProcess
from tocsin.local.stack.servers import JavaServer, ServerStack

Component = Literal["kafka", "elasticsearch"]


class EnginesStack(ServerStack[JavaServer]):
    READY_SECONDS = 240.0
    STOP_SECONDS = 20.0

    def __init__(
        self,
        data_dir: Path,
        *,
        kafka_heap_mb: int = 384,
        elasticsearch_heap_mb: int = 512,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data_dir)
        self._heaps = {"kafka": kafka_heap_mb, "elasticsearch": elasticsearch_heap_mb}
        self._environment = environment
        self._servers: dict[Component, JavaServer] = {}

    def kill(self, component: Component) -> None:
        if process := self._running.pop(self._server(component), None):
            process.kill()

    def restart(self, component: Component) -> None:
        server = self._server(component)
        if process := self._running.pop(server, None):
            process.ask_to_stop()
            process.wait_or_kill(self.STOP_SECONDS)
        self._run(server)
        self._wait(server)

    def pid(self, component: Component) -> int:
        server = self._server(component)
        if server not in self._running:
            raise StackError(f"The {component} of this stack is not running: restart it first.")
        return self._running[server].pid

    def _server(self, component: Component) -> JavaServer:
        if self._endpoints is None:
            raise StackError("The engines are not running: start the stack first.")
        return self._servers[component]

    def _start(self, progress: Progress) -> Endpoints:
        kafka, elasticsearch = self._prepare(progress)
        self._servers = {"kafka": kafka, "elasticsearch": elasticsearch}
        for server in self._servers.values():
            progress(f"starting {server.label} on {server.address}")
            server.prepare()
        self._run(elasticsearch)  # the slower one
        self._format(kafka)
        self._run(kafka)
        self._launched(Endpoints(kafka.address, elasticsearch.address))
        for server in self._servers.values():
            self._wait(server)
            progress(f"{server.label} is ready")
        return Endpoints(kafka.address, elasticsearch.address)

    def _prepare(self, progress: Progress) -> tuple[KafkaServer, ElasticsearchServer]:
        """Check everything that can fail before anything starts."""
        account = server_account()
        _open_up(self._data_dir, account)

        def java(server: type[JavaServer]) -> Java:
            needed = server.MIN_JAVA, server.label, account
            return find_java(*needed, self._environment, modules=server.JAVA_MODULES)

        kafka_java, elasticsearch_java = java(KafkaServer), java(ElasticsearchServer)
        home = maven.install(maven.cache_folder(account, self._environment), progress)
        self._claim()
        kafka, controller, http, transport = kept_ports(self._data_dir / "engines.json", 4)
        return (
            KafkaServer(
                folder=self._data_dir / "kafka",
                home=home / "kafka",
                java=kafka_java,
                account=account,
                heap_mb=self._heaps["kafka"],
                port=kafka,
                controller_port=controller,
            ),
            ElasticsearchServer(
                folder=self._data_dir / "elasticsearch",
                home=home / "elasticsearch",
                java=elasticsearch_java,
                account=account,
                heap_mb=self._heaps["elasticsearch"],
                port=http,
                transport_port=transport,
            ),
        )

    def _format(self, kafka: KafkaServer) -> None:
        if command := kafka.format_command():
            process = ChildProcess(command)
            process.wait_or_kill(self.READY_SECONDS)
            if process.exit_code != 0:
                raise StackError(self._failure(kafka, ended=True))

    def _failure(self, server: JavaServer, ended: bool) -> str:
        if not ended:
            return (
                f"{server.label} was not ready after {self.READY_SECONDS:.0f} seconds: "
                f"see the logs in {server.log.parent}, and try again if the machine was busy."
            )
        return (
            f"{server.label} ended while it was starting ({_last_error(server.log)}): "
            f"see the logs in {server.log.parent}."
        )


def _open_up(data_dir: Path, account: Account) -> None:
    """Open a new data folder to the servers' account, and refuse one that it cannot reach.

    The mode of a folder with content stays: it may be closed to others on purpose.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    if not any(data_dir.iterdir()) and not account.is_us:
        data_dir.chmod(0o755)
    if barrier := account.barrier(data_dir / "kafka"):
        raise StackError(
            f"The servers run as the user {account.name}, who cannot pass through {barrier} "
            f"to {data_dir}: choose a data folder elsewhere, for example below /var/lib."
        )


def _last_error(log: Path) -> str:
    lines = []
    with suppress(OSError):
        lines = log.read_text(errors="replace").strip().splitlines()
    errors = [line for line in lines if "rror" in line or "xception" in line]
    return (errors or lines or ["its log is empty"])[-1][:300]

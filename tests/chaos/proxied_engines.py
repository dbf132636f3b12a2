"""Real Kafka and Elasticsearch, where Kafka has a second address that leads through a proxy.

A client of Kafka connects to the address that the broker advertises, so a proxy needs a listener of
its own: one that advertises the proxy's port.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from tocsin.local.stack import Progress
from tocsin.local.stack.account import Account
from tocsin.local.stack.engines import EnginesStack
from tocsin.local.stack.kafka_server import KafkaServer
from tocsin.local.stack.ports import free_ports


@dataclass(frozen=True)
class ProxiedKafka(KafkaServer):
    inner_port: int
    """Where the proxy connects to."""
    proxy_port: int
    """What this listener advertises."""

    def prepare(self) -> None:
        super().prepare()
        file = self.folder / "server.properties"
        inner, outer = (
            f"PROXIED://127.0.0.1:{port}" for port in (self.inner_port, self.proxy_port)
        )
        lines = []
        for line in file.read_text().splitlines():
            name = line.partition("=")[0]
            added = {
                "listeners": f",{inner}",
                "advertised.listeners": f",{outer}",
                "listener.security.protocol.map": ",PROXIED:PLAINTEXT",
            }.get(name, "")
            lines.append(line + added)
        file.write_text("\n".join([*lines, ""]))


class ProxiedEngines(EnginesStack):
    """``proxy_port`` is free until a :class:`tests.chaos.proxy.TcpProxy` listens there."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, short_lived=True)
        self.inner_port, self.proxy_port = free_ports(2)

    def _kafka(self, account: Account, progress: Progress) -> Callable[[int, int], KafkaServer]:
        plain = super()._kafka(account, progress)

        def server(port: int, controller_port: int) -> KafkaServer:
            kafka = plain(port, controller_port)
            values = {field.name: getattr(kafka, field.name) for field in fields(kafka)}
            return ProxiedKafka(**values, inner_port=self.inner_port, proxy_port=self.proxy_port)

        return server

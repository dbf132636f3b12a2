"""Both protocols from one small binary in a Python wheel: a first look, without Java.

Never for production. A group member that dies without leaving keeps its partitions for ever, and
a second Faust worker in a group stops both: run one of each service, and stop it in order. A kill
can lose what was acknowledged in the last half second. Producing to a topic creates it.
"""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack import Endpoints, Progress, StackError
from tocsin.local.stack.account import our_account
from tocsin.local.stack.elasticsearch_server import has_shards
from tocsin.local.stack.kafka_server import can_produce
from tocsin.local.stack.ports import kept_ports
from tocsin.local.stack.process import Command
from tocsin.local.stack.servers import ServerStack


@dataclass(frozen=True)
class NoidaServer:
    binary: Path
    folder: Path
    kafka_port: int
    elasticsearch_port: int

    def run_command(self) -> Command:
        services = ["--only", "kafka,elasticsearch", "--host", "127.0.0.1"]
        kafka = ["--kafka-port", str(self.kafka_port)]
        elasticsearch = ["--elasticsearch-port", str(self.elasticsearch_port)]
        data = ["--data-dir", str(self.folder / "noida")]
        return Command(
            arguments=[str(self.binary), "start", *services, *kafka, *elasticsearch, *data],
            environment={"PATH": os.defpath, "HOME": str(self.folder)},
            folder=self.folder,
            output=self.folder / "embedded.log",
            account=our_account(),
        )

    def is_ready(self) -> bool:
        return can_produce(self.kafka_port) and has_shards(self.elasticsearch_port)


class EmbeddedStack(ServerStack[NoidaServer]):
    READY_SECONDS = 20.0
    STOP_SECONDS = 10.0

    def _start(self, progress: Progress) -> Endpoints:
        binary = _binary()
        self._claim()
        kafka, elasticsearch = kept_ports(self._data_dir / "embedded.json", 2)
        progress(f"starting noida-db on the ports {kafka} and {elasticsearch}")
        server = NoidaServer(binary, self._data_dir, kafka, elasticsearch)
        self._run(server)
        self._launched(Endpoints(f"127.0.0.1:{kafka}", f"http://127.0.0.1:{elasticsearch}"))
        self._wait(server)
        return Endpoints(f"127.0.0.1:{kafka}", f"http://127.0.0.1:{elasticsearch}")

    def _failure(self, server: NoidaServer, ended: bool) -> str:
        return (
            "noida-db did not become ready: see its log, "
            f"{self._data_dir / 'embedded.log'}, or use the engines stack."
        )


def _binary() -> Path:
    spec = importlib.util.find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise StackError(
            "The embedded stack needs the package noida-db: run `pip install noida-db`."
        )
    binary = Path(spec.origin).parent / "noida-db"
    if not binary.is_file():
        raise StackError(
            "The package noida-db has no binary for this system: use the engines stack."
        )
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)  # wheels do not always keep the bit
    return binary

"""The real Kafka beside a small Elasticsearch from a Python wheel: what runs without a JDK.

Not for production: a kill can lose what was indexed in the last half second, and fields outside the
mapping are searchable. noida-db has a Kafka as well, which is not used: a group member that dies
without leaving keeps its partitions there for ever.
"""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack import Progress, StackError
from tocsin.local.stack.account import Account, our_account
from tocsin.local.stack.elasticsearch_server import has_shards
from tocsin.local.stack.engines import EnginesStack
from tocsin.local.stack.folders import open_data_folder
from tocsin.local.stack.ports import kept_ports
from tocsin.local.stack.process import Command
from tocsin.local.stack.servers import Component, Server


@dataclass(frozen=True)
class EmbeddedElasticsearch(Server):
    label = "Elasticsearch (noida-db)"

    binary: Path
    folder: Path
    account: Account
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "output.log"

    def prepare(self) -> None:
        for name in ("", "data", "logs"):
            self.account.own(self.folder / name)

    def run_command(self) -> Command:
        services = ["--only", "elasticsearch", "--host", "127.0.0.1"]
        port, data = ["--elasticsearch-port", str(self.port)], str(self.folder / "data")
        return Command(
            arguments=[str(self.binary), "start", *services, *port, "--data-dir", data],
            environment={"PATH": os.defpath, "HOME": str(self.folder)},
            folder=self.folder,
            output=self.log,
            account=self.account,
        )

    def is_ready(self) -> bool:
        return has_shards(self.port)


class EmbeddedStack(EnginesStack):
    """The stack whose Elasticsearch is `noida-db`; both servers run under our own account."""

    def _servers(self, progress: Progress) -> Mapping[Component, Server]:
        account, binary = our_account(), noida_binary()
        open_data_folder(self._data_dir, account)
        kafka = self._kafka(account, progress)
        self._claim()
        broker, controller, port = kept_ports(self._data_dir / "embedded.json", 3)
        folder = self._data_dir / "elasticsearch"
        return {
            "kafka": kafka(broker, controller),
            "elasticsearch": EmbeddedElasticsearch(binary, folder, account, port),
        }


def noida_binary() -> Path:
    """The program in the wheel.

    :raises StackError: the package is not installed, or has no binary for this system.
    """
    spec = importlib.util.find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise StackError(
            "The embedded stack needs the package noida-db: run `pip install noida-db`, "
            "or install a JDK 21 or newer and use the engines stack."
        )
    binary = Path(spec.origin).parent / "noida-db"
    if not binary.is_file():
        raise StackError(
            "The package noida-db has no binary for this system: "
            "install a JDK 21 or newer and use the engines stack."
        )
    if not os.access(binary, os.X_OK):
        try:
            binary.chmod(0o755)  # wheels do not always keep the bit
        except OSError as error:
            raise StackError(
                f"{binary} may not be executed: run `chmod +x` on it, or install a JDK 21 or newer."
            ) from error
    return binary

"""A whole pipeline on this machine: a stack, the topics and indices, and the services.

The services start while the servers do: they load their models, and begin once Kafka, the topics
and the brands are there (the sinks: once the indices are there, too).
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from brands.registry import current_brands, publish_brands
from runtime.kafka.client import setup_topics
from runtime.kafka.topic_stats import LagMeter, TopicLag
from runtime.settings import ElasticsearchSettings, KafkaSettings, MonitorSettings, load
from schemas.brand import Brand
from schemas.errors import ConfigurationError, ServiceUnavailable, TocsinError
from schemas.topic_registry import topics
from schemas.types import Tier
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.setup import setup as setup_indices
from tocsin.local.alert_stream import AlertStream, OpenedAlerts
from tocsin.local.poller import Poller
from tocsin.local.service_probe import ServiceProbe, ServiceState
from tocsin.local.stack import Endpoints, Progress, Stack, StackError, StackName, open_stack
from tocsin.local.stack.account import server_account
from tocsin.local.stack.folders import DATA_ADVICE, folder_errors
from tocsin.local.stack.ports import free_ports
from tocsin.local.stack.selection import select_stack
from tocsin.local.state_file import HOME as HOME
from tocsin.local.state_file import RunningStack, StateFile
from tocsin.local.supervisor import STOP_S, Supervisor

_STOP_WITHOUT_SERVER_S = 2.0
_LOOK_S = 0.4
"""Pause between two looks at Kafka's offsets and at the services, seconds."""


def data_folder(name: str) -> Path:
    """``.tocsin/<name>`` here, or below /var/lib if the servers' account cannot reach that.

    Elasticsearch refuses to run as root; its other account cannot pass root's home. ``auto`` has
    the folder of the stack that it takes.
    """
    if name == "auto":
        name = select_stack().name
    here = (HOME / name).absolute()
    if server_account().barrier(here) is None:
        return here
    mark = hashlib.blake2b(str(here).encode(), digest_size=6).hexdigest()
    return Path("/var/lib/tocsin") / f"{name}-{mark}"


@dataclass(frozen=True)
class Command:
    """A service to run: its name on the screen and its command line after ``tocsin``."""

    name: str
    arguments: Sequence[str]
    needs_index: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def service_commands(
    processors: int = 1, detector: bool = True, tier: Tier | None = None
) -> list[Command]:
    """The services of a pipeline in the order of the data flow, without the ingestors.

    ``tier`` pins the models that read the posts; None leaves it to the settings.
    """
    numbers = range(1, processors + 1)
    names = ["process"] if processors == 1 else [f"process-{number}" for number in numbers]
    pinned = {} if tier is None else {"TOCSIN_PROCESS_TIER": tier}
    commands = [Command(name, ["process"], environment=pinned) for name in names]
    commands.append(Command("sink", ["sink", "elasticsearch"], needs_index=True))
    if detector:
        commands.append(Command("detector", ["detector"]))
        commands.append(Command("alerts", ["sink", "alerts"], needs_index=True))
    return commands


@dataclass(frozen=True)
class LocalOptions:
    """What runs where. ``fresh``: the folder is emptied first; ``short_lived``: see
    :func:`open_stack`."""

    stack: StackName
    folder: Path
    brands: Sequence[Brand]
    commands: Sequence[Command]
    fresh: bool = False
    short_lived: bool = False
    refuse_other_brands: bool = False

    @property
    def ingestors(self) -> list[str]:
        """The names of the commands that have a source."""
        return [command.name for command in self.commands if command.arguments[0] == "ingest"]


class LocalPipeline:
    """Starts in order and stops in the opposite order; use it as a context manager."""

    def __init__(self, options: LocalOptions, say: Progress, stack: Stack | None = None) -> None:
        """``stack``: instead of the one that ``options`` names."""
        self.options = options
        self._say = say
        with folder_errors(options.folder, DATA_ADVICE):
            if options.fresh and options.stack != "external":
                _clear(options.folder)
            self.supervisor = Supervisor(options.folder / "logs", {})
        data = options.folder / "data"
        self._stack = stack or open_stack(options.stack, data, short_lived=options.short_lived)
        self._state = StateFile()
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._preparation: threading.Thread | None = None
        self._trouble: TocsinError | None = None
        self.kafka: KafkaSettings
        self.elasticsearch: ElasticsearchSettings
        self.flow = Poller(lambda: LagMeter(self.kafka), TopicLag(), _LOOK_S)
        self.alerts = Poller[OpenedAlerts](self._feed, OpenedAlerts(), _LOOK_S)
        self.states = Poller[dict[str, ServiceState]](
            lambda: ServiceProbe(self.supervisor.monitor_ports, options.ingestors), {}, _LOOK_S
        )

    def _feed(self) -> AlertStream:
        return AlertStream(self.kafka, self.alerts.latest.value)

    def __enter__(self) -> Self:
        try:
            self._stack.start(self._say, self._launched)
            with connect(self.elasticsearch) as client:
                setup_indices(client, self.elasticsearch, lambda text: None)
            if self._preparation is not None:
                self._preparation.join()
            if self._trouble is not None:
                raise self._trouble
            self._release(needs_index=True)
        except BaseException:
            self._stop()
            raise
        return self

    def _launched(self, endpoints: Endpoints) -> None:
        """The addresses are known: start what can start before the servers are ready.

        Called again where the servers start again on other ports: what was started is ended.
        """
        if self._preparation is not None:
            self._abandoned.set()
            self._preparation.join()
            self.supervisor.stop(_STOP_WITHOUT_SERVER_S)
            self.supervisor.services.clear()
            self._trouble = None
        self._abandoned = threading.Event()
        self.kafka = load(KafkaSettings, bootstrap_servers=endpoints.kafka)
        self.elasticsearch = load(ElasticsearchSettings, url=endpoints.elasticsearch)
        self.supervisor.environment |= {
            "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": endpoints.kafka,
            "TOCSIN_ELASTICSEARCH_URL": endpoints.elasticsearch,
        }
        commands = self.options.commands
        for command, port in zip(commands, monitor_ports_of(len(commands)), strict=True):
            self.supervisor.start(
                command.name,
                command.arguments,
                command.environment,
                monitor_port=port,
                held=True,
            )
        self.states.start()
        self._preparation = threading.Thread(
            target=self._prepare, args=[self._abandoned], name="topics", daemon=True
        )
        self._preparation.start()

    def _prepare(self, abandoned: threading.Event) -> None:
        """Topics and brands, as soon as Kafka answers; then the services that need no more."""
        try:
            self._set_up_topics(abandoned)
            if self.options.refuse_other_brands:
                _refuse_other_brands(self.kafka, self.options.brands)
            publish_brands(self.kafka, self.options.brands, keep_others=False)
        except TocsinError as error:
            self._trouble = error
            return
        self._release(needs_index=False)
        self.flow.start()
        if any(command.name == "alerts" for command in self.options.commands):
            self.alerts.start()

    def _set_up_topics(self, abandoned: threading.Event) -> None:
        host, _, port = self.kafka.bootstrap_servers.partition(",")[0].rpartition(":")
        while not self._stopping.wait(0.1) and not abandoned.is_set():
            with contextlib.suppress(OSError, ServiceUnavailable):
                socket.create_connection((host, int(port)), timeout=1).close()
                setup_topics(self.kafka, topics().values())
                return
        raise ServiceUnavailable("stopped before Kafka was ready")

    def _release(self, needs_index: bool) -> None:
        names = {c.name for c in self.options.commands if c.needs_index == needs_index}
        self.supervisor.release(names)

    def failure(self) -> str | None:
        """A sentence if a server of the stack has ended by itself."""
        return self._stack.failure()

    def announce(self, command: str) -> None:
        """Tell ``tocsin env`` where all of this is, until the stop."""
        ports = self.supervisor.monitor_ports()
        towers = [each.environment.get("TOCSIN_TOWER_PORT") for each in self.options.commands]
        self._state.write(
            RunningStack(
                command=command,
                pid=os.getpid(),
                kafka=self.kafka.bootstrap_servers,
                elasticsearch=self.elasticsearch.url,
                logs=str(self.supervisor.folder),
                monitors={name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
                tower_port=next(filter(None, towers), ""),
            )
        )

    def __exit__(self, *details: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._stopping.set()
        self._state.remove()
        try:
            # Without its server a service cannot finish its work; it resumes at its last commit.
            limit_s = STOP_S if self.failure() is None else _STOP_WITHOUT_SERVER_S
            killed = self.supervisor.stop(limit_s, self._tell)
            if killed:
                self._say(f"had to kill {', '.join(killed)}")
        finally:
            # Also when the terminal is gone and the message fails.
            for poller in (self.flow, self.alerts, self.states):
                poller.stop()
            self._stack.stop()

    def _tell(self, names: list[str]) -> None:
        self._say(f"waiting for {', '.join(names)}")


def _refuse_other_brands(kafka: KafkaSettings, brands: Sequence[Brand]) -> None:
    if current_brands(kafka).keys() - {brand.id for brand in brands}:
        raise ConfigurationError(
            "the cluster has other brands; set TOCSIN_KAFKA_TOPIC_PREFIX, "
            "TOCSIN_KAFKA_GROUP_PREFIX and TOCSIN_ELASTICSEARCH_INDEX_PREFIX for the demo"
        )


def _clear(folder: Path) -> None:
    """Remove the data of the last run, unless a stack uses it."""
    lock = folder / "data" / "stack.lock"
    if lock.exists():
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"{folder} is in use by another running stack: stop that one first."
                ) from None
    if folder.exists():
        shutil.rmtree(folder)


def monitor_ports_of(count: int) -> list[int]:
    """A port for each service: free ones, or in a row from TOCSIN_MONITOR_PORT where it is set."""
    wanted = load(MonitorSettings).port if "TOCSIN_MONITOR_PORT" in os.environ else 0
    return free_ports(count) if wanted == 0 else [wanted + number for number in range(count)]

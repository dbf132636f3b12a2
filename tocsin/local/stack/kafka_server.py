"""One Kafka broker that is its own controller: its files, its command, and when it is ready."""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack.account import Account
from tocsin.local.stack.java import Java
from tocsin.local.stack.ports import listens
from tocsin.local.stack.process import Command
from tocsin.local.stack.ready import can_produce

MINIMUM_JAVA = 17

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=BROKER://127.0.0.1:{port}
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log_dirs}
message.max.bytes=4194304
replica.fetch.max.bytes=4194304
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=33554432
"""

LOGGING = """\
status = warn
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${sys:kafka.logs.dir}/server.log
appender.file.filePattern = ${sys:kafka.logs.dir}/server.log.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d] %p %m (%c)%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 20MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
"""


@dataclass(frozen=True)
class KafkaServer:
    """A broker whose files are all below one folder."""

    folder: Path
    jars: Path
    java: Java
    account: Account
    heap_mb: int
    port: int
    controller_port: int

    @property
    def label(self) -> str:
        return "Kafka"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "output.log"

    def prepare(self) -> None:
        """Write the settings; they are ours, so an edited file does not survive a start."""
        for name in ("", "data", "logs", "tmp"):
            self.account.own(self.folder / name)
        settings = SETTINGS.format(
            port=self.port,
            controller_port=self.controller_port,
            log_dirs=self.folder / "data",
        )
        (self.folder / "server.properties").write_text(settings)
        (self.folder / "log4j2.properties").write_text(LOGGING)
        for name in ("server.properties", "log4j2.properties"):
            (self.folder / name).chmod(0o644)

    def format_command(self) -> Command | None:
        """What gives the data folder its identity; None when it has one."""
        if (self.folder / "data" / "meta.properties").exists():
            return None
        tool = ["-XX:TieredStopAtLevel=1", *self._class_path, "kafka.tools.StorageTool", "format"]
        return self._command([*tool, "-t", new_cluster_id(), "-c", self._settings])

    def run_command(self) -> Command:
        heap = [f"-Xms{self.heap_mb}m", f"-Xmx{self.heap_mb}m"]
        flags = ["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=50", "-XX:+ExitOnOutOfMemoryError"]
        quiet = ["-Xshare:auto", "-Djava.awt.headless=true"]
        logging = [
            f"-Dkafka.logs.dir={self.folder / 'logs'}",
            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
        ]
        main = [*self._class_path, "kafka.Kafka", self._settings]
        return self._command([*heap, *flags, *quiet, *logging, *main])

    def is_ready(self) -> bool:
        return listens(self.port) and can_produce(self.address)

    @property
    def _settings(self) -> str:
        return str(self.folder / "server.properties")

    @property
    def _class_path(self) -> list[str]:
        return ["-cp", f"{self.jars}/*"]

    def _command(self, arguments: Iterable[str]) -> Command:
        temporary = self.folder / "tmp"
        return Command(
            arguments=[
                str(self.java.executable),
                f"-Djava.io.tmpdir={temporary}",
                *arguments,
            ],
            environment={"PATH": os.defpath, "HOME": str(temporary), "LANG": "C.UTF-8"},
            folder=self.folder,
            output=self.log,
            account=self.account,
        )


def new_cluster_id() -> str:
    """Sixteen random bytes in Kafka's form, which may not begin with a dash on a command line."""
    encoded = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return encoded if not encoded.startswith("-") else "A" + encoded[1:]

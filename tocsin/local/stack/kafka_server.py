"""One Kafka broker that is its own controller: its files, its command, and when it is ready."""

import base64
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from runtime.kafka.client import admin, publish, setup_topics
from runtime.kafka.protocols import OutgoingRecord
from runtime.settings import KafkaSettings, load
from schemas.errors import ServiceUnavailable
from schemas.topic_registry import topics
from tocsin.local.stack.ports import listens
from tocsin.local.stack.process import Command
from tocsin.local.stack.servers import JavaServer
from tocsin.local.stack.start_cache import StartCache

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
broker.heartbeat.interval.ms=1000
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=33554432
metadata.max.idle.interval.ms=0
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

_READY_TOPIC = replace(topics()["checkpoints"], name="_tocsin_ready")


@dataclass(frozen=True)
class KafkaServer(JavaServer):
    label = "Kafka"
    MIN_JAVA = 17

    controller_port: int
    starts: StartCache

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        self._own_folders()
        settings = SETTINGS.format(
            port=self.port, controller_port=self.controller_port, log_dirs=self.folder / "data"
        )
        for name, text in (("server.properties", settings), ("log4j2.properties", LOGGING)):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o644)

    @property
    def is_formatted(self) -> bool:
        return (self.folder / "data" / "meta.properties").exists()

    def format_from_cache(self) -> bool:
        """Format the data folder as the tool would, from what it wrote once; False without that."""
        data = self.folder / "data"
        checkpoint = data / self.starts.checkpoint.name
        try:
            shutil.copyfile(self.starts.checkpoint, checkpoint)
        except FileNotFoundError:
            return False
        names = {"version": "1", "node.id": "1", "cluster.id": new_id(), "directory.id": new_id()}
        meta = data / "meta.properties"
        meta.write_text("".join(f"{name}={value}\n" for name, value in names.items()))
        self.account.own(data)
        for path in (checkpoint, meta):
            os.chown(path, self.account.uid, self.account.gid)
        return True

    def format_command(self) -> Command:
        tool = ["-XX:TieredStopAtLevel=1", "-cp", f"{self.home}/*", "kafka.tools.StorageTool"]
        settings = str(self.folder / "server.properties")
        return self._command([*tool, "format", "-t", new_id(), "-c", settings])

    def keep_format(self) -> None:
        self.starts.keep_checkpoint(self.folder / "data" / self.starts.checkpoint.name)

    def run_command(self) -> Command:
        flags = [*self._compiler(), "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"]
        if not self.short_lived:
            flags += ["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=50"]
        logging = [
            f"-Dkafka.logs.dir={self.folder / 'logs'}",
            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
        ]
        main = ["-cp", f"{self.home}/*", "kafka.Kafka", str(self.folder / "server.properties")]
        archive = self.starts.flags(self._new_archive)
        return self._command([*self._heap(), *flags, *archive, *logging, *main])

    def after_stop(self, in_time: bool) -> None:
        if in_time:
            self.starts.keep_kafka_classes(self._new_archive)
        else:
            self.starts.give_up(self._new_archive)

    @property
    def _new_archive(self) -> Path:
        return self.folder / "tmp" / "kafka.jsa"

    def is_ready(self) -> bool:
        return can_produce(self.port)


def new_id() -> str:
    """Sixteen random bytes in Kafka's form; a dash in front would look like an option."""
    encoded = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return encoded if not encoded.startswith("-") else "A" + encoded[1:]


def can_produce(port: int) -> bool:
    """Whether a topic can be made, a record be produced, and a group find its coordinator.

    A broker answers metadata requests before it can do either; a client that starts then meets
    retriable errors in the first seconds. The topic of this check is removed again.
    """
    if not listens(port):
        return False
    settings = load(
        KafkaSettings,
        bootstrap_servers=f"127.0.0.1:{port}",
        security_protocol="PLAINTEXT",
        topic_prefix="",
        replication=1,
        partitions=1,
    )
    name = _READY_TOPIC.name
    try:
        setup_topics(settings, [_READY_TOPIC])
        publish(settings, "ready", [OutgoingRecord(name, b"ready", b"ready")], "a test record")
        with admin(settings) as client:
            client.list_group_offsets([name])
            client.delete_topics([name])
    except ServiceUnavailable:
        return False
    return True

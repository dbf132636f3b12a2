"""One Kafka broker that is its own controller: its files, its command, and when it is ready."""

from __future__ import annotations

import base64
import contextlib
import uuid
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaConfigurationError, KafkaError, TopicAlreadyExistsError

from tocsin.local.stack.ports import listens
from tocsin.local.stack.process import Command
from tocsin.local.stack.servers import JavaServer

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


READY_TOPIC = "_tocsin_ready"


@dataclass(frozen=True)
class KafkaServer(JavaServer):
    """A broker and its settings."""

    label = "Kafka"
    MIN_JAVA = 17

    controller_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        self._own_folders()
        settings = SETTINGS.format(
            port=self.port, controller_port=self.controller_port, log_dirs=self.folder / "data"
        )
        for path, text in ((self._settings, settings), (self._logging, LOGGING)):
            path.write_text(text)
            path.chmod(0o644)

    def format_command(self) -> Command | None:
        """What gives the data folder its identity; None when it has one."""
        if (self.folder / "data" / "meta.properties").exists():
            return None
        tool = ["-XX:TieredStopAtLevel=1", *self._class_path, "kafka.tools.StorageTool", "format"]
        return self._command([*tool, "-t", new_cluster_id(), "-c", str(self._settings)])

    def run_command(self) -> Command:
        flags = ["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=50", "-XX:+ExitOnOutOfMemoryError"]
        quiet = ["-Xshare:auto", "-Djava.awt.headless=true"]
        logging = [
            f"-Dkafka.logs.dir={self.folder / 'logs'}",
            f"-Dlog4j2.configurationFile={self._logging}",
        ]
        main = [*self._class_path, "kafka.Kafka", str(self._settings)]
        return self._command([*self._heap(), *flags, *quiet, *logging, *main])

    def is_ready(self) -> bool:
        return can_produce(self.port)

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _logging(self) -> Path:
        return self.folder / "log4j2.properties"

    @property
    def _class_path(self) -> list[str]:
        return ["-cp", f"{self.home}/*"]


def new_cluster_id() -> str:
    """Sixteen random bytes in Kafka's form, which may not begin with a dash on a command line."""
    encoded = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return encoded if not encoded.startswith("-") else "A" + encoded[1:]


def can_produce(port: int) -> bool:
    """Whether a topic can be made, a record be produced, and a group find its coordinator.

    A broker answers metadata requests before it can do either; whoever starts then meets
    retriable errors in the first seconds. The topic that this takes is removed again.
    """
    if not listens(port):
        return False
    quick = {
        "bootstrap_servers": f"127.0.0.1:{port}",
        "request_timeout_ms": 5000,
        "bootstrap_timeout_ms": 2000,
    }
    with contextlib.ExitStack() as cleanup:
        try:
            admin = KafkaAdminClient(**quick)
            cleanup.callback(admin.close)
            with contextlib.suppress(TopicAlreadyExistsError):
                admin.create_topics([NewTopic(READY_TOPIC, 1, 1)])
            producer = KafkaProducer(**quick, acks="all", max_block_ms=3000)
            cleanup.callback(producer.close, timeout=1)
            producer.send(READY_TOPIC, b"ready").get(timeout=5)
            admin.list_group_offsets([READY_TOPIC])
            admin.delete_topics([READY_TOPIC])
        except KafkaConfigurationError:
            raise  # our mistake, which no waiting mends
        except (KafkaError, OSError):
            return False
    return True

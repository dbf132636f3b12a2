"""The real Kafka and Elasticsearch as child processes, with their own ports and folders.

Both listen on loopback only, without authentication: for one person's machine and for tests.
Acknowledged data is in the data folder and survives stop, kill and start.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from tocsin.local.stack import Progress
from tocsin.local.stack.account import Account, server_account
from tocsin.local.stack.distribution import server_files
from tocsin.local.stack.elasticsearch_server import ElasticsearchServer
from tocsin.local.stack.folders import open_data_folder
from tocsin.local.stack.java import Java, find_java
from tocsin.local.stack.kafka_server import KafkaServer
from tocsin.local.stack.ports import kept_ports
from tocsin.local.stack.process import ChildProcess
from tocsin.local.stack.server_stack import ServerStack, StartLog, ended_early
from tocsin.local.stack.servers import Component, JavaServer, Server
from tocsin.local.stack.start_cache import start_cache


class EnginesStack(ServerStack):
    def __init__(
        self,
        data_dir: Path,
        *,
        kafka_heap_mb: int = 384,
        elasticsearch_heap_mb: int = 512,
        environment: Mapping[str, str] | None = None,
        short_lived: bool = False,
    ) -> None:
        super().__init__(data_dir)
        self._kafka_heap_mb, self._elasticsearch_heap_mb = kafka_heap_mb, elasticsearch_heap_mb
        self._environment = environment
        self._short_lived = short_lived

    def _servers(self, progress: Progress) -> Mapping[Component, Server]:
        account = server_account()
        open_data_folder(self._data_dir, account)
        java = self._java(ElasticsearchServer, account)
        kafka = self._kafka(account, progress)
        cache = server_files.cache_folder(account, self._environment)
        home = server_files.install("elasticsearch", cache, progress, self._environment)
        self._claim()
        broker, controller, http, transport = kept_ports(self._data_dir / "engines.json", 4)
        return {
            "kafka": kafka(broker, controller),
            "elasticsearch": ElasticsearchServer(
                folder=self._data_dir / "elasticsearch",
                home=home,
                java=java,
                account=account,
                heap_mb=self._elasticsearch_heap_mb,
                port=http,
                short_lived=self._short_lived,
                transport_port=transport,
            ),
        }

    def _launch(self) -> None:
        kafka = self._components["kafka"]
        assert isinstance(kafka, KafkaServer)
        self._run(self._components["elasticsearch"])  # the slower one
        scratch = kafka.folder / "tmp"
        dump = kafka.starts.dump_command(scratch, kafka.folder / "logs" / "archive.log")
        if dump is not None:
            kafka.starts.keep_java_classes(ChildProcess(dump), scratch)
        if not kafka.is_formatted and not kafka.format_from_cache():
            log = StartLog(kafka.log.parent)
            process = ChildProcess(kafka.format_command())
            process.wait_or_kill(self.READY_SECONDS)
            if process.exit_code != 0:
                raise ended_early(kafka, log)
            kafka.keep_format()
        self._run(kafka)

    def _java(self, server: type[JavaServer], account: Account) -> Java:
        needed = server.MIN_JAVA, server.label, account
        return find_java(*needed, self._environment, modules=server.JAVA_MODULES)

    def _kafka(self, account: Account, progress: Progress) -> Callable[[int, int], KafkaServer]:
        """Find and fetch what Kafka needs; its ports are drawn later, in the claimed folder."""
        java = self._java(KafkaServer, account)
        cache = server_files.cache_folder(account, self._environment)
        home = server_files.install("kafka", cache, progress, self._environment)

        def server(port: int, controller_port: int) -> KafkaServer:
            return KafkaServer(
                folder=self._data_dir / "kafka",
                home=home,
                java=java,
                account=account,
                heap_mb=self._kafka_heap_mb,
                port=port,
                short_lived=self._short_lived,
                controller_port=controller_port,
                starts=start_cache(cache, home, java, account),
            )

        return server

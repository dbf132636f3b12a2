"""One Elasticsearch node: its files, its command, and when it is ready.

The distribution is the core for integration tests, with the modules apm, transport-netty4,
x-pack-core and x-pack-security only: no analysis plug-ins, ingest pipelines, painless, reindex,
delete-by-query, data streams or ILM. What runs here runs on a full cluster, not vice versa.

`bin/elasticsearch` first starts three other JVMs to compute the flags below; without it a start
takes five seconds less and there is one process to kill. `launch_message` writes what that
launcher sends on standard input. Both belong to the pinned version; the tests prove them.
"""

import contextlib
import hashlib
import http.client
import json
import secrets
import shutil
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.local.stack.process import Command
from tocsin.local.stack.servers import JavaServer

KEYSTORE_CLASS = "org.elasticsearch.common.settings.KeyStoreWrapper"
KEYSTORE_FORMAT = 7
_NO = b"\x00"

GARBAGE_FLAGS = (
    "-XX:+UseG1GC",
    "-XX:G1HeapRegionSize=4m",
    "-XX:InitiatingHeapOccupancyPercent=30",
    "-XX:G1ReservePercent=15",
)
FLAGS = (
    "-Xss1m",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:+EnableDynamicAgentLoading",
    "-Djdk.attach.allowAttachSelf=true",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Djna.nosys=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dlog4j2.formatMsgNoLookups=true",
    "-Djava.locale.providers=CLDR",
    "-Dorg.apache.lucene.store.defaultReadAdvice=normal",
    "-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1",
    "-Des.networkaddress.cache.ttl=60",
    "-Des.networkaddress.cache.negative.ttl=10",
    "-Des.distribution.type=zip",
    "-Des.java.type=ES_JAVA_HOME",
    (
        "--enable-native-access="
        "org.elasticsearch.nativeaccess,org.elasticsearch.foreign,org.apache.lucene.core"
    ),
    "--add-opens=org.apache.lucene.core/org.apache.lucene.codecs.lucene99=org.elasticsearch.server",
    "--add-opens=org.apache.lucene.core/org.apache.lucene.codecs.hnsw=org.elasticsearch.server",
    (
        "--add-opens="
        "org.apache.lucene.core/org.apache.lucene.internal.vectorization=org.elasticsearch.server"
    ),
    (
        "--add-exports=java.base/org.elasticsearch.entitlement.bridge="
        "org.elasticsearch.entitlement,"
        "java.logging,java.net.http,java.naming,jdk.net,jdk.zipfs,jdk.management.agent"
    ),
    "--add-modules=jdk.net,jdk.management.agent,ALL-MODULE-PATH",
)


@dataclass(frozen=True)
class ElasticsearchServer(JavaServer):
    label = "Elasticsearch"
    MIN_JAVA = 21
    JAVA_MODULES = frozenset(
        {"jdk.attach", "jdk.jdi", "jdk.management.agent", "jdk.net", "jdk.zipfs"}
    )

    transport_port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "cluster.name": "tocsin",
            "node.name": "tocsin",
            "path.home": str(self.home),
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            "network.host": "127.0.0.1",
            "http.port": str(self.port),
            "transport.port": str(self.transport_port),
            "discovery.type": "single-node",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "xpack.security.enabled": "false",
        }

    def prepare(self) -> None:
        self._own_folders("config")
        config = self.folder / "config"
        for source in (self.home / "config").iterdir():
            if source.is_file():
                shutil.copyfile(source, config / source.name)
        settings = {key: value for key, value in self.settings.items() if key != "path.home"}
        text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
        (config / "elasticsearch.yml").write_text(text)
        for path in config.iterdir():
            path.chmod(0o644)

    def run_command(self) -> Command:
        (bridge,) = (self.home / "lib" / "entitlement-bridge").glob("*.jar")
        logs = self.folder / "logs"
        return self._command(
            [
                *self._heap(),
                *self._compiler(),
                *(() if self.short_lived else GARBAGE_FLAGS),
                f"-XX:MaxDirectMemorySize={self.heap_mb // 2}m",
                f"-XX:ErrorFile={logs / 'hs_err_pid%p.log'}",
                f"-Des.path.home={self.home}",
                f"--patch-module=java.base={bridge}",
                *FLAGS,
                *self._flags_of_this_java(),
                f"--module-path={self.home / 'lib'}",
                "-m",
                "org.elasticsearch.server/org.elasticsearch.bootstrap.Elasticsearch",
            ],
            launch_message(self.settings, self.folder / "config", logs),
        )

    def is_ready(self) -> bool:
        return has_shards(self.port)

    def _flags_of_this_java(self) -> Iterable[str]:
        if "jdk.incubator.vector" in self.java.modules:
            yield "--add-modules=jdk.incubator.vector"
        if self.java.major >= 24:
            yield "--illegal-native-access=deny"
        if self.java.major == 23:  # works around a compiler fault of this version
            for method in ("setAsTypeCache", "asTypeUncached"):
                yield f"-XX:CompileCommand=dontinline,java/lang/invoke/MethodHandle.{method}"


def has_shards(port: int) -> bool:
    """Whether a node on loopback has a master and all primary shards are allocated."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as node:
        try:
            node.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=2s")
            return node.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def launch_message(settings: Mapping[str, str], config: Path, logs: Path) -> bytes:
    """The arguments of the server in its wire format: keystore, settings and folders.

    The keystore is new in every run and holds only the random seed that the server requires.
    """
    alphabet = string.ascii_letters + string.digits
    seed = "".join(secrets.choice(alphabet) for _ in range(20)).encode()
    message = [
        _NO,  # to the background
        _NO,  # quiet
        _NO,  # a file for the process id follows
        _text(KEYSTORE_CLASS),
        KEYSTORE_FORMAT.to_bytes(4, "big"),
        _NO,  # protected by a password
        _NO,  # its encrypted form follows
        _number(1),  # entries, each a name, its bytes and their SHA-256
        _text("keystore.seed"),
        _number(len(seed)) + seed,
        _number(32) + hashlib.sha256(seed).digest(),
        _NO,  # closed
        _number(len(settings)),
        *(_text(key) + _NO + _text(settings[key]) for key in sorted(settings)),
        _text(str(config)),
        _text(str(logs)),
    ]
    return b"".join(message)


def _number(value: int) -> bytes:
    """Seven bits a byte, low bits first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _text(value: str) -> bytes:
    """The length in UTF-16 units, then UTF-8; the same as Elasticsearch's form below U+10000."""
    return _number(len(value)) + value.encode()

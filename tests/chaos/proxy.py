"""Two proxies that do harm on demand: one for TCP (Kafka), one for HTTP (Elasticsearch).

Both count each fault when it happens, in ``fired``.
"""

import asyncio
import contextlib
import http.client
import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from tests.servers.http import HANG_UP, RESET, Answer, HttpServer, Received

TcpFault = Literal["reset", "blackhole", "deaf", "drip", "latency"]
"""``reset`` cuts every connection and refuses new ones; ``blackhole`` takes bytes and passes none
on; ``deaf`` passes on what clients send and loses the answers (a partition in one direction);
``drip`` passes on few bytes at a time; ``latency`` delays each packet."""
_BLOCK = 2**16
_DRIP_BYTES, _DRIP_S = 512, 0.05


class TcpProxy:
    """Passes bytes from ``port`` on to ``target``, both on loopback; a context manager.

    The event loop has a thread of its own. ``fault`` may change at any time.
    """

    def __init__(self, port: int, target: int, seed: int = 0) -> None:
        self.port, self.target = port, target
        self.fired: Counter[str] = Counter()
        self.latency_s = (0.1, 0.3)
        """Bounds of the delay of a packet."""
        self._random = random.Random(seed)
        self._fault: TcpFault | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._listening = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(30), "the proxy does not listen"
        return self

    def __exit__(self, *details: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def harm(self, fault: TcpFault | None) -> None:
        """From now on do this; None passes everything on. Cut connections stay cut."""
        self._fault = fault
        if fault == "reset":
            self._loop.call_soon_threadsafe(self._cut)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, "127.0.0.1", self.port)
        )
        self._listening.set()
        self._loop.run_forever()
        server.close()
        self._cut()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))

    def _cut(self) -> None:
        for writer in list(self._writers):
            self.fired["reset"] += self._fault == "reset"
            _abort(writer)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault == "reset":
            self.fired["reset"] += 1
            _abort(writer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _abort(writer)
            return
        ends = {writer, server_writer}
        self._writers |= ends
        ways = (
            asyncio.ensure_future(self._pass_on(reader, server_writer, to_server=True)),
            asyncio.ensure_future(self._pass_on(server_reader, writer, to_server=False)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass  # the proxy ends
        finally:
            for way in ways:
                way.cancel()
            self._writers -= ends
            for end in ends:
                end.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to_server: bool
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while data := await reader.read(_BLOCK):
                fault = self._fault
                if fault == "blackhole" or (fault == "deaf" and not to_server):
                    self.fired[fault] += 1
                    continue
                if fault == "latency":
                    self.fired[fault] += 1
                    await asyncio.sleep(self._random.uniform(*self.latency_s))
                step = len(data)
                if fault == "drip":
                    self.fired[fault] += 1
                    step = _DRIP_BYTES
                for begin in range(0, len(data), step):
                    writer.write(data[begin : begin + step])
                    await writer.drain()
                    if fault == "drip":
                        await asyncio.sleep(_DRIP_S)
            while self._fault in ("blackhole", "deaf"):  # noqa: ASYNC110
                # The end of a connection does not come through either.
                await asyncio.sleep(0.05)


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset."""
    with contextlib.suppress(OSError):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


HttpFault = Literal[
    "429", "503", "413", "partial", "reset", "reset_after", "hang_up", "stall", "slow"
]
"""``partial``: some operations of a bulk request are refused with 429, the others written.
``reset_after``: the request is carried out, and its answer is lost. ``stall``: no answer for
``stall_s``. ``slow``: the answer comes late, but comes."""
BUSY = {"error": {"type": "es_rejected_execution_exception", "reason": "made up"}, "status": 0}


@dataclass
class HttpProxy(HttpServer):
    """Passes requests on to ``target`` (a URL), and does ``faults`` to a ``share`` of them."""

    target: str
    seed: int = 0
    share: float = 0.3
    """Share of requests that are harmed."""
    faults: tuple[HttpFault, ...] = ()
    only: Callable[[Received], bool] = lambda request: True
    """Which requests may be harmed."""
    stall_s: float = 3.0
    fired: Counter[str] = field(default_factory=Counter)
    passed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._deck: list[HttpFault] = []

    def answer(self, request: Received) -> Answer:
        fault = self._fault_of(request)
        if fault is None:
            with self.lock:
                self.passed += 1
            return self._pass_on(request, request.body)
        with self.lock:
            self.fired[fault] += 1
        return self._harm(request, fault)

    def _fault_of(self, request: Received) -> HttpFault | None:
        with self.lock:
            if not self.faults or self._random.random() >= self.share or not self.only(request):
                return None
            # Each fault once before any comes again: a short run has seen all.
            if not self._deck:
                self._deck = self._random.sample(self.faults, len(self.faults))
            suits = next((f for f in self._deck if _suits(f, request)), None)
            if suits is not None:
                self._deck.remove(suits)
            return suits

    def _harm(self, request: Received, fault: HttpFault) -> Answer:
        """The answer of a harmed request."""
        if fault == "partial":
            return self._refuse_some(request)
        if fault == "reset":
            return RESET
        if fault == "hang_up":
            return HANG_UP
        if fault == "reset_after":
            self._pass_on(request, request.body)
            return RESET
        if fault in ("stall", "slow"):
            self.closing.wait(self.stall_s if fault == "stall" else 0.3)
            return RESET if fault == "stall" else self._pass_on(request, request.body)
        status = int(fault)
        return Answer(status, json.dumps({**BUSY, "status": status}).encode(), _HEADERS)

    def _refuse_some(self, request: Received) -> Answer:
        operations = operations_of(request.body)
        with self.lock:
            refused = [self._random.random() < 0.5 for _ in operations]
        refused[0] = True
        kept = [op for op, no in zip(operations, refused, strict=True) if not no]
        items: list[dict[str, Any]] = []
        if kept:
            answer = self._pass_on(request, b"".join(kept))
            if answer.status != 200:
                return answer
            items = json.loads(answer.body)["items"]
        written = iter(items)
        busy = {"index": {"status": 429, "error": BUSY["error"]}}
        mixed = [busy if no else next(written) for no in refused]
        return Answer(200, json.dumps({"errors": True, "items": mixed}).encode(), _HEADERS)

    def _pass_on(self, request: Received, body: bytes) -> Answer:
        address = urlsplit(self.target)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ("host", "content-length", "connection", "accept-encoding")
        }
        try:
            connection.request(request.method, request.path, body or None, headers)
            answer = connection.getresponse()
            kept = {
                name: value
                for name, value in answer.getheaders()
                if name.lower() not in ("content-length", "transfer-encoding", "connection")
            }
            return Answer(answer.status, answer.read(), kept)
        except OSError:
            return RESET
        finally:
            connection.close()


_HEADERS = {
    "X-Elastic-Product": "Elasticsearch",
    "Content-Type": "application/vnd.elasticsearch+json;compatible-with=9",
}


def _suits(fault: HttpFault, request: Received) -> bool:
    """A server that refuses one document alone as too large refuses it for good; only a bulk
    request is answered in part."""
    if fault not in ("413", "partial"):
        return True
    bulk = request.path.split("?")[0].endswith("_bulk")
    return bulk and len(operations_of(request.body)) > 1


def operations_of(body: bytes) -> list[bytes]:
    """The operations of a bulk request, each an action with its document."""
    lines = body.splitlines(keepends=True)
    operations: list[bytes] = []
    while lines:
        action = lines.pop(0)
        if not action.strip():
            continue
        has_document = "delete" not in json.loads(action)
        operations.append(action + (lines.pop(0) if has_document else b""))
    return operations

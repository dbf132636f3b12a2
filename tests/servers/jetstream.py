"""A local Jetstream with scripted faults.

After github.com/bluesky-social/jetstream (README and ``internal/subscribe``): time-based cursors
over a bounded history (too old: silently the oldest; in the future: live), ``wantedCollections``,
``maxMessageSizeBytes``, ``compress``, account and identity events whatever is wanted, 400 for zstd
and deflate together. ``websockets``' Sans-I/O protocol frames; this module writes and cuts bytes.
"""

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import zstandard
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from tests.servers.tcp import Connection, TcpServer

Event = Mapping[str, Any]


class Step(Enum):
    """A step of a connection; LIVE and STALL last until the client goes."""

    LIVE = "live"  # serve the log from the requested cursor
    STALL = "stall"  # send nothing more and keep the connection open
    CLOSE = "close"  # close properly (1000), as Jetstream does to a slow reader
    RESET = "reset"  # a TCP reset


@dataclass(frozen=True, slots=True)
class Log:
    """Serve this many events of the log, then continue with the next step."""

    events: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Send the first ``at`` bytes of an event's frame, then reset."""

    event: Event
    at: int


@dataclass(frozen=True, slots=True)
class Raw:
    """A message of these bytes, text or binary."""

    payload: bytes
    text: bool = True


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the handshake with an HTTP error."""

    status: int


@dataclass(frozen=True, slots=True)
class Mute:
    """Accept the connection and never answer the handshake."""


Action = Step | Log | Cut | Raw | Refuse | Mute


@dataclass(slots=True)
class Asked:
    path: str
    query: dict[str, list[str]]
    extensions: str | None = None

    @property
    def cursor(self) -> int | None:
        values = self.query.get("cursor")
        return int(values[0]) if values else None


@dataclass
class Jetstream(TcpServer):
    history: int = 10_000
    """The number of latest events that a cursor can reach."""
    scripts: list[Sequence[Action]] = field(default_factory=list)
    """One per connection, in order; LIVE once they are used up."""
    dictionary: bytes | None = None
    split: int | None = None
    """Maximum bytes per write."""
    deflate: bool = True
    """Whether permessage-deflate is negotiated."""
    repeat: int = 1
    """How often each event is sent."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/subscribe"

    def publish(self, *events: Event) -> None:
        with self.changed:
            self.log.extend(events)
            self.changed.notify_all()

    def wait_asked(self, connections: int, timeout_s: float = 20) -> None:
        self.wait_for("connections came", lambda: len(self.asked), connections, timeout_s)

    def connected(self, connection: socket.socket) -> Connection:
        return _Client(self, connection, self.scripts.pop(0) if self.scripts else [Step.LIVE])


class _Client(Connection):
    def __init__(
        self, server: Jetstream, connection: socket.socket, script: Sequence[Action]
    ) -> None:
        super().__init__(server, connection, server.split)
        self._server = server
        self._script = script
        self._protocol = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()] if server.deflate else None
        )
        self._compressor: zstandard.ZstdCompressor | None = None
        self._next: int | None = None
        self._wanted: set[str] = set()
        self._max_length = 0

    def serve(self) -> None:
        if self._handshake(self._script[0]):
            for action in self._script:
                if self.gone or not self._perform(action):
                    break

    def _handshake(self, first: Action) -> bool:
        """Returns whether the WebSocket is open now."""
        request = self._read_request()
        if request is None:
            return False
        parts = urlsplit(request.path)
        asked = Asked(
            parts.path, parse_qs(parts.query), request.headers.get("Sec-WebSocket-Extensions")
        )
        self._note(asked)
        if isinstance(first, Mute):
            self.fire("mute")
            self.idle()
            return False
        refusal = self._refusal(asked, first)
        if refusal is not None:
            self._protocol.send_response(self._protocol.reject(refusal, "refused\n"))
            self._flush()
            return False
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()
        return True

    def _read_request(self) -> Request | None:
        while not self.over:
            self.receive(0.01)
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    return event
        return None

    def _note(self, asked: Asked) -> None:
        query = asked.query
        self._wanted = set(query.get("wantedCollections", ()))
        self._max_length = max(0, int(query.get("maxMessageSizeBytes", ["0"])[0]))
        if query.get("compress") == ["true"]:
            dictionary = zstandard.ZstdCompressionDict(self._server.dictionary or b"")
            self._compressor = zstandard.ZstdCompressor(dict_data=dictionary)
        with self._server.changed:
            self._next = self._start(asked.cursor)
            self._server.note(asked)

    def _start(self, cursor: int | None) -> int:
        log = self._server.log
        if cursor is None or not log or cursor > log[-1]["time_us"]:
            return len(log)
        oldest = max(0, len(log) - self._server.history)
        for number in range(oldest, len(log)):
            if log[number]["time_us"] >= cursor:
                if number == oldest and oldest > 0 and log[oldest - 1]["time_us"] >= cursor:
                    self.fire("history lost")
                return number
        return len(log)

    def _refusal(self, asked: Asked, first: Action) -> HTTPStatus | None:
        if isinstance(first, Refuse):
            self.fire(f"refuse {first.status}")
            return HTTPStatus(first.status)
        if asked.path != "/subscribe":
            return HTTPStatus.NOT_FOUND
        if self._compressor is not None and "permessage-deflate" in (asked.extensions or ""):
            return HTTPStatus.BAD_REQUEST
        return None

    def _perform(self, action: Action) -> bool:
        """Returns whether to continue with the next action."""
        if isinstance(action, Log):
            return self._serve_log(action.events)
        if isinstance(action, Raw):
            self.fire("raw")
            self._send(action.payload, action.text)
            return True
        if isinstance(action, Cut):
            return self._cut(action)
        if action is Step.LIVE:
            return self._serve_log(None)
        assert isinstance(action, Step)
        self.fire(action.value)
        if action is Step.RESET:
            self.reset()
            return False
        if action is Step.CLOSE:
            self._protocol.send_close(1000, "too slow")
            self._flush()
        self.idle()
        return False

    def _serve_log(self, events: int | None) -> bool:
        served = 0
        while not self.gone and (events is None or served < events):
            event = self._next_event()
            if event is None:
                return False
            if self._wants(event):
                for _ in range(self._server.repeat):
                    self._send_event(event)
                served += 1
        return not self.gone

    def _next_event(self) -> Event | None:
        """The log's next event, as soon as it exists; None once the connection is over."""
        server = self._server
        assert self._next is not None
        while not self.over:
            with server.changed:
                if self._next >= len(server.log):
                    server.changed.wait(0.02)
                if self._next < len(server.log):
                    self._next += 1
                    return server.log[self._next - 1]
            self.receive(0)
        return None

    def _wants(self, event: Event) -> bool:
        collection = event.get("commit", {}).get("collection")
        return not self._wanted or collection is None or collection in self._wanted

    def _send_event(self, event: Event) -> None:
        data = json.dumps(event).encode()
        if self._max_length and len(data) > self._max_length:
            return
        if self._compressor is not None:
            self._send(self._compressor.compress(data), text=False)
        else:
            self._send(data, text=True)
        self._server.sent += 1

    def _send(self, payload: bytes, text: bool) -> None:
        (self._protocol.send_text if text else self._protocol.send_binary)(payload)
        self._flush()

    def _cut(self, action: Cut) -> bool:
        self._protocol.send_text(json.dumps(action.event).encode())
        whole = b"".join(self._protocol.data_to_send())
        self.write(whole[: action.at])
        self.fire(f"cut after {min(action.at, len(whole))} bytes")
        self.reset()
        return False

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.write(data)
            else:
                self._socket.shutdown(socket.SHUT_WR)

    def received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        if self._protocol.handshake_exc is not None:
            self.gone = True
        if self._protocol.state is not State.CONNECTING:
            for event in self._protocol.events_received():
                self.gone |= isinstance(event, Frame) and event.opcode is Opcode.CLOSE
        self._flush()  # a pong, a close or a refusal


def post(did: str, rkey: str, rev: str, time_us: int, text: str, **record: Any) -> Event:
    """A created post."""
    record = {"$type": "app.bsky.feed.post", "text": text, **record}
    return commit("create", did, rkey, rev, time_us, record)


def commit(
    operation: str,
    did: str,
    rkey: str,
    rev: str,
    time_us: int,
    record: Mapping[str, Any] | None = None,
    collection: str = "app.bsky.feed.post",
) -> Event:
    body: dict[str, Any] = {"rev": rev, "operation": operation}
    body |= {"collection": collection, "rkey": rkey}
    if record is not None:
        body |= {"record": record, "cid": "bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sg"}
    return {"did": did, "time_us": time_us, "kind": "commit", "commit": body}


def account(did: str, time_us: int, *, active: bool, status: str | None = None) -> Event:
    body: dict[str, Any] = {"active": active, "did": did, "seq": 1, "time": "2024-09-05T06:11:04Z"}
    if status is not None:
        body["status"] = status
    return {"did": did, "time_us": time_us, "kind": "account", "account": body}


def identity(did: str, time_us: int) -> Event:
    """A change of a handle."""
    body = {"did": did, "handle": "a.example", "seq": 2, "time": "2024-09-05T06:11:04Z"}
    return {"did": did, "time_us": time_us, "kind": "identity", "identity": body}


def tid(microseconds: int, clock_id: int = 0) -> str:
    """A TID (atproto.com/specs/tid): 53 bits of microseconds, 10 bits of clock id."""
    value = microseconds << 10 | clock_id
    letters = "234567abcdefghijklmnopqrstuvwxyz"
    return "".join(letters[value >> shift & 31] for shift in range(60, -1, -5))

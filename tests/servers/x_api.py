"""A local server for the filtered stream of X's API v2, with scripted faults.

After docs.x.com ("Filtered stream", "Handling disconnections", "Update stream rules"): rules with
dry runs, duplicates and invalid ones; one line per post, ``\\r\\n`` between them and as a
keep-alive; ``backfill_minutes``; 401, 403, 409 without rules, 429 with ``x-rate-limit-reset``, 503;
errors inside the stream. Chunks and packets can be cut anywhere, since HTTP is written by hand.

A post published while no client is connected is lost without backfill, as it is at X.
"""

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.tcp import Connection, TcpServer

RULES = "/2/tweets/search/stream/rules"
STREAM = "/2/tweets/search/stream"
PROBLEMS = "https://api.twitter.com/2/problems"


class Step(Enum):
    """A step of a stream; LIVE and STALL last until the client goes."""

    LIVE = "live"  # send new posts (and those that backfill repeats)
    STALL = "stall"  # send nothing more, not even keep-alives, and keep the connection open
    DRIP = "drip"  # send a space now and then, and never the end of a line
    END = "end"  # end the response properly
    RESET = "reset"  # a TCP reset
    HANG_UP = "hang up"  # close inside a chunk, with a FIN


KEEP_ALIVE = b"\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Action = Step | bytes | Answer
"""Bytes go into the body of the response as they are."""


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any = None


@dataclass
class XServer(TcpServer):
    token: str = "token"
    rules: list[dict[str, str]] = field(default_factory=list)
    scripts: list[Sequence[Action]] = field(default_factory=list)
    """One per stream, in order; LIVE once they are used up."""
    answers: list[Answer] = field(default_factory=list)
    """One per request for rules, in order; then the server handles rules itself."""
    invalid: Callable[[str], str | None] = lambda _: None
    """X's complaint about the text of a rule, or None."""
    max_rules: int = 1000
    backfill: bool = True
    """Whether the plan includes it."""
    split: int | None = None
    """Maximum bytes per HTTP chunk."""
    packet: int | None = None
    """Maximum bytes per write."""
    streams: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._last_id = 1_000

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def publish(self, *lines: bytes) -> None:
        """Sends posts (without line ends) to the connected clients."""
        with self.changed:
            self.log.extend(line + b"\r\n" for line in lines)
            self.changed.notify_all()

    def wait_streams(self, number: int, timeout_s: float = 20) -> None:
        self.wait_for("streams began", lambda: self.streams, number, timeout_s)

    def wait_asked(self, number: int, path: str = STREAM, timeout_s: float = 20) -> None:
        self.wait_for("requests came", lambda: len(self.requests(path)), number, timeout_s)

    def requests(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    def connected(self, connection: socket.socket) -> Connection:
        return _Client(self, connection)

    def change_rules(self, body: Any, dry_run: bool) -> Answer:
        if "delete" in body:
            ids = set(body["delete"]["ids"])
            kept = [rule for rule in self.rules if rule["id"] not in ids]
            deleted = len(self.rules) - len(kept)
            if not dry_run:
                self.rules = kept
            summary = {"deleted": deleted, "not_deleted": len(ids) - deleted}
            return Answer(200, {"meta": {"sent": "2026-01-01T00:00:00Z", "summary": summary}})
        return self._add_rules(body["add"], dry_run)

    def _add_rules(self, wanted: list[dict[str, str]], dry_run: bool) -> Answer:
        problems: list[dict[str, Any]] = []
        made: list[dict[str, str]] = []
        held = {rule["value"]: rule["id"] for rule in self.rules}
        for rule in wanted:
            value, complaint = rule["value"], self.invalid(rule["value"])
            if complaint is not None:
                self.fired.append("invalid rule")
                problem = {"details": [complaint], "title": "UnprocessableEntity"}
                problems.append({"value": value, "type": f"{PROBLEMS}/invalid-rules"} | problem)
            elif value in held:
                self.fired.append("duplicate rule")
                problem = {"id": held[value], "title": "DuplicateRule"}
                problems.append({"value": value, "type": f"{PROBLEMS}/duplicate-rules"} | problem)
            else:
                self._last_id += 1
                held[value] = str(self._last_id)
                made.append({**rule, "id": held[value]})
        if not dry_run and len(self.rules) + len(made) > self.max_rules:
            self.fired.append("too many rules")
            problem = {"title": "RulesCapExceeded", "detail": "Rules cap exceeded"}
            return Answer(422, problem | {"type": f"{PROBLEMS}/rule-cap"})
        if not dry_run:
            self.rules = self.rules + made
        summary = {"created": len(made), "not_created": len(problems)}
        answer: dict[str, Any] = {"meta": {"sent": "2026-01-01T00:00:00Z", "summary": summary}}
        if made:
            answer["data"] = made
        if problems:
            answer["errors"] = problems
        return Answer(201, answer)


class _Client(Connection):
    """Keeps alive between requests."""

    def __init__(self, server: XServer, connection: socket.socket) -> None:
        super().__init__(server, connection, server.packet)
        self._server = server
        self._received = b""

    def serve(self) -> None:
        while not self.over:
            self._serve_one()

    def received(self, data: bytes) -> None:
        self._received += data

    def _serve_one(self) -> None:
        head = self._read_until(b"\r\n\r\n")
        if head is None:
            return
        request, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = request.split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines if x)
        }
        body = self._read_body(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        asked = Asked(method, parts.path, parse_qs(parts.query), body)
        self._server.note(asked)
        if headers.get("authorization") != f"Bearer {self._server.token}":
            self.fire("unauthorized")
            problem = {"title": "Unauthorized", "type": "about:blank", "detail": "Unauthorized"}
            self._answer(Answer(401, problem))
        elif parts.path == RULES:
            self._answer(self._rules(asked))
        elif parts.path == STREAM:
            self._stream(asked)
        else:
            self._answer(Answer(404, {"title": "Not Found", "detail": "no such path"}))

    def _rules(self, asked: Asked) -> Answer:
        server = self._server
        if server.answers:
            answer = server.answers.pop(0)
            self.fire(f"answer {answer.status}")
            return answer
        if asked.method == "POST":
            return server.change_rules(asked.body, asked.query.get("dry_run") == ["true"])
        meta = {"meta": {"sent": "2026-01-01T00:00:00Z", "result_count": len(server.rules)}}
        return Answer(200, ({"data": server.rules} if server.rules else {}) | meta)

    def _stream(self, asked: Asked) -> None:
        server = self._server
        script = server.scripts.pop(0) if server.scripts else [Step.LIVE]
        refusal = self._refusal(asked, script[0])
        if refusal is not None:
            self._answer(refusal)
            return
        with server.changed:
            backfill = "backfill_minutes" in asked.query
            begin = 0 if backfill else len(server.log)
            server.streams += 1
            server.changed.notify_all()
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
        self.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for action in script:
            if self.gone or not self._perform(action, begin):
                break

    def _refusal(self, asked: Asked, first: Action) -> Answer | None:
        if isinstance(first, Answer):
            self.fire(f"answer {first.status}")
            return first
        if not self._server.rules:
            self.fire("no rules")
            problem = {"title": "ConnectionException", "detail": "You must define rules"}
            issue = {"connection_issue": "RuleConfigurationIssue"}
            return Answer(409, problem | issue | {"type": f"{PROBLEMS}/streaming-connection"})
        if "backfill_minutes" in asked.query and not self._server.backfill:
            self.fire("no backfill")
            error = {"parameters": {"backfill_minutes": asked.query["backfill_minutes"]}}
            problem = {"title": "Invalid Request", "type": f"{PROBLEMS}/invalid-request"}
            detail = "One or more parameters to your request was invalid."
            return Answer(400, {"errors": [error], "detail": detail} | problem)
        return None

    def _perform(self, action: Action, begin: int) -> bool:
        if isinstance(action, bytes):
            self._send(action)
            return True
        if action is Step.LIVE:
            self._serve_log(begin)
            return False
        assert isinstance(action, Step)
        self.fire(action.value)
        if action is Step.STALL:
            self.idle()
        elif action is Step.DRIP:
            while not self.over:
                self._send(b" ")
                self.receive(0.02)
        elif action is Step.END:
            self.write(b"0\r\n\r\n")
        elif action is Step.RESET:
            self.reset()
        elif action is Step.HANG_UP:
            self.write(b'40\r\n{"data":{"id":"12')
            self.gone = True
        return False

    def _serve_log(self, position: int) -> None:
        server = self._server
        while not self.over:
            with server.changed:
                if position >= len(server.log):
                    server.changed.wait(0.02)
                lines = server.log[position:]
            for line in lines:
                self._send(line)
                server.sent += 1
            position += len(lines)
            self.receive(0)

    def _answer(self, answer: Answer) -> None:
        body = answer.body
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        lines = [f"HTTP/1.1 {answer.status} Scripted", f"Content-Length: {len(data)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        self.write("\r\n".join([*lines, "", ""]).encode() + data)

    def _send(self, data: bytes) -> None:
        """Sends data in HTTP chunks."""
        size = self._server.split or len(data)
        for start in range(0, len(data), size):
            chunk = data[start : start + size]
            self.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def _read_until(self, end: bytes) -> bytes | None:
        while end not in self._received:
            if self.over:
                return None
            self.receive(0.01)
        head, _, self._received = self._received.partition(end)
        return head

    def _read_body(self, length: int) -> Any:
        while len(self._received) < length and not self.gone:
            self.receive(0.01)
        body, self._received = self._received[:length], self._received[length:]
        return json.loads(body) if body else None


def snowflake(milliseconds: int, sequence: int = 0) -> str:
    """A post id of X, created at this many milliseconds since 1970."""
    return str((milliseconds - 1_288_834_974_657) << 22 | sequence)


def tweet(id_: str, text: str, *, author: str = "7", **fields: Any) -> dict[str, Any]:
    """The ``data`` of a line."""
    base = {"id": id_, "text": text, "author_id": author, "edit_history_tweet_ids": [id_]}
    return base | {"created_at": "2026-01-02T03:04:05.000Z", "lang": "en"} | fields


def line(data: Mapping[str, Any], **includes: Any) -> bytes:
    """A line of the stream, without its end."""
    body: dict[str, Any] = {"data": data}
    if includes:
        body["includes"] = includes
    body["matching_rules"] = [{"id": "1", "tag": "tocsin:acme:1"}]
    return json.dumps(body, ensure_ascii=False).encode()


def farewell() -> bytes:
    """The line that X sends before it ends a stream, with its line end."""
    error = {
        "title": "operational-disconnect",
        "disconnect_type": "UpstreamOperationalDisconnect",
        "detail": "This stream has been disconnected upstream for operational reasons.",
        "type": f"{PROBLEMS}/operational-disconnect",
    }
    return json.dumps({"errors": [error]}).encode() + b"\r\n"

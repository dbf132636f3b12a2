"""A local SMTP server: EHLO, STARTTLS, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA, RSET, QUIT (RFC
5321, 3207, 4954), with scripted refusals.
"""

import base64
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self


@dataclass(frozen=True)
class Mail:
    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


@dataclass
class SmtpServer:
    """Serves on a free port of 127.0.0.1; use as a context manager."""

    context: ssl.SSLContext | None = None
    """Enables STARTTLS, or with ``implicit`` TLS from the start."""
    implicit: bool = False
    login: tuple[str, str] | None = None
    """The only user and password; MAIL needs a login if set."""
    answers: list[str] = field(default_factory=list)
    """One per DATA, in order; 250 once they are used up."""
    refused: set[str] = field(default_factory=set)
    """Recipients that do not exist."""
    rude_at_quit: bool = False
    mails: list[Mail] = field(default_factory=list)
    sessions: int = 0

    def __enter__(self) -> Self:
        handler = type("Handler", (_Session,), {"smtp": self})
        self._tcp = _Threaded(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._tcp.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._tcp.shutdown()
        self._tcp.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._tcp.server_address[1])


class _Threaded(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Some tests have clients that leave early."""


class _Session(socketserver.BaseRequestHandler):
    smtp: SmtpServer

    def handle(self) -> None:
        self.smtp.sessions += 1
        self.encrypted = self.smtp.implicit
        if self.smtp.implicit:
            assert self.smtp.context is not None
            self.request = self.smtp.context.wrap_socket(self.request, server_side=True)
        self.lines = self.request.makefile("rb")
        self.user: str | None = None
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.say("220 desk.test ESMTP")
        while line := self.lines.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            if verb.upper() == "QUIT":
                self.say("421 how rude" if self.smtp.rude_at_quit else "221 bye")
                return
            getattr(self, f"on_{verb.lower()}", self.unknown)(rest)

    def finish(self) -> None:
        """TLS has replaced the socket that the server closes."""
        self.request.close()
        if hasattr(self, "lines"):
            self.lines.close()

    def say(self, *lines: str) -> None:
        for line in lines:
            self.request.sendall(line.encode() + b"\r\n")

    def unknown(self, rest: str) -> None:
        self.say("502 no such command")

    def on_ehlo(self, rest: str) -> None:
        offers = ["desk.test", "8BITMIME"]
        if self.smtp.context is not None and not self.encrypted:
            offers.append("STARTTLS")
        if self.smtp.login is not None:
            offers.append("AUTH PLAIN LOGIN")
        self.say(*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")

    def on_starttls(self, rest: str) -> None:
        if self.smtp.context is None:
            self.say("454 no TLS here")
            return
        self.say("220 go on")
        self.lines.close()
        self.request = self.smtp.context.wrap_socket(self.request, server_side=True)
        self.lines = self.request.makefile("rb")
        self.encrypted = True

    def on_auth(self, rest: str) -> None:
        kind, _, given = rest.partition(" ")
        if kind.upper() == "PLAIN":
            _, user, password = base64.b64decode(given).decode().split("\0")
        else:
            user = base64.b64decode(given or self.ask("Username:")).decode()
            password = base64.b64decode(self.ask("Password:")).decode()
        if (user, password) == self.smtp.login:
            self.user = user
            self.say("235 welcome")
        else:
            self.say(f"535 wrong password for {user}")

    def ask(self, prompt: str) -> str:
        self.say(f"334 {base64.b64encode(prompt.encode()).decode()}")
        return str(self.lines.readline().decode().strip())

    def on_mail(self, rest: str) -> None:
        if self.smtp.login is not None and self.user is None:
            self.say("530 log in first")
            return
        self.sender, self.recipients = _address(rest), []
        self.say("250 fine")

    def on_rcpt(self, rest: str) -> None:
        address = _address(rest)
        if address in self.smtp.refused:
            self.say("550 no such user")
            return
        self.recipients.append(address)
        self.say("250 fine")

    def on_data(self, rest: str) -> None:
        self.say("354 go on")
        content = b""
        while (line := self.lines.readline()) not in (b".\r\n", b""):
            content += line[1:] if line.startswith(b".") else line
        answer = self.smtp.answers.pop(0) if self.smtp.answers else "250 taken"
        if answer.startswith("2"):
            mail = Mail(self.sender or "", self.recipients, content, self.encrypted, self.user)
            self.smtp.mails.append(mail)
        self.say(answer)

    def on_rset(self, rest: str) -> None:
        self.sender, self.recipients = None, []
        self.say("250 fine")


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]

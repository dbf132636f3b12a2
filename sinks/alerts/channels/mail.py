"""E-mail over SMTP: plain text and HTML, one thread per alert.

====================================  ======================================================
answer                                result
====================================  ======================================================
accepted for at least one recipient   delivered; refused recipients are counted in the log
4yz, no connection, no STARTTLS       :class:`Busy`
5yz                                   :class:`Refused`
====================================  ======================================================

An attempt ends after three times the time-out of one exchange, whatever the server sends meanwhile.

The ``Message-ID`` is derived from the id and version of the alert: a message that a crash sends
twice is the same one, which most servers show once. Updates answer the opening message.
"""

import contextlib
import hashlib
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.header import Header
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import IO, Any, Literal, NamedTuple

from pydantic import SecretStr

from runtime.clock import Clock, utc_now
from runtime.limits.deadline import Deadline, own_name
from runtime.logs import get_logger
from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Busy, Channel, Refused, redacted
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import html, plain, subject
from sinks.alerts.message.report import report
from text.terminal import single_line

Security = Literal["starttls", "tls", "none"]
log = get_logger("alerts")
_EXCHANGES = 3
"""Time-outs in an attempt. A session has some ten exchanges, and mail servers delay a greeting on
purpose; too short an attempt would send a message that was accepted again."""
MAX_SUBJECT = 200
MAX_ANSWER = 65_536
"""Bytes of one answer, which may have many lines."""


class _Answers:
    """The lines of the server, at most ``MAX_ANSWER`` bytes of each answer."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.left = MAX_ANSWER

    def readline(self, size: int) -> bytes:
        line = self._file.readline(size)
        self.left -= len(line)
        if self.left < 0:
            raise OSError("its answer has no end")
        return line

    def close(self) -> None:
        self._file.close()


class _Smtp(smtplib.SMTP):
    """A session whose connection ends with a deadline."""

    def __init__(self, server: "Server", deadline: Deadline, **options: Any) -> None:
        self._deadline = deadline
        # smtplib would ask the name server for it, without a limit.
        name = own_name(min(deadline.left_s(), server.timeout_s) / 2)
        super().__init__(server.host, server.port, name, timeout=server.timeout_s, **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = self._deadline.connect(self._deadline.resolve(host, port), port)
        connection.settimeout(timeout)
        return connection

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        if self.file is not None:
            self.file.left = MAX_ANSWER
        return super().getreply()


class _SmtpTls(_Smtp, smtplib.SMTP_SSL):
    """The same with TLS from the start."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = super()._get_socket(host, port, timeout)
        return self.context.wrap_socket(connection, server_hostname=host)


class _Policy(EmailPolicy):
    """Encodes a subject that is not ASCII as a whole.

    Otherwise the spaces between its parts get lost (https://github.com/python/cpython/issues/92081).
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        if name != "Subject" or value.isascii():
            return super().fold_binary(name, value)
        folded = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {folded}{self.linesep}".encode("ascii")


_POLICY = _Policy(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Server:
    """The SMTP server, and the account there."""

    host: str
    port: int
    security: Security
    timeout_s: float
    context: ssl.SSLContext
    username: str | None = None
    password: SecretStr | None = field(default=None, repr=False)


def message_ids(alert: Alert, domain: str) -> tuple[str, str]:
    """The ids of the message of this state and of the opening message."""
    thread = hashlib.sha256(alert.id.encode()).hexdigest()[:32]
    opening = f"<{thread}@{domain}>"
    if alert.status == "open":
        return opening, opening
    return f"<{thread}.{alert.version}@{domain}>", opening


class Attachment(NamedTuple):
    """``kind``: the media type, such as ``text/csv``."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is no alert. ``key``: equal for a message that is sent again."""

    key: str
    subject: str
    plain: str
    html: str
    attachments: Sequence[Attachment] = ()


@dataclass(eq=False)
class Email(Channel):
    """Sends one message per state to all recipients."""

    server: Server
    sender: str
    recipients: Sequence[str]
    style: Style
    clock: Clock = utc_now

    @property
    def attempt_s(self) -> float:
        return _EXCHANGES * self.server.timeout_s

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        self._post(self.message(alert))
        return None

    def send(self, letter: Letter) -> None:
        """Send a report to all recipients, with the same limits; raises as ``deliver`` does."""
        self._post(self.letter(letter))

    def _post(self, message: EmailMessage) -> None:
        with Deadline(self.attempt_s) as deadline:
            self._attempt(message, deadline)

    def _attempt(self, message: EmailMessage, deadline: Deadline) -> None:
        try:
            refused = self._send(message, deadline)
        except smtplib.SMTPRecipientsRefused as error:
            # Addresses of people are not shown.
            self._judge(next(iter(error.recipients.values()))[0], "every recipient was refused")
        except smtplib.SMTPResponseException as error:
            self._judge(error.smtp_code, self._redacted(error.smtp_error))
        except (OSError, smtplib.SMTPException) as error:
            why = f"{type(error).__name__}: {error}"
            if deadline.passed:
                why = f"no complete answer within {deadline.seconds:g} s"
            why = f"{self.server.host} does not answer ({why})"
            raise Busy(self._redacted(why), "connection") from None
        else:
            if refused:
                log.warning("recipients refused", channel=self.name, refused=len(refused))

    def _send(self, message: EmailMessage, deadline: Deadline) -> Mapping[str, tuple[int, bytes]]:
        if self.server.security == "tls":
            session: _Smtp = _SmtpTls(self.server, deadline, context=self.server.context)
        else:
            session = _Smtp(self.server, deadline)
        with contextlib.closing(session) as smtp:
            if self.server.security == "starttls":
                # Raises if the server has no STARTTLS: there is no fallback to clear text.
                smtp.starttls(context=self.server.context)
            if self.server.username is not None and self.server.password is not None:
                smtp.login(self.server.username, self.server.password.get_secret_value())
            refused = smtp.send_message(message, self.sender, self.recipients)
            # The message is accepted, so a failure here must not send it again.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
        return refused

    def _judge(self, code: int, text: str) -> None:
        why = f"{self.server.host} answered {code}: {text}"
        if code < 0 or 400 <= code < 500:
            raise Busy(why, f"status_{code}" if code > 0 else "connection")
        raise Refused(why)

    def message(self, alert: Alert) -> EmailMessage:
        text = report(alert, self.style)
        own, opening = message_ids(alert, Mailbox(addr_spec=self.sender).domain)
        message = self._message(subject(text), own)
        if own != opening:
            message["In-Reply-To"] = opening
            message["References"] = opening
        message.set_content(plain(text))
        message.add_alternative(html(text), subtype="html")
        return self._in_language(message)

    def letter(self, letter: Letter) -> EmailMessage:
        """The message of a letter; its subject is one line, whatever it holds."""
        digest = hashlib.sha256(letter.key.encode()).hexdigest()[:32]
        own = f"<{digest}.report@{Mailbox(addr_spec=self.sender).domain}>"
        message = self._message(single_line(letter.subject, MAX_SUBJECT), own)
        message.set_content(letter.plain)
        message.add_alternative(letter.html, subtype="html")
        for one in letter.attachments:
            main, _, sub = one.kind.partition("/")
            message.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
        return self._in_language(message)

    def _message(self, subject_: str, own: str) -> EmailMessage:
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = subject_
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Date"] = format_datetime(self.clock())
        message["Message-ID"] = own
        message["Auto-Submitted"] = "auto-generated"
        return message

    def _in_language(self, message: EmailMessage) -> EmailMessage:
        # Last: a new content takes away every header of the one before.
        message["Content-Language"] = self.style.language
        return message

    def _redacted(self, text: bytes | str) -> str:
        password = self.server.password
        return redacted(text, [] if password is None else [password.get_secret_value()])

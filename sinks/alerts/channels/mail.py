"""E-mail over SMTP: plain text and HTML, one thread per alert.

====================================  ======================================================
answer                                result
====================================  ======================================================
accepted for at least one recipient   delivered; refused recipients are counted in the log
4yz, no connection, no STARTTLS       :class:`Busy`
5yz                                   :class:`Refused`
====================================  ======================================================

The ``Message-ID`` is derived from the id and version of the alert: a message that a crash sends
twice is the same one, which most servers show once. Updates answer the opening message.
"""

import contextlib
import hashlib
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.header import Header
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Literal

from pydantic import SecretStr

from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Busy, Channel, Refused, redacted
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import html, plain, subject
from sinks.alerts.message.report import report

Security = Literal["starttls", "tls", "none"]
log = get_logger("alerts")


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


@dataclass(eq=False)
class Email(Channel):
    """Sends one message per state to all recipients."""

    server: Server
    sender: str
    recipients: Sequence[str]
    style: Style
    clock: Clock = utc_now

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        message = self.message(alert)
        try:
            refused = self._send(message)
        except smtplib.SMTPRecipientsRefused as error:
            # Addresses of people are not shown.
            self._judge(next(iter(error.recipients.values()))[0], "every recipient was refused")
        except smtplib.SMTPResponseException as error:
            self._judge(error.smtp_code, self._redacted(error.smtp_error))
        except (OSError, smtplib.SMTPException) as error:
            why = f"{self.server.host} does not answer ({type(error).__name__}: {error})"
            raise Busy(self._redacted(why), "connection") from None
        else:
            if refused:
                log.warning("recipients refused", channel=self.name, refused=len(refused))
        return None

    def _send(self, message: EmailMessage) -> Mapping[str, tuple[int, bytes]]:
        with contextlib.closing(self._connection()) as smtp:
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

    def _connection(self) -> smtplib.SMTP:
        host, port, timeout_s = self.server.host, self.server.port, self.server.timeout_s
        if self.server.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=timeout_s, context=self.server.context)
        return smtplib.SMTP(host, port, timeout=timeout_s)

    def _judge(self, code: int, text: str) -> None:
        why = f"{self.server.host} answered {code}: {text}"
        if code < 0 or 400 <= code < 500:
            raise Busy(why, f"status_{code}" if code > 0 else "connection")
        raise Refused(why)

    def message(self, alert: Alert) -> EmailMessage:
        text = report(alert, self.style)
        own, opening = message_ids(alert, Mailbox(addr_spec=self.sender).domain)
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = subject(text)
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Date"] = format_datetime(self.clock())
        message["Message-ID"] = own
        if own != opening:
            message["In-Reply-To"] = opening
            message["References"] = opening
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = self.style.language
        message.set_content(plain(text))
        message.add_alternative(html(text), subtype="html")
        return message

    def _redacted(self, text: bytes | str) -> str:
        password = self.server.password
        return redacted(text, [] if password is None else [password.get_secret_value()])

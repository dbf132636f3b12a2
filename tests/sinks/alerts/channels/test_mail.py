"""E-mail on a real SMTP session: threads, encryption, logging in, and what the answers mean."""

import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr

from sinks.alerts.channels.base import Busy, Refused
from sinks.alerts.channels.http import tls_context
from sinks.alerts.channels.mail import (
    Attachment,
    Email,
    Letter,
    Security,
    Server,
    message_ids,
)
from sinks.alerts.message.catalogue import Style
from tests.servers.smtp import SmtpServer
from tests.sinks.alerts.states import hostile, rich, state

PASSWORD = "correct-horse-battery"
LOGIN = ("tocsin", PASSWORD)
TO = ["ana@desk.test", "ben@desk.test"]


def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def channel(
    smtp: SmtpServer,
    security: Security = "none",
    ca_certs: Path | None = None,
    password: str | None = None,
) -> Email:
    server = Server(
        host="127.0.0.1",
        port=smtp.port,
        security=security,
        timeout_s=5,
        context=tls_context(ca_certs, "mail"),
        username=password and "tocsin",
        password=password and SecretStr(password),
    )
    now = datetime(2026, 1, 2, 9, 40, tzinfo=UTC)
    return Email("mail", server, "tocsin@desk.test", TO, Style("fr"), lambda: now)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_a_message_is_plain_and_html_and_says_from_whom() -> None:
    with SmtpServer() as smtp:
        channel(smtp).deliver(rich(), None)
        (mail,) = smtp.mails
    message = mail.message
    assert (mail.sender, mail.recipients) == ("tocsin@desk.test", TO)
    assert message["From"] == "tocsin@desk.test"
    assert message["To"] == "ana@desk.test, ben@desk.test"
    assert message["Date"] == "Fri, 02 Jan 2026 09:40:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fr"
    assert message["Subject"] == (
        "[4 sur 5, ouverte] Velmora\u00a0: 12\u202f540 mentions en 30 minutes, 8,8 fois le niveau "
        "habituel, 81\u202f% de négatives, 2\u202f210 auteurs"
    )
    assert message.get_content_type() == "multipart/alternative"
    assert "Gravité\u00a0: 4 sur 5" in body(message, "plain")
    assert '<html lang="fr">' in body(message, "html")


def test_updates_answer_the_opening_message() -> None:
    with SmtpServer() as smtp:
        mail = channel(smtp)
        for alert in (state(1), state(2, "update"), state(3, "close"), state(1, id="another")):
            mail.deliver(alert, None)
        opening, update, close, other = (mail.message for mail in smtp.mails)
    assert opening["In-Reply-To"] is None
    for answer in (update, close):
        assert answer["In-Reply-To"] == answer["References"] == opening["Message-ID"]
    ids = {message["Message-ID"] for message in (opening, update, close, other)}
    assert len(ids) == 4
    assert all(id_.endswith("@desk.test>") for id_ in ids)


def test_a_repeated_state_is_the_same_message() -> None:
    assert message_ids(state(1), "d.test") == message_ids(state(1), "d.test")
    assert message_ids(state(2, "update"), "d.test")[0] != message_ids(state(3, "update"), "d")[0]


def test_hostile_text_makes_no_headers() -> None:
    with SmtpServer() as smtp:
        channel(smtp).deliver(hostile(), None)
        (mail,) = smtp.mails
    assert "Bcc" not in mail.message
    assert mail.recipients == TO
    assert "<script>" not in body(mail.message, "html")


def test_a_letter_has_attachments_and_one_line_of_subject() -> None:
    table = Attachment("volume.csv", "text/csv", "at,mentions\r\nà,1\r\n".encode())
    letter = Letter("day-1", "Velmora\r\nBcc: all@evil.test \u202e", "plain é", "<p>é</p>", [table])
    with SmtpServer() as smtp:
        channel(smtp).send(letter)
        channel(smtp).send(letter)
        first, second = (mail.message for mail in smtp.mails)
        assert smtp.mails[0].recipients == TO
    assert "Bcc" not in first
    assert first["Subject"] == "Velmora Bcc: all@evil.test"
    assert first["Message-ID"] == second["Message-ID"], "a repeated letter is the same message"
    assert first["Content-Language"] == "fr"
    assert body(first, "plain").strip() == "plain é"
    (attached,) = first.iter_attachments()
    assert attached.get_filename() == "volume.csv"
    assert attached.get_content_type() == "text/csv"
    assert attached.get_payload(decode=True) == table.content


def test_a_letter_that_is_refused_is_told_as_an_alert_is() -> None:
    letter = Letter("day-1", "Velmora", "plain", "<p></p>")
    with SmtpServer(answers=["452 full", "552 too large"]) as smtp:
        for wanted in (Busy, Refused):
            with pytest.raises(wanted):
                channel(smtp).send(letter)
        assert smtp.answers == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_is_encrypted_before_it_logs_in(security: Security, certificate: Path) -> None:
    implicit = security == "tls"
    with SmtpServer(context=context(certificate), implicit=implicit, login=LOGIN) as smtp:
        channel(smtp, security, certificate, PASSWORD).deliver(state(1), None)
        (mail,) = smtp.mails
    assert mail.encrypted
    assert mail.user == "tocsin"


def test_a_server_without_starttls_or_a_known_certificate_gets_nothing(certificate: Path) -> None:
    for why, smtp in (
        ("certificate verify failed", SmtpServer(context=context(certificate))),
        ("STARTTLS", SmtpServer(login=LOGIN)),
    ):
        with smtp:
            with pytest.raises(Busy, match=why):
                channel(smtp, "starttls", None, PASSWORD).deliver(state(1), None)
            assert smtp.mails == []


def test_a_wrong_password_is_refused_and_not_shown(certificate: Path) -> None:
    server = SmtpServer(context=context(certificate), login=("tocsin", "right"))
    with server as smtp, pytest.raises(Refused, match="535") as caught:
        channel(smtp, "starttls", certificate, PASSWORD).deliver(state(1), None)
    assert PASSWORD not in caught.value.why


def test_answers_are_what_they_mean() -> None:
    with SmtpServer(answers=["421 closing", "452 full", "552 too large", "250 taken"]) as smtp:
        mail = channel(smtp)
        for wanted in (Busy, Busy, Refused):
            with pytest.raises(wanted):
                mail.deliver(state(1), None)
        mail.deliver(state(1), None)
        assert len(smtp.mails) == 1
    with pytest.raises(Busy) as away:
        mail.deliver(state(1), None)
    assert away.value.cause == "connection"


def test_one_recipient_is_enough_and_a_rude_farewell_does_not_send_it_again() -> None:
    with SmtpServer(refused={TO[0]}, rude_at_quit=True) as smtp:
        channel(smtp).deliver(state(1), None)
        (mail,) = smtp.mails
        assert mail.recipients == TO[1:]
    with SmtpServer(refused=set(TO)) as smtp, pytest.raises(Refused) as caught:
        channel(smtp).deliver(state(1), None)
    assert "ana" not in caught.value.why

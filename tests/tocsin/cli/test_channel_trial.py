"""``tocsin alerts test``: what a channel gets, and what the user is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.http import Answer, FakeHttp
from tests.servers.smtp import SmtpServer
from tests.tocsin.cli.commands import Commands
from tocsin.cli.channel_trial import TITLE


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHttp]:
    """A server, with a channel of each kind in the channels file."""
    with FakeHttp() as desk, SmtpServer() as mail:
        (tmp_path / "secret").write_text("correct-horse-battery")
        (tmp_path / "chat").write_text(f"{desk.url}/chat")
        channels: list[dict[str, Any]] = [
            {"name": "desk", "kind": "webhook", "url": f"{desk.url}/hook", "secret_file": "secret"},
            {"name": "chat", "kind": "slack", "url_file": "chat"},
            {"name": "rota", "kind": "alertmanager", "url": desk.url},
            {
                "name": "mail",
                "kind": "email",
                "host": "127.0.0.1",
                "port": mail.port,
                "from": "t@desk.example",
                "to": ["a@desk.example"],
                "security": "none",
            },
            {
                "name": "away",
                "kind": "webhook",
                "secret_file": "secret",
                "url": "http://127.0.0.1:9/",
            },
        ]
        (tmp_path / "channels.yaml").write_text(json.dumps({"channels": channels}))
        monkeypatch.setenv("TOCSIN_ALERTS_CHANNELS", str(tmp_path / "channels.yaml"))
        monkeypatch.setenv("TOCSIN_ALERTS_ALLOW_PRIVATE", "true")
        yield desk


@pytest.mark.parametrize("channel", ["desk", "chat", "rota"])
def test_the_channel_gets_an_alert_that_says_it_is_a_test(
    tocsin: Commands, desk: FakeHttp, channel: str
) -> None:
    ran = tocsin("alerts", "test", channel)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.startswith(f"{channel} took the test alert")
    assert ("ends there by itself in 15 minutes" in ran.err) is (channel == "rota")
    (request,) = desk.taken
    assert TITLE.encode() in request.body
    assert b"tocsin-test" in request.body


def test_a_mail_is_sent(tocsin: Commands, desk: FakeHttp) -> None:
    assert tocsin("alerts", "test", "mail").err.startswith("mail took the test alert")


def test_a_channel_that_does_not_take_it_is_not_well(tocsin: Commands, desk: FakeHttp) -> None:
    desk.answers.append(Answer(403, b"who are you?"))
    said = tocsin.error("alerts", "test", "desk", status=3)
    assert "desk did not take the test alert: " in said and "403" in said
    assert "127.0.0.1 does not answer" in tocsin.error("alerts", "test", "away", status=3)


def test_a_name_that_is_no_channel_is_answered_with_the_names(
    tocsin: Commands, desk: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "has no channel dask; did you mean desk?" in tocsin.error("alerts", "test", "dask")
    said = tocsin.error("alerts", "test", "index")
    assert "known are desk, chat, rota, mail, away" in said
    monkeypatch.delenv("TOCSIN_ALERTS_CHANNELS")
    assert "TOCSIN_ALERTS_CHANNELS is not set" in tocsin.error("alerts", "test", "desk")

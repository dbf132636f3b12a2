"""``channels.yaml``: what can be written, and a sentence for what cannot; never a secret."""

from pathlib import Path

import pytest

from runtime.settings import AlertsSettings
from schemas.errors import ConfigurationError
from sinks.alerts.channels.alertmanager import Alertmanager
from sinks.alerts.channels.channels_file import load_channels
from sinks.alerts.channels.mail import Email
from sinks.alerts.channels.slack import Slack
from sinks.alerts.channels.webhook import Webhook
from tests.deploy.compose import DEPLOY

SECRET = "correct-horse-battery"
ALL = """
channels:
  - name: desk
    kind: webhook
    url: https://93.184.215.14/hook
    secret_file: secret
    language: fr
  - name: chat
    kind: slack
    url_env: SLACK_URL
  - name: mail
    kind: email
    host: smtp.test
    from: tocsin@desk.test
    to: [ana@desk.test]
    username: tocsin
    password_file: secret
    time_zone: Europe/Paris
  - name: ops
    kind: alertmanager
    url: http://127.0.0.1:9093
    token_file: secret
    labels: {team: desk}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "short").write_text("fifteen-letters\n")
    (tmp_path / "plain").write_text(f"http://chat.test/hooks/{SECRET}\n")
    monkeypatch.setenv("SLACK_URL", f"https://93.184.215.14/services/{SECRET}")
    monkeypatch.delenv("NOT_SET", raising=False)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "channels.yaml"
    path.write_text(text, "utf-8")
    return path


def test_every_kind_is_read(folder: Path) -> None:
    settings = AlertsSettings(language="en")
    desk, chat, mail, ops = load_channels(write(folder, ALL), settings)
    assert isinstance(desk, Webhook) and isinstance(chat, Slack)
    assert isinstance(mail, Email) and isinstance(ops, Alertmanager)
    assert desk.secret.get_secret_value() == SECRET
    assert (desk.style.language, chat.style.language) == ("fr", "en")
    assert mail.style.time_zone == "Europe/Paris"
    assert (mail.server.port, mail.server.security) == (587, "starttls")
    assert ops.address.url == "http://127.0.0.1:9093/api/v2/alerts"
    for channel in (desk, chat, mail, ops):
        assert SECRET not in repr(vars(channel))


ENTRY = "{name: desk, kind: webhook, url: 'https://93.184.215.14/', secret_file: secret}"
MAIL = "{name: m, kind: email, host: h, from: a@b, to: [a@b], username: u}"


MANAGER = "{name: o, kind: alertmanager, url: 'http://ops.test:9093', TOKEN}"


def changed(old: str, new: str, entry: str = ENTRY) -> str:
    """A file with one entry, of which a piece is another."""
    assert old in entry
    return f"channels: [{entry.replace(old, new)}]"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "is not valid YAML"),
        ("a: 1", "must have a list under 'channels:'"),
        ("channels: [1]", "channel \\(without name\\)"),
        ("channels: [{name: desk, kind: pigeon}]", "channel desk: kind cannot be 'pigeon'; choose"),
        ("channels: [{name: Desk!, kind: slack}]", "channel Desk!"),
        (f"channels: [{ENTRY}, {ENTRY}]", "the name desk is taken"),
        (changed("name: desk", "name: index"), "the name index is taken"),
        (changed("secret_file: secret", "secret: abc"), "no field secret; did you mean secret_env"),
        (changed("secret_file: secret", "language: fr"), "needs secret_env"),
        (changed("secret_file: secret", "secret_file: absent"), "cannot be read"),
        (changed("secret_file: secret", "secret_file: empty"), "is empty"),
        (changed("secret_file: secret", "secret_env: NOT_SET"), "the variable NOT_SET is not set"),
        (changed("}", ", secret_env: A}"), "both _env and _file"),
        (changed("}", ", url_file: secret}"), "has two urls"),
        (changed("}", ", language: de}"), "channel desk"),
        (changed("}", ", time_zone: Nowhere}"), "no time zone Nowhere"),
        (changed("}", ", ca_certs: absent}"), "ca_certs"),
        (changed("93.184.215.14", "10.0.0.1"), "not a public address"),
        ("channels: [{name: chat, kind: slack}]", "needs url_env or url_file"),
        (
            "channels: [{name: chat, kind: slack, url: 'https://a.test'}]",
            "no field url; .* url_env",
        ),
        ("channels: [{name: m, kind: email, host: h, from: a@b, to: []}]", "channel m"),
        ("channels: [{name: m, kind: email, host: h, from: 'A <a@b>', to: [a@b]}]", "channel m"),
        (f"channels: [{MAIL}]", "needs both username and password"),
        (changed("}", ", password_file: secret, security: none}", MAIL), "to h .*starttls or tls"),
        (changed("secret_file: secret", "secret_file: short"), "fewer than 16 characters"),
        (f"channels: [{MANAGER.replace('TOKEN', 'token_file: secret')}]", "its token .*https://"),
        (
            f"channels: [{MANAGER.replace('TOKEN', 'username: u, password_file: secret')}]",
            "its password .*to ops.test .*TOCSIN_ALERTS_ALLOW_PLAIN",
        ),
        (
            "channels: [{name: o, kind: alertmanager, url: 'http://a', hold_s: 30}]",
            "hold_s must be",
        ),
    ],
)
def test_a_fault_is_a_sentence_that_names_the_channel(folder: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        load_channels(write(folder, text), AlertsSettings())
    assert SECRET not in str(caught.value)


def test_other_files(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_channels(folder / "absent.yaml", AlertsSettings())
    assert load_channels(write(folder, "channels: []"), AlertsSettings()) == []
    assert load_channels(DEPLOY / "alerts" / "channels.yaml", AlertsSettings())
    text = changed("https://93.184.215.14", "http://10.0.0.1")
    assert load_channels(write(folder, text), AlertsSettings(allow_private=True))


SECRET_ADDRESSES = {
    "slack": "{name: c, kind: slack, url_file: plain}",
    "webhook": "{name: c, kind: webhook, url_file: plain, secret_file: secret}",
}
PLAIN = {
    **SECRET_ADDRESSES,
    "alertmanager": MANAGER.replace("TOKEN", "token_file: secret"),
    "email": MAIL.replace("}", ", password_file: secret, security: none}"),
}


@pytest.mark.parametrize("entry", PLAIN.values(), ids=list(PLAIN))
def test_no_secret_goes_over_a_plain_connection_unless_it_is_allowed(
    folder: Path, entry: str
) -> None:
    path = write(folder, f"channels: [{entry}]")
    with pytest.raises(ConfigurationError, match="without TLS") as caught:
        load_channels(path, AlertsSettings(allow_private=True))
    assert "TOCSIN_ALERTS_ALLOW_PLAIN=true" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert load_channels(path, AlertsSettings(allow_private=True, allow_plain=True))
    local = entry.replace("ops.test", "127.0.0.1").replace("host: h,", "host: localhost,")
    (folder / "plain").write_text(f"http://localhost:8065/hooks/{SECRET}\n")
    path = write(folder, f"channels: [{local}]")
    assert load_channels(path, AlertsSettings(allow_private=True))

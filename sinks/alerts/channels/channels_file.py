"""``channels.yaml``: the channels of a desk.

The file contains no secret. Each is named by a variable (``..._env``) or a file (``..._file``,
relative to the channels file).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct
from pydantic import SecretStr

from runtime.configuration.files import read_secret, read_yaml
from runtime.configuration.validation import field_error
from runtime.limits.secret_transport import CHANNELS_ALLOWED_BY, plain_hosts, refuse_plain
from runtime.settings import AlertsSettings
from schemas.errors import ConfigurationError
from sinks.alerts.channels.alertmanager import PATH, Alertmanager, basic
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.http import Address, checked, tls_context
from sinks.alerts.channels.mail import Email, Security, Server
from sinks.alerts.channels.slack import Slack
from sinks.alerts.channels.webhook import Webhook
from sinks.alerts.message.catalogue import Language, Style
from sinks.alerts.store import INDEX

_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
_USE_HTTPS = "use an https:// address"
_MIN_KEY = 16
"""Characters of the key of a signature; fewer can be guessed from one signed message."""
Mailbox = Annotated[str, Meta(pattern=r"^[^\s@<>,;:\"\\]+@[^\s@<>,;:\"\\]+$")]
Seconds = Annotated[float, Meta(gt=0)]


class _Channel(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    language: Language | None = None
    time_zone: str | None = None
    ca_certs: str | None = None


class _WithUrl(_Channel, kw_only=True):
    url_env: str | None = None
    url_file: str | None = None


class _WithPassword(_Channel, kw_only=True):
    username: str | None = None
    password_env: str | None = None
    password_file: str | None = None


class WebhookEntry(_WithUrl, tag="webhook"):
    url: str | None = None
    secret_env: str | None = None
    secret_file: str | None = None


class SlackEntry(_WithUrl, tag="slack"):
    """The whole address is the secret."""


class EmailEntry(_WithPassword, tag="email", rename={"sender": "from", "recipients": "to"}):
    host: str
    sender: Mailbox
    recipients: Annotated[list[Mailbox], Meta(min_length=1, max_length=50)]
    security: Security = "starttls"
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None


class AlertmanagerEntry(_WithPassword, tag="alertmanager"):
    """``url``: the part before ``/api/v2``."""

    url: str
    token_env: str | None = None
    token_file: str | None = None
    labels: dict[Annotated[str, Meta(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")], str] = {}
    repeat_s: Seconds = 60.0
    hold_s: Seconds = 900.0


Entry = WebhookEntry | SlackEntry | EmailEntry | AlertmanagerEntry


class _File(Struct, forbid_unknown_fields=True):
    channels: list[object]


def load_channels(path: Path, settings: AlertsSettings) -> list[Channel]:
    """Read the file and its secrets; an error is one sentence that names the channel."""
    file = read_yaml(path, _File, "it must have a list under 'channels:', see docs/alerts.md")
    build = _Builder(path.parent, settings)
    channels: list[Channel] = []
    for raw in file.channels:
        try:
            entry: Entry = msgspec.convert(raw, Entry)
        except msgspec.ValidationError as error:
            name = raw.get("name") if isinstance(raw, dict) else None
            raise ConfigurationError(
                f"{path}: channel {name or '(without name)'}: {field_error(error, Entry)}; "
                "see docs/alerts.md"
            ) from None
        if entry.name == INDEX or entry.name in {channel.name for channel in channels}:
            raise ConfigurationError(f"{path}: the name {entry.name} is taken; choose another")
        channels.append(build(entry))
    return channels


@dataclass(frozen=True)
class _Builder:
    """Builds channels from entries; ``folder`` is that of the channels file."""

    folder: Path
    settings: AlertsSettings

    def __call__(self, entry: Entry) -> Channel:
        match entry:
            case WebhookEntry():
                return self._webhook(entry)
            case SlackEntry():
                url = self._secret(entry, "url").get_secret_value()
                self._refuse_plain(entry, "url", plain_hosts([url]), _USE_HTTPS)
                return Slack(entry.name, self._address(entry, url), self._style(entry))
            case EmailEntry():
                return self._email(entry)
            case AlertmanagerEntry():
                return self._alertmanager(entry)

    def _webhook(self, entry: WebhookEntry) -> Webhook:
        secret = self._secret(entry, "secret")
        if len(secret.get_secret_value()) < _MIN_KEY:
            raise ConfigurationError(
                f"channel {entry.name}: its secret has fewer than {_MIN_KEY} characters and can be "
                "guessed; make one with 'openssl rand -base64 32'"
            )
        url = entry.url
        if url is None:
            url = self._secret(entry, "url").get_secret_value()
            self._refuse_plain(entry, "url", plain_hosts([url]), _USE_HTTPS)
        elif entry.url_env is not None or entry.url_file is not None:
            raise ConfigurationError(f"channel {entry.name} has two urls; keep one")
        return Webhook(entry.name, self._address(entry, url, secret), secret, self._style(entry))

    def _email(self, entry: EmailEntry) -> Email:
        password = self._password(entry)
        if password is not None and entry.security == "none":
            remedy = "set security to starttls or tls"
            self._refuse_plain(entry, "password", [entry.host], remedy)
        server = Server(
            host=entry.host,
            port=entry.port or _PORTS[entry.security],
            security=entry.security,
            timeout_s=self.settings.request_timeout_s,
            context=tls_context(self._path(entry.ca_certs), entry.name),
            username=entry.username,
            password=password,
        )
        return Email(entry.name, server, entry.sender, entry.recipients, self._style(entry))

    def _alertmanager(self, entry: AlertmanagerEntry) -> Alertmanager:
        if entry.hold_s <= entry.repeat_s:
            raise ConfigurationError(
                f"channel {entry.name}: hold_s must be longer than repeat_s, or its alerts end "
                "between two messages"
            )
        password, token = self._password(entry), self._optional_secret(entry, "token")
        authorization = None
        if entry.username is not None and password is not None:
            authorization = basic(entry.username, password)
        elif token is not None:
            bearer = f"Bearer {token.get_secret_value()}"
            if not (bearer.isascii() and bearer.isprintable()):
                raise ConfigurationError(
                    f"channel {entry.name}: its token must be printable ASCII, to fit a header"
                )
            authorization = SecretStr(bearer)
        # An Alertmanager is part of the own installation, so it may have a private address.
        url = entry.url.rstrip("/") + PATH
        if authorization is not None:
            what = "token" if password is None else "password"
            self._refuse_plain(entry, what, plain_hosts([url]), _USE_HTTPS)
        return Alertmanager(
            entry.name,
            self._address(entry, url, password, token, allow_private=True),
            self._style(entry),
            labels=entry.labels,
            repeat_every_s=entry.repeat_s,
            hold_s=entry.hold_s,
            authorization=authorization,
        )

    def _address(
        self, entry: Entry, url: str, *secrets: SecretStr | None, allow_private: bool = False
    ) -> Address:
        address = Address(
            url=url,
            allow_private=allow_private or self.settings.allow_private,
            timeout_s=self.settings.request_timeout_s,
            context=tls_context(self._path(entry.ca_certs), entry.name),
            secrets=[secret.get_secret_value() for secret in secrets if secret is not None],
        )
        return checked(address, entry.name)

    def _refuse_plain(self, entry: _Channel, what: str, hosts: Sequence[str], remedy: str) -> None:
        if not self.settings.allow_plain:
            refuse_plain(f"channel {entry.name}: its {what}", hosts, CHANNELS_ALLOWED_BY, remedy)

    def _style(self, entry: Entry) -> Style:
        settings, zone = self.settings, entry.time_zone
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (KeyError, OSError, ValueError):
                raise ConfigurationError(
                    f"channel {entry.name}: there is no time zone {zone}"
                ) from None
        return Style(entry.language or settings.language, zone or settings.time_zone)

    def _path(self, text: str | None) -> Path | None:
        return None if text is None else self.folder / text

    def _password(self, entry: _WithPassword) -> SecretStr | None:
        password = self._optional_secret(entry, "password")
        if (entry.username is None) != (password is None):
            raise ConfigurationError(
                f"channel {entry.name} needs both username and password, or neither"
            )
        return password

    def _optional_secret(self, entry: _Channel, what: str) -> SecretStr | None:
        """The secret that ``<what>_env`` or ``<what>_file`` of the entry names."""
        variable, file = getattr(entry, f"{what}_env"), getattr(entry, f"{what}_file")
        return read_secret(f"channel {entry.name}: its {what}", variable, self._path(file))

    def _secret(self, entry: _Channel, what: str) -> SecretStr:
        secret = self._optional_secret(entry, what)
        if secret is None:
            raise ConfigurationError(
                f"channel {entry.name} needs {what}_env or {what}_file; see docs/alerts.md"
            )
        return secret

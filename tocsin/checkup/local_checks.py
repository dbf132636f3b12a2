"""This machine: settings, running services, alert channels, models and the disk."""

import os
import re
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from runtime.configuration.secret_files import open_to_others
from runtime.configuration.settings_group import setting_names
from runtime.settings import (
    GROUPS,
    AlertsSettings,
    ElasticsearchSettings,
    KafkaSettings,
    MonitorSettings,
    ProcessSettings,
    load,
)
from schemas.errors import TocsinError
from tocsin.checkup.check_runner import Noted, Skipped
from tocsin.local.state_file import HOME, StateFile

_ANSWER_S = 2.0
_MIN_FREE_BYTES = 2**30


def check_settings() -> str:
    for group in GROUPS:
        load(group)
    return "every setting is valid"


def check_secrets() -> str:
    """No file of a secret is open to others, and no secret leaves over a plain connection."""
    files = dict(secret_files())
    remarks = [f"{name}: {why}" for name, path in files.items() if (why := open_to_others(path))]
    remarks += plain_secrets(load(KafkaSettings), load(ElasticsearchSettings))
    if remarks:
        raise Noted("; ".join(remarks))
    return f"{len(files)} files of secrets, closed to others"


def secret_files() -> Iterator[tuple[str, Path]]:
    """The variable or channel, and the file, of each secret that is in a file."""
    for name, is_secret in setting_names().items():
        if is_secret and (path := os.environ.get(f"{name}_FILE")):
            yield f"{name}_FILE", Path(path)
    kafka, alerts = load(KafkaSettings), load(AlertsSettings)
    if kafka.ssl_keyfile is not None:
        yield "TOCSIN_KAFKA_SSL_KEYFILE", kafka.ssl_keyfile
    if alerts.channels is not None:
        yield from _channel_files(alerts.channels)


def _channel_files(channels: Path) -> Iterator[tuple[str, Path]]:
    """The files that entries of a channels file name as ``..._file``, relative to it."""
    with suppress(OSError, yaml.YAMLError):
        document = yaml.safe_load(channels.read_bytes())
        entries = document.get("channels") if isinstance(document, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            for key, value in entry.items() if isinstance(entry, dict) else ():
                if str(key).endswith("_file") and isinstance(value, str):
                    yield f"channel {entry.get('name')}, {key}", channels.parent / value


def plain_secrets(kafka: KafkaSettings, elasticsearch: ElasticsearchSettings) -> Iterator[str]:
    """Passwords that cross a network without TLS, in words."""
    if kafka.security_protocol == "SASL_PLAINTEXT":
        servers = [server.rpartition(":")[0] for server in kafka.bootstrap_servers.split(",")]
        if away := [host for host in servers if not _is_here(host)]:
            yield f"Kafka's password goes to {away[0]} without TLS; use SASL_SSL"
    has_secret = elasticsearch.password is not None or elasticsearch.api_key is not None
    for url in elasticsearch.url.split(","):
        parts = urlsplit(url.strip())
        if has_secret and parts.scheme == "http" and not _is_here(parts.hostname or ""):
            yield f"Elasticsearch's password goes to {parts.hostname} without TLS; use https"


def _is_here(host: str) -> bool:
    """Whether a host is this machine; a name is never looked up."""
    name = host.strip("[] ").lower()
    return name in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d+){3}", name))


def check_services() -> str:
    """The answer of ``/readyz`` of each service that this machine knows."""
    addresses = dict(_addresses())
    answers = {url: _ready(url) for url in addresses}
    running = {addresses[url]: answer for url, answer in answers.items() if answer is not None}
    if not running:
        raise Skipped("none runs here; its own /readyz tells of one elsewhere")
    troubled = {name: why for name, (status, why) in running.items() if status != 200}
    if troubled:
        told = "; ".join(f"{name} is not ready ({why})" for name, why in troubled.items())
        raise TocsinError(told)
    return f"ready: {', '.join(sorted(running))}"


def _addresses() -> Iterator[tuple[str, str]]:
    """URL and name of services: those of the stack that runs in this folder, and our own port."""
    port = load(MonitorSettings).port
    if port:
        yield f"http://127.0.0.1:{port}", f"port {port}"
    running = StateFile().read()
    for name, url in ({} if running is None else running.monitors).items():
        yield url, name


def _ready(url: str) -> tuple[int, str] | None:
    """Status and text, or None if nothing answers there."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read(2_000).decode("utf-8", "replace").strip()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def check_channels() -> str:
    """The channels file is valid, and each server takes a connection; nothing is sent."""
    from sinks.alerts.channels.channels_file import load_channels

    settings = load(AlertsSettings)
    if settings.channels is None:
        raise Skipped("TOCSIN_ALERTS_CHANNELS is not set; alerts go to the index alone")
    channels = load_channels(settings.channels, settings)
    servers = {each.name: server for each in channels if (server := _server_of(each)) is not None}
    if away := sorted(unreachable(servers.items())):
        raise TocsinError(f"no connection to the server of {', '.join(away)}; nothing was sent")
    return f"{len(channels)} in {settings.channels}, {len(servers)} servers reached, nothing sent"


def _server_of(channel: object) -> tuple[str, int] | None:
    address, server = getattr(channel, "address", None), getattr(channel, "server", None)
    if address is not None:
        parts = urlsplit(address.url)
        default = 443 if parts.scheme == "https" else 80
        return (parts.hostname, parts.port or default) if parts.hostname else None
    return None if server is None else (str(server.host), int(server.port))


def unreachable(servers: Iterable[tuple[str, tuple[str, int]]]) -> Iterator[str]:
    """Names of the servers that take no TCP connection."""
    for name, server in servers:
        try:
            socket.create_connection(server, timeout=_ANSWER_S).close()
        except OSError:
            yield name


def check_models() -> str:
    from brands.brand_matcher import BrandMatcher
    from processors.enrichment.annotator_table import build_enricher, runs_spacy

    settings = load(ProcessSettings)
    build_enricher(settings, lambda: BrandMatcher(()))
    if not runs_spacy(settings):
        return "language, sentiment and names load; spaCy is not used"
    from processors.models.entity_model import EntityRecognizer

    missing = EntityRecognizer().missing(["fr", "en"])
    if missing:
        raise TocsinError(
            f"there is no spaCy pipeline for {', '.join(missing)}, so fewer entities are right "
            "there; run pip install 'tocsin[models]', or python -m spacy download fr_core_news_sm"
        )
    return "language, sentiment, names and the spaCy pipelines for fr, en load"


def check_data_folder() -> str:
    """Room on the disk of the local stack's data."""
    folder = HOME if HOME.is_dir() else Path()
    free = shutil.disk_usage(folder).free
    text = f"{free / 2**30:.0f} GiB free for {folder.absolute()}"
    if free < _MIN_FREE_BYTES:
        raise Noted(f"{text}; the local stack needs more")
    return text

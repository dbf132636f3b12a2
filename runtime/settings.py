"""Every setting of every service, read from the environment once, in the entry point.

Each group is a frozen object with a prefix of its own (``TOCSIN_KAFKA_``, ...). A secret may also
be given as a file: ``TOCSIN_KAFKA_SASL_PASSWORD_FILE=/run/secrets/kafka``. Nothing else in tocsin
reads the environment, but ``runtime.files`` for alert channels. ``docs/settings.md`` is checked
against this module.
"""

import os
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from runtime.logs import get_logger
from schemas.errors import ConfigurationError

log = get_logger("settings")


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads ``<NAME>_FILE`` for every secret field."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = f"{self.config.get('env_prefix', '')}{field_name}".upper() + "_FILE"
        path = os.environ.get(name)
        if not path or SecretStr not in getattr(field.annotation, "__args__", ()):
            return None, field_name, False
        try:
            return Path(path).read_text("utf-8").strip(), field_name, False
        except OSError as error:
            raise ConfigurationError(
                f"{name} names {path}, which cannot be read ({error.strerror})"
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"{name} names {path}, which is not UTF-8 text; put the bare secret into it"
            ) from None

    def __call__(self) -> dict[str, Any]:
        return _values(self, self.settings_cls)


OLD_NAMES: dict[str, str] = {
    "TOCSIN_INGEST_CHECKPOINT_EVERY_S": "TOCSIN_INGEST_CHECKPOINT_INTERVAL_S",
    "TOCSIN_DETECTOR_SNAPSHOT_S": "TOCSIN_DETECTOR_SNAPSHOT_INTERVAL_S",
    "TOCSIN_DETECTOR_TICK_S": "TOCSIN_DETECTOR_TICK_INTERVAL_S",
    "TOCSIN_SINK_RETRY_MOST_S": "TOCSIN_SINK_RETRY_MAX_S",
    "TOCSIN_ALERTS_RETRY_MOST_S": "TOCSIN_ALERTS_RETRY_MAX_S",
}
"""Renamed in 0.2.0; read under both names until 0.3.0."""


class _OldNames(PydanticBaseSettingsSource):
    """Reads settings under their old names, and says the new ones."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        new = f"{self.config.get('env_prefix', '')}{field_name}".upper()
        old = next((old for old, name in OLD_NAMES.items() if name == new), "")
        value = os.environ.get(old)
        if not value or os.environ.get(new):
            return None, field_name, False
        log.warning("setting renamed; the old name goes in 0.3.0", old=old, new=new)
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        return _values(self, self.settings_cls)


def _values(source: PydanticBaseSettingsSource, settings_cls: type[BaseSettings]) -> dict[str, Any]:
    values = {
        name: source.get_field_value(field, name)[0]
        for name, field in settings_cls.model_fields.items()
    }
    return {name: value for name, value in values.items() if value is not None}


class Group(BaseSettings):
    """A group of settings under one prefix."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SecretFiles(settings_cls), _OldNames(settings_cls)


class BrakeSettings(Group):
    """When dead letters stop a consumer; part of every consumer's group."""

    dead_letter_share: float = Field(
        0.5, gt=0, le=1, description="Share of dead letters in the window that stops the service."
    )
    dead_letter_window: int = Field(
        1_000, ge=10, description="Messages in the window of the share."
    )
    dead_letter_run: int = Field(
        1_000, ge=1, description="Consecutive dead letters that stop the service."
    )


class LogSettings(Group):
    """Logs, on standard error."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_LOG_")
    style: Literal["console", "json"] = Field("console", description="For people or machines.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is written."
    )


class MonitorSettings(Group):
    """Metrics and health of each service."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_MONITOR_")
    host: str = Field("127.0.0.1", description="Address to serve on; 0.0.0.0 in a container.")
    port: int = Field(9464, ge=0, le=65535, description="Port to serve on; 0 takes a free one.")
    stalled_after_s: float = Field(
        120.0, gt=0, description="Seconds without progress of the main loop until /healthz fails."
    )


class KafkaSettings(Group):
    """How to reach Kafka."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_KAFKA_")
    bootstrap_servers: str = Field(
        "127.0.0.1:9092", description="Comma-separated host:port of some brokers."
    )
    topic_prefix: str = Field(
        "tocsin.", pattern=r"^[a-zA-Z0-9._-]{0,64}$", description="Put before every topic's name."
    )
    group_prefix: str = Field(
        "tocsin.", pattern=r"^[a-zA-Z0-9._-]{0,64}$", description="Put before every group's name."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="TLS and SASL, as Kafka names them."
    )
    ssl_cafile: Path | None = Field(None, description="PEM of the authorities to trust.")
    ssl_certfile: Path | None = Field(None, description="PEM of our certificate (mutual TLS).")
    ssl_keyfile: Path | None = Field(None, description="PEM of its key.")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="Used where the protocol starts with SASL."
    )
    sasl_username: str | None = Field(None, description="SASL user.")
    sasl_password: SecretStr | None = Field(None, description="SASL password.")
    partitions: int | None = Field(
        None, ge=1, le=1000, description="Partitions of new topics, instead of the registry's."
    )
    replication: int = Field(
        -1, ge=-1, le=10, description="Copies of new topics; -1 takes the broker's default."
    )


class ElasticsearchSettings(Group):
    """How to reach Elasticsearch."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_ELASTICSEARCH_")
    url: str = Field("http://127.0.0.1:9200", description="Comma-separated URLs of nodes.")
    username: str | None = Field(None, description="Basic authentication.")
    password: SecretStr | None = Field(None, description="Basic authentication.")
    api_key: SecretStr | None = Field(None, description="Base64 API key, instead of a user.")
    ca_certs: Path | None = Field(None, description="PEM of the authorities to trust.")
    index_prefix: str = Field(
        "tocsin-", pattern=r"^[a-z0-9][a-z0-9_-]{0,64}$", description="Put before index names."
    )
    request_timeout_s: float = Field(30.0, gt=0, description="Seconds to wait for an answer.")
    shards: int = Field(1, ge=1, le=100, description="Primary shards of each new index.")
    replicas: int = Field(0, ge=0, le=10, description="Copies of each new index; 1 or more live.")

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: str) -> str:
        """The URL is printed in logs and errors; what is in it could be a password."""
        if "@" in url:
            raise ConfigurationError(
                "TOCSIN_ELASTICSEARCH_URL must not hold a user and password, since it is printed; "
                "set TOCSIN_ELASTICSEARCH_USERNAME and TOCSIN_ELASTICSEARCH_PASSWORD instead"
            )
        return url


class IngestSettings(Group):
    """Ingestors."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_INGEST_")
    buffer_events: int = Field(
        10_000, ge=1, description="Messages in flight before the source is no longer read."
    )
    checkpoint_interval_s: float = Field(5.0, gt=0, description="Seconds between checkpoints.")
    drain_timeout_s: float = Field(
        30.0, gt=0, description="Seconds that a stop waits for Kafka's acknowledgements."
    )
    x_bearer_token: SecretStr | None = Field(None, description="App-only token of the X API.")
    x_url: str = Field("https://api.x.com", description="The X API; another address for tests.")
    x_backfill_minutes: int = Field(
        0, ge=0, le=5, description="Minutes that X repeats after a reconnect, where the plan may."
    )
    x_keep_alive_timeout_s: float = Field(
        45.0, gt=0, description="Seconds of silence after which the connection is dead (X: 20)."
    )
    bluesky_urls: str = Field(
        "wss://jetstream1.us-east.bsky.network/subscribe,"
        "wss://jetstream2.us-east.bsky.network/subscribe,"
        "wss://jetstream1.us-west.bsky.network/subscribe,"
        "wss://jetstream2.us-west.bsky.network/subscribe",
        description="Comma-separated Jetstream endpoints, tried in turn.",
    )
    bluesky_receive_timeout_s: float = Field(
        30.0, gt=0, description="Seconds of silence after which the next endpoint is tried."
    )
    bluesky_zstd_dictionary: Path | None = Field(
        None, description="Jetstream's zstd dictionary; compression is asked for where given."
    )


class ProcessSettings(BrakeSettings):
    """Processors."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_PROCESS_")
    annotators: str = Field(
        "language,brands,sentiment,entities,aspects,intents,duplicates,influence,encoder",
        description="Comma-separated annotators, in the order in which they run.",
    )
    tier: Literal["fast", "accurate", "auto"] = Field(
        "auto",
        description=(
            "`accurate` has the encoder read every post that names a brand; `fast` never; "
            "`auto` does while the lag allows."
        ),
    )
    fast_above_lag: int = Field(
        1_000,
        ge=0,
        description="Unread posts above which `auto` goes fast, until a quarter of it is left.",
    )
    keep_unmatched: bool = Field(
        False, description="Also pass on posts that name no brand (they stay without entities)."
    )
    batch_size: int = Field(500, ge=1, le=10_000, description="Most posts in one batch.")
    batch_within_s: float = Field(
        0.1, gt=0, le=10, description="Seconds that a batch waits to be filled."
    )
    gazetteer: Path | None = Field(
        None, description="YAML of names to link, beside those that come with tocsin."
    )
    spacy_models: str = Field(
        "",
        description="`language=package` pairs, comma-separated, that win over the usual pipelines.",
    )
    stuck_after_s: float = Field(
        120.0, gt=0, description="Seconds without a commit, while there is lag, until it exits."
    )
    data_dir: Path | None = Field(
        None, description="Faust's data folder; a temporary one where not given."
    )

    @property
    def annotator_names(self) -> list[str]:
        """The names in ``annotators``, in their order."""
        return [name.strip() for name in self.annotators.split(",") if name.strip()]


class DetectorSettings(BrakeSettings):
    """The crisis detector."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_DETECTOR_")
    batch_size: int = Field(500, ge=1, le=10_000, description="Most records in one batch.")
    batch_within_s: float = Field(
        0.25, gt=0, le=10, description="Seconds that a batch waits to be filled."
    )
    snapshot_interval_s: float = Field(
        30.0, gt=0, le=90, description="Seconds between two savings of what it knows."
    )
    tick_interval_s: float = Field(
        5.0, gt=0, le=60, description="Seconds between two looks where nothing comes."
    )
    grace_s: float = Field(
        20.0,
        ge=0,
        description="Seconds that a quiet minute waits for records on their way to it.",
    )
    rebuild_records: int = Field(
        5_000_000,
        ge=0,
        description="Records read again at most where saved states are missing, the newest.",
    )
    stuck_after_s: float = Field(
        240.0, gt=100, description="Seconds without a commit, while there is lag, until it exits."
    )


class SinkSettings(BrakeSettings):
    """Sinks."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_SINK_")
    batch_size: int = Field(1_000, ge=1, le=10_000, description="Most documents in one write.")
    batch_bytes: int = Field(
        8 * 2**20, ge=2**16, le=90 * 2**20, description="Most bytes in one write."
    )
    batch_within_s: float = Field(
        0.25, gt=0, le=10, description="Seconds that a write waits to be filled."
    )
    retry_first_s: float = Field(0.2, gt=0, description="First pause after a busy answer.")
    retry_max_s: float = Field(10.0, gt=0, description="Longest pause between attempts.")
    tombstone_days: float = Field(
        45.0,
        ge=0,
        description=(
            "Days that tombstones stay: longer than `posts`, `mentions`, then `dead-letters` keep."
        ),
    )


class AlertsSettings(Group):
    """Alerts to people."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_ALERTS_")
    channels: Path | None = Field(
        None, description="YAML of the channels (docs/alerts.md); without it, only the index."
    )
    language: Literal["fr", "en"] = Field(
        "en", description="Language of the desk; a channel may have its own."
    )
    time_zone: str = Field("UTC", description="Zone in which times are told: `Europe/Paris`.")
    allow_private: bool = Field(
        False, description="Let webhooks reach private addresses, and speak plain HTTP."
    )
    request_timeout_s: float = Field(10.0, gt=0, description="Seconds to wait for a channel.")
    retry_first_s: float = Field(1.0, gt=0, description="First pause after a failure.")
    retry_max_s: float = Field(60.0, gt=0, description="Longest pause between attempts.")
    expire_hours: float = Field(
        24.0, gt=0, description="Age above which an alert wakes nobody any more, in hours."
    )
    dead_letter_run: int = Field(
        20, ge=1, description="Refusals in a row after which a channel stops until a restart."
    )

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            raise ValueError("no time zone of that name is known") from None
        return name


GROUPS: tuple[type[Group], ...] = (
    LogSettings,
    MonitorSettings,
    KafkaSettings,
    ElasticsearchSettings,
    IngestSettings,
    ProcessSettings,
    DetectorSettings,
    SinkSettings,
    AlertsSettings,
)

G = TypeVar("G", bound=Group)


def load(group: type[G], **overrides: Any) -> G:
    """Read one group from the environment; a wrong value is a :class:`ConfigurationError`."""
    try:
        return group(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        prefix = group.model_config.get("env_prefix", "")
        raise ConfigurationError(
            f"{prefix}{name.upper()} is wrong: {first['msg'].lower()}; see docs/settings.md"
        ) from None

"""Every setting of every service, read from the environment once, in the entry point.

Each group is a frozen object with its own prefix (``TOCSIN_KAFKA_``, ...). A secret may be a file
instead: ``TOCSIN_KAFKA_SASL_PASSWORD_FILE=/run/secrets/kafka``. Nothing else in tocsin reads the
environment, except ``runtime.configuration.files`` for alert channels. Tests compare
``docs/settings.md`` with this module.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from runtime.configuration.settings_group import Group as Group
from runtime.configuration.settings_group import load as load
from runtime.configuration.tower_settings import TowerSettings as TowerSettings
from runtime.configuration.validation import known_time_zone
from runtime.ingest_settings import IngestSettings as IngestSettings
from schemas.errors import ConfigurationError


class BrakeSettings(Group):
    """The dead-letter limits of a consumer."""

    dead_letter_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Maximum share of dead letters in the window; above it the service stops.",
    )
    dead_letter_window: int = Field(1_000, ge=10, description="Window of that share, messages.")
    dead_letter_run: int = Field(
        1_000, ge=1, description="Maximum consecutive dead letters; above it the service stops."
    )


class LogSettings(Group):
    """Logs, on standard error."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_LOG_")
    style: Literal["console", "json"] = Field(
        "console", description="Log format: `console` for people, `json` for machines."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Minimum severity."
    )


class MonitorSettings(Group):
    """Metrics and health of each service."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_MONITOR_")
    host: str = Field("127.0.0.1", description="Bind address; 0.0.0.0 in a container.")
    port: int = Field(9464, ge=0, le=65535, description="Port; 0 takes a free one.")
    stalled_after_s: float = Field(
        120.0,
        gt=0,
        description="Maximum time without progress before /healthz fails, seconds.",
    )


class KafkaSettings(Group):
    """Connection to Kafka."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_KAFKA_")
    bootstrap_servers: str = Field(
        "127.0.0.1:9092", description="Bootstrap brokers, host:port, comma-separated."
    )
    topic_prefix: str = Field(
        "tocsin.", pattern=r"^[a-zA-Z0-9._-]{0,64}$", description="Prefix of every topic name."
    )
    group_prefix: str = Field(
        "tocsin.",
        pattern=r"^[a-zA-Z0-9._-]{0,64}$",
        description="Prefix of every consumer group name.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Security protocol: TLS and SASL, in Kafka's names."
    )
    ssl_cafile: Path | None = Field(None, description="CA certificates, PEM file.")
    ssl_certfile: Path | None = Field(
        None, description="Client certificate for mutual TLS, PEM file."
    )
    ssl_keyfile: Path | None = Field(
        None, description="Private key of the client certificate, PEM file."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism; used with SASL_PLAINTEXT and SASL_SSL."
    )
    sasl_username: str | None = Field(None, description="SASL user.")
    sasl_password: SecretStr | None = Field(None, description="SASL password.")
    allow_plain: bool = Field(
        False,
        description="Allow the password over SASL_PLAINTEXT to other machines, without TLS.",
    )
    partitions: int | None = Field(
        None, ge=1, le=1000, description="Partitions of new topics; unset takes the registry's."
    )
    replication: int = Field(
        -1,
        ge=-1,
        le=10,
        description="Replication factor of new topics; -1 takes the broker's default.",
    )


class ElasticsearchSettings(Group):
    """Connection to Elasticsearch, and the shape of new indices."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_ELASTICSEARCH_")
    url: str = Field("http://127.0.0.1:9200", description="Node URLs, comma-separated.")
    username: str | None = Field(None, description="User for basic authentication.")
    password: SecretStr | None = Field(None, description="Password for basic authentication.")
    api_key: SecretStr | None = Field(
        None, description="API key, Base64; replaces user and password."
    )
    allow_plain: bool = Field(
        False, description="Allow the password or key over http:// to other machines, without TLS."
    )
    ca_certs: Path | None = Field(None, description="CA certificates, PEM file.")
    index_prefix: str = Field(
        "tocsin-", pattern=r"^[a-z0-9][a-z0-9_-]{0,64}$", description="Prefix of every index name."
    )
    request_timeout_s: float = Field(30.0, gt=0, description="Request timeout, seconds.")
    shards: int = Field(1, ge=1, le=100, description="Primary shards per new index.")
    replicas: int = Field(
        0, ge=0, le=10, description="Replicas per new index; use 1 or more in production."
    )
    ilm_policy: str = Field(
        "",
        pattern="^[a-z0-9._-]*$",
        max_length=255,
        description="Lifecycle policy of new indices of mentions; none if empty.",
    )

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: str) -> str:
        """Refuses credentials in the URL, since logs and errors print it."""
        if "@" in url:
            raise ConfigurationError(
                "TOCSIN_ELASTICSEARCH_URL must not hold a user and password, since it is printed; "
                "set TOCSIN_ELASTICSEARCH_USERNAME and TOCSIN_ELASTICSEARCH_PASSWORD instead"
            )
        return url


class ProcessSettings(BrakeSettings):
    """Processors."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_PROCESS_")
    annotators: str = Field(
        "language,brands,sentiment,entities,aspects,intents,duplicates,influence,spacy_entities,"
        "encoder",
        description="Annotators in the order they run, comma-separated.",
    )
    tier: Literal["fast", "accurate", "auto"] = Field(
        "auto",
        description=(
            "Models: `accurate` runs the encoder on every post that names a brand, `fast` never "
            "does, `auto` on those that tell most, within a share of a core."
        ),
    )
    encoder_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description=(
            "Share of a core that the encoder may take with `auto` at a quarter of "
            "`TOCSIN_PROCESS_FAST_ABOVE_LAG`; more below, up to a core, and less above."
        ),
    )
    entities: Literal["names", "spacy"] = Field(
        "names",
        description=(
            "Posts that spaCy reads for names: `names` those of the accurate tier, after the name "
            "model; `spacy` every post that names a brand, which is far slower."
        ),
    )
    fast_above_lag: int = Field(
        5_000, ge=0, description="Lag from which `auto` reads nothing with the encoder, messages."
    )
    keep_unmatched: bool = Field(
        False, description="Publish posts that match no brand too, without entities."
    )
    batch_size: int = Field(1_000, ge=1, le=10_000, description="Maximum posts per batch.")
    batch_bytes: int = Field(
        2**20, ge=1_000, description="Maximum size of a batch of several posts, bytes."
    )
    message_budget_s: float = Field(
        20.0,
        gt=0,
        description=(
            "Maximum time for a post that is enriched alone, after a process ended without a "
            "commit, seconds; beyond it, three times, it is a dead letter (`too_slow`)."
        ),
    )
    batch_within_s: float = Field(
        0.1, gt=0, le=10, description="Maximum wait for a full batch, seconds."
    )
    gazetteer: Path | None = Field(None, description="Additional gazetteer, YAML file.")
    spacy_models: str = Field(
        "",
        description="spaCy packages as `language=package`, comma-separated; override the defaults.",
    )
    stuck_after_s: float = Field(
        120.0,
        gt=0,
        description="Maximum time without a commit under lag before exit, seconds.",
    )
    data_dir: Path | None = Field(
        None, description="Faust's data folder. Nothing is written there: there are no tables."
    )

    @property
    def annotator_names(self) -> list[str]:
        """The names in ``annotators``, in their order."""
        return [name.strip() for name in self.annotators.split(",") if name.strip()]


class DetectorSettings(BrakeSettings):
    """The crisis detector."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_DETECTOR_")
    batch_size: int = Field(500, ge=1, le=10_000, description="Maximum records per batch.")
    batch_within_s: float = Field(
        0.25, gt=0, le=10, description="Maximum wait for a full batch, seconds."
    )
    snapshot_interval_s: float = Field(30.0, gt=0, le=90, description="Snapshot interval, seconds.")
    tick_interval_s: float = Field(
        5.0, gt=0, le=60, description="Interval between evaluations without new records, seconds."
    )
    grace_s: float = Field(
        20.0,
        ge=0,
        description="Grace period before a minute is closed without a later record, seconds.",
    )
    rebuild_records: int = Field(
        5_000_000,
        ge=0,
        description="Maximum records re-read to rebuild missing state; the newest ones.",
    )
    stuck_after_s: float = Field(
        240.0,
        gt=100,
        description="Maximum time without a commit under lag before exit, seconds.",
    )


class SinkSettings(BrakeSettings):
    """Sinks."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_SINK_")
    batch_size: int = Field(
        1_000, ge=1, le=10_000, description="Maximum documents per bulk request."
    )
    batch_bytes: int = Field(
        8 * 2**20,
        ge=2**16,
        le=90 * 2**20,
        description="Maximum bytes of documents per bulk request; one document may be larger.",
    )
    batch_within_s: float = Field(
        0.25, gt=0, le=10, description="Maximum wait for a full bulk request, seconds."
    )
    retry_first_s: float = Field(0.2, gt=0, description="Initial back-off, seconds.")
    retry_max_s: float = Field(10.0, gt=0, description="Maximum back-off, seconds.")
    blocked_wait_s: float = Field(
        300.0,
        ge=0,
        description=(
            "Maximum wait for an index that takes no writes while others do, seconds; then its "
            "messages go to dead-letters as `index_blocked`."
        ),
    )
    tombstone_days: float = Field(
        50.0,
        ge=0,
        description=(
            "Retention of tombstones, days; longer than that of `posts`, `mentions` and "
            "`dead-letters` together."
        ),
    )
    snapshot_days: float = Field(
        30.0,
        ge=0,
        description=(
            "Age of the oldest snapshot that is ever restored, days; records of erasures are kept "
            "that much longer than tombstones."
        ),
    )
    coverage_days: float = Field(
        400.0,
        ge=1,
        description="Retention of the index of coverage, days after a record was last told.",
    )
    expunge_hours: float = Field(
        24.0,
        gt=0,
        description=(
            "Interval between merges that remove deleted documents from the disk, hours; they are "
            "gone from every search at once."
        ),
    )


class AlertsSettings(Group):
    """Alerts to people."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_ALERTS_")
    channels: Path | None = Field(
        None, description="Channels file, YAML (docs/alerts.md); unset delivers to the index only."
    )
    language: Literal["fr", "en"] = Field(
        "en", description="Default language of alerts; a channel may override it."
    )
    time_zone: str = Field(
        "UTC", description="Time zone of times in alerts, such as `Europe/Paris`."
    )
    allow_private: bool = Field(
        False, description="Allow webhooks to private addresses and over plain HTTP."
    )
    allow_plain: bool = Field(
        False,
        description=(
            "Allow passwords, tokens and secret addresses of channels to other machines without "
            "TLS."
        ),
    )
    request_timeout_s: float = Field(
        10.0,
        gt=0,
        le=60,
        description="Maximum time of a request to a channel, in all, seconds; a mail takes three.",
    )
    retry_first_s: float = Field(1.0, gt=0, description="Initial back-off, seconds.")
    retry_max_s: float = Field(60.0, gt=0, description="Maximum back-off, seconds.")
    expire_hours: float = Field(
        24.0, gt=0, description="Maximum age of an alert to be delivered, hours."
    )
    dead_letter_run: int = Field(
        20,
        ge=1,
        description="Maximum consecutive refusals; above it the channel stops until a restart.",
    )

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        return known_time_zone(name)


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
    TowerSettings,
)

"""The settings of ingestors; :mod:`runtime.settings` has those of the other services."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from runtime.configuration.settings_group import Group


class IngestSettings(Group):
    """Ingestors."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_INGEST_")
    buffer_events: int = Field(
        10_000,
        ge=1,
        description="Maximum messages in flight; at this limit the source is not read.",
    )
    checkpoint_interval_s: float = Field(5.0, gt=0, description="Checkpoint interval, seconds.")
    coverage_interval_s: float = Field(
        60.0,
        ge=1,
        le=120,
        description=(
            "Interval at which an ingestor says again that it listens (topic `coverage`), seconds."
        ),
    )
    drain_timeout_s: float = Field(
        6.0, gt=0, description="Maximum wait for Kafka's acknowledgements at shutdown, seconds."
    )
    x_bearer_token: SecretStr | None = Field(
        None, description="App-only bearer token of the X API."
    )
    x_url: str = Field("https://api.x.com", description="Base URL of the X API.")
    x_allow_plain: bool = Field(
        False, description="Allow the token over http:// to another machine, such as a test server."
    )
    x_backfill_minutes: int = Field(
        0,
        ge=0,
        le=5,
        description="Backfill after a reconnect, minutes; needs a plan that allows it.",
    )
    x_max_rules: int | None = Field(
        None, ge=1, description="Rules that the plan has; unset leaves the limit to X."
    )
    x_rules_settle_s: float = Field(
        5.0, ge=0, description="Wait after a change of brands before X's rules follow, seconds."
    )
    spool_dir: Path | None = Field(
        None,
        description=(
            "Folder that keeps what X sent until Kafka has it; unset, an ingestor that is killed "
            "loses it."
        ),
    )
    spool_max_bytes: int = Field(
        64 * 2**20, ge=2**20, description="Maximum size of that folder, bytes."
    )
    x_keep_alive_timeout_s: float = Field(
        45.0,
        gt=0,
        description="Maximum silence before a reconnect, seconds; X sends a keep-alive every 20.",
    )
    bluesky_urls: str = Field(
        "wss://jetstream1.us-east.bsky.network/subscribe,"
        "wss://jetstream2.us-east.bsky.network/subscribe,"
        "wss://jetstream1.us-west.bsky.network/subscribe,"
        "wss://jetstream2.us-west.bsky.network/subscribe",
        description="Jetstream endpoints, comma-separated, tried in turn.",
    )
    bluesky_api_url: str = Field(
        "https://public.api.bsky.app", description="Bluesky's public API, to reconcile posts."
    )
    bluesky_relay_url: str = Field(
        "https://bsky.network", description="A relay, to reconcile the state of accounts."
    )
    bluesky_receive_timeout_s: float = Field(
        30.0, gt=0, description="Maximum silence before the next endpoint is tried, seconds."
    )
    bluesky_zstd_dictionary: Path | None = Field(
        None, description="Jetstream's zstd dictionary; if set, the stream is compressed."
    )

"""The settings of the control tower, the web application; ``runtime.settings`` has all groups."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from runtime.configuration.settings_group import Group
from runtime.configuration.validation import known_time_zone


class TowerSettings(Group):
    """The control tower, the web application."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_TOWER_")
    host: str = Field("127.0.0.1", description="Bind address; beyond loopback it needs users.")
    port: int = Field(8470, ge=0, le=65535, description="Port; 0 takes a free one.")
    hosts: str = Field(
        "",
        max_length=2_000,
        description="Names under which browsers may reach it, comma-separated; loopback ones may.",
    )
    users: Path | None = Field(
        None, description="Users file, YAML (docs/tower.md); unset: a sign-in link on loopback."
    )
    data_dir: Path = Field(
        Path(".tocsin/tower"), description="Folder of the key that signs sessions and links."
    )
    signing_key: Path | None = Field(
        None, description="File with that key, the same for every copy, instead of the folder."
    )
    published_on_loopback: bool = Field(
        False,
        description=(
            "Beyond loopback without users or TLS: only for a container whose port is published "
            "on a loopback address."
        ),
    )
    tls_cert: Path | None = Field(None, description="Certificate chain, PEM file.")
    tls_key: Path | None = Field(None, description="Private key of the certificate, PEM file.")
    proxies: str = Field(
        "",
        max_length=2_000,
        description=(
            "Addresses or networks of trusted proxies, comma-separated: they end TLS, and may "
            "name the user."
        ),
    )
    proxy_user_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]{0,64}$",
        description="Header in which a trusted proxy names the user, such as X-Forwarded-User.",
    )
    session_hours: float = Field(12.0, gt=0, le=720, description="Length of a session, hours.")
    max_streams: int = Field(500, ge=1, le=10_000, description="Maximum open live streams.")
    max_streams_per_person: int = Field(
        20, ge=1, le=1_000, description="Maximum open live streams of one person."
    )
    kibana: str = Field(
        "",
        pattern=r"^(https?://[^\s\"'<>]+)?$",
        max_length=500,
        description="Address of Kibana, for the links into it; none if empty.",
    )
    time_zone: str = Field("UTC", description="Time zone of times on pages, until a person's own.")

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        return known_time_zone(name)

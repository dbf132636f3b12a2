"""A secret leaves over TLS, to this machine, or where a setting allows it; else it is refused."""

import os
from typing import get_args

import pytest
from pydantic import SecretStr

from runtime.limits.secret_transport import ROUTES, is_loopback, plain_hosts
from runtime.settings import (
    GROUPS,
    ElasticsearchSettings,
    Group,
    IngestSettings,
    KafkaSettings,
    load,
)
from schemas.errors import ConfigurationError

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TOCSIN_")]:
        monkeypatch.delenv(name)


def prefix_of(group: type[Group]) -> str:
    return str(group.model_config.get("env_prefix", ""))


@pytest.mark.parametrize("group", GROUPS, ids=prefix_of)
def test_every_secret_of_the_settings_has_a_route(group: type[Group]) -> None:
    kinds = {name: field.annotation for name, field in group.model_fields.items()}
    secrets = {name for name, kind in kinds.items() if SecretStr in (kind, *get_args(kind))}
    route = ROUTES.get(prefix_of(group))
    assert set(route.secrets if route else ()) == secrets
    if route is not None:
        assert {route.address, route.allowed_by} <= kinds.keys()


PLAIN = [
    (
        ElasticsearchSettings,
        {"API_KEY": SECRET, "URL": "https://es1:9200,http://es2.example:9200"},
        "es2.example",
    ),
    (
        ElasticsearchSettings,
        {"USERNAME": "u", "PASSWORD": SECRET, "URL": "http://10.1.2.3:9200"},
        "10.1.2.3",
    ),
    (
        KafkaSettings,
        {
            "SASL_USERNAME": "u",
            "SASL_PASSWORD": SECRET,
            "SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "BOOTSTRAP_SERVERS": "127.0.0.1:9092, kafka.example:9092",
        },
        "kafka.example",
    ),
    (IngestSettings, {"X_BEARER_TOKEN": SECRET, "X_URL": "http://x.example"}, "x.example"),
]


@pytest.mark.parametrize(("group", "values", "host"), PLAIN)
def test_a_secret_over_a_plain_connection_is_refused_unless_it_is_allowed(
    monkeypatch: pytest.MonkeyPatch, group: type[Group], values: dict[str, str], host: str
) -> None:
    prefix = prefix_of(group)
    for name, value in values.items():
        monkeypatch.setenv(f"{prefix}{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        load(group)
    allow = f"{prefix}{ROUTES[prefix].allowed_by.upper()}"
    sentence = str(caught.value)
    assert f" would be sent to {host} over a connection without TLS; " in sentence
    assert f"or set {allow}=true" in sentence
    assert SECRET not in sentence
    monkeypatch.setenv(allow, "true")
    assert load(group)


@pytest.mark.parametrize(
    ("group", "values"),
    [
        (ElasticsearchSettings, {"api_key": SECRET, "url": "https://es.example:9200"}),
        (ElasticsearchSettings, {"api_key": SECRET, "url": "http://[::1]:9200"}),
        (ElasticsearchSettings, {"url": "http://elasticsearch:9200"}),
        (KafkaSettings, {"sasl_password": SECRET, "bootstrap_servers": "kafka:9092"}),
        (
            KafkaSettings,
            {
                "sasl_password": SECRET,
                "security_protocol": "SASL_SSL",
                "bootstrap_servers": "k:9092",
            },
        ),
        (
            KafkaSettings,
            {
                "sasl_password": SECRET,
                "security_protocol": "SASL_PLAINTEXT",
                "bootstrap_servers": "[::1]:9092,localhost:9092",
            },
        ),
        (IngestSettings, {"x_bearer_token": SECRET}),
    ],
)
def test_what_is_encrypted_local_or_no_secret_passes(
    group: type[Group], values: dict[str, str]
) -> None:
    assert load(group, **values)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True),
        ("localhost", True), ("LOCALHOST.", True), ("kafka.localhost", True),
        ("localhost.example", False), ("127.0.0.1.example", False), ("10.0.0.1", False),
        ("kafka", False), ("0.0.0.0", False), ("", False), ("::2", False),
        ("2130706433", False),
    ],
)  # fmt: skip
def test_which_hosts_are_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_url_that_is_none_has_no_host() -> None:
    assert plain_hosts(["https://a", "http://b:1", "HTTP://c", "http://[", "nonsense"]) == [
        "b",
        "c",
    ]

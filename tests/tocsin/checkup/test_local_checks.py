"""Secrets on this machine: open files and plain connections are told, whoever reads them."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from runtime.configuration.files import read_secret
from runtime.configuration.secret_files import open_to_others
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from tocsin.checkup.check_runner import Noted
from tocsin.checkup.local_checks import check_secrets, plain_secrets, secret_files

CHANNELS = """\
channels:
  - name: desk
    type: webhook
    url: https://desk.example/hook
    secret_file: secrets/desk
  - name: slack
    type: slack
    url_env: SLACK_URL
"""


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (path := tmp_path / "password").write_text("correct-horse-battery\n")
    path.chmod(0o600)
    monkeypatch.setenv("TOCSIN_KAFKA_SASL_PASSWORD_FILE", str(path))
    return path


@pytest.mark.parametrize(
    ("mode", "says"),
    [(0o600, None), (0o440, None), (0o644, "can be read"), (0o602, "can be written")],
)
def test_a_file_that_others_can_open_is_told(secret: Path, mode: int, says: str | None) -> None:
    secret.chmod(mode)
    why = open_to_others(secret)
    assert why is None if says is None else says in str(why) and "chmod o-rwx" in str(why)
    assert open_to_others(secret.with_name("absent")) is None


def test_the_start_warns_once_of_an_open_file(secret: Path) -> None:
    secret.chmod(0o644)
    with capture_logs() as told:
        for _ in range(3):
            load(KafkaSettings)
    (line,) = told
    assert line["log_level"] == "warning"
    assert line["secret"] == "TOCSIN_KAFKA_SASL_PASSWORD_FILE"
    (other := secret.with_name("other")).write_text("another")
    other.chmod(0o644)
    with capture_logs() as told:
        read_secret("channel desk: its secret", None, other)
    assert [line["secret"] for line in told] == ["channel desk: its secret"]


def test_the_doctor_names_every_open_file(
    secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    (desk := tmp_path / "secrets" / "desk").write_text("correct-horse-battery")
    (channels := tmp_path / "channels.yaml").write_text(CHANNELS)
    monkeypatch.setenv("TOCSIN_ALERTS_CHANNELS", str(channels))
    files = dict(secret_files())
    assert files == {"TOCSIN_KAFKA_SASL_PASSWORD_FILE": secret, "channel desk, secret_file": desk}
    desk.chmod(0o600)
    assert check_secrets() == "2 files of secrets, closed to others"
    desk.chmod(0o644)
    with pytest.raises(Noted, match="channel desk, secret_file: .*desk can be read by every user"):
        check_secrets()


@pytest.mark.parametrize(
    ("kafka", "elasticsearch", "says"),
    [
        ({}, {}, []),
        ({"security_protocol": "SASL_SSL", "bootstrap_servers": "kafka:9093"}, {}, []),
        (
            {"security_protocol": "SASL_PLAINTEXT", "bootstrap_servers": "127.0.0.1:1,kafka:9092"},
            {},
            ["Kafka's password goes to kafka without TLS"],
        ),
        ({}, {"url": "http://localhost:9200", "api_key": SecretStr("k")}, []),
        ({}, {"url": "https://es:9200", "api_key": SecretStr("k")}, []),
        ({}, {"url": "http://es:9200"}, []),
    ],
)
def test_a_password_on_a_plain_connection_is_told(
    kafka: dict[str, Any], elasticsearch: dict[str, Any], says: list[str]
) -> None:
    told = list(
        plain_secrets(
            KafkaSettings.model_construct(**{**DEFAULTS_KAFKA, **kafka}),
            ElasticsearchSettings.model_construct(**{**DEFAULTS_ES, **elasticsearch}),
        )
    )
    assert len(told) == len(says)
    assert all(words in line for words, line in zip(says, told, strict=True))


def test_an_api_key_over_http_is_told() -> None:
    away = ElasticsearchSettings.model_construct(
        **{**DEFAULTS_ES, "url": "http://es:9200", "api_key": SecretStr("k")}
    )
    (told,) = plain_secrets(KafkaSettings.model_construct(**DEFAULTS_KAFKA), away)
    assert told == "Elasticsearch's password goes to es without TLS; use https"


DEFAULTS_KAFKA: dict[str, Any] = {
    "security_protocol": "PLAINTEXT",
    "bootstrap_servers": "127.0.0.1:9092",
}
DEFAULTS_ES: dict[str, Any] = {"url": "http://es:9200", "password": None, "api_key": None}

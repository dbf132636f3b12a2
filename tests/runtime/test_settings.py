"""Settings: immutable, a sentence for a wrong value, and no secret in any output."""

import os
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr, ValidationError

from runtime import logs
from runtime.configuration.settings_group import OLD_NAMES
from runtime.settings import (
    GROUPS,
    ElasticsearchSettings,
    Group,
    IngestSettings,
    KafkaSettings,
    LogSettings,
    MonitorSettings,
    ProcessSettings,
    SinkSettings,
    load,
)
from schemas.errors import ConfigurationError
from schemas.topic_registry import topics

SECRET = "correct-horse-battery"
URLS = "https://es:9200,http://[::1]:9200/path"
SECRETS = [
    (KafkaSettings, "sasl_password"),
    (ElasticsearchSettings, "password"),
    (ElasticsearchSettings, "api_key"),
    (IngestSettings, "x_bearer_token"),
]


def variable(group: type[Group], field: str) -> str:
    return f"{group.model_config.get('env_prefix', '')}{field}".upper()


VARIABLES = [(group, name) for group in GROUPS for name in group.model_fields]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TOCSIN_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_defaults_are_enough_described_and_do_not_change(group: type[Group]) -> None:
    settings = load(group)
    assert settings == group()
    assert str(group.model_config.get("env_prefix")).startswith("TOCSIN_")
    for name, field in group.model_fields.items():
        assert field.description and field.description.endswith("."), name
        with pytest.raises(ValidationError, match="frozen"):
            setattr(settings, name, getattr(settings, name))


def test_no_two_settings_share_a_variable() -> None:
    assert len({variable(*each) for each in VARIABLES}) == len(VARIABLES)


@pytest.mark.parametrize(
    ("name", "value", "group", "field", "expected"),
    [
        ("TOCSIN_KAFKA_PARTITIONS", "3", KafkaSettings, "partitions", 3),
        ("TOCSIN_MONITOR_PORT", "0", MonitorSettings, "port", 0),
        ("TOCSIN_LOG_STYLE", "json", LogSettings, "style", "json"),
        ("TOCSIN_PROCESS_KEEP_UNMATCHED", "true", ProcessSettings, "keep_unmatched", True),
        ("TOCSIN_SINK_BATCH_WITHIN_S", "0.5", SinkSettings, "batch_within_s", 0.5),
        ("TOCSIN_KAFKA_SSL_CAFILE", "ca.pem", KafkaSettings, "ssl_cafile", Path("ca.pem")),
        ("TOCSIN_KAFKA_PARTITIONS", "", KafkaSettings, "partitions", None),
        ("TOCSIN_KAFKA_SASL_PASSWORD_FILE", "", KafkaSettings, "sasl_password", None),
        ("TOCSIN_ELASTICSEARCH_URL", URLS, ElasticsearchSettings, "url", URLS),
    ],
)
def test_the_environment_sets(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    group: type[Group],
    field: str,
    expected: object,
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load(group), field) == expected


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_MONITOR_PORT", "1234")
    assert load(MonitorSettings, port=0).port == 0
    with pytest.raises(ConfigurationError, match="TOCSIN_MONITOR_PROT"):
        load(MonitorSettings, prot=1)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@es",
        "https://s3cret@es:9200",
        "https://es:9200,https://user:s3cret@es2:9200",
        "https://user:s3/cret@es",
        "user:s3cret@es",
    ],
)
def test_a_url_with_a_password_is_refused_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", url)
    with pytest.raises(ConfigurationError) as caught:
        load(ElasticsearchSettings)
    sentence = str(caught.value)
    assert "TOCSIN_ELASTICSEARCH_USERNAME" in sentence
    assert "TOCSIN_ELASTICSEARCH_PASSWORD" in sentence
    assert "s3" not in sentence


def test_a_dead_letter_that_is_replayed_meets_the_tombstone() -> None:
    # A post may be dead-lettered at the end of its retention, and replayed at the letter's.
    days = [topics()[name].kept_days for name in ("posts", "mentions", "dead-letters")]
    assert SinkSettings().tombstone_days > sum(days)


@pytest.mark.parametrize(
    ("name", "value", "group"),
    [
        ("TOCSIN_MONITOR_PORT", "70000", MonitorSettings),
        ("TOCSIN_MONITOR_PORT", "http", MonitorSettings),
        ("TOCSIN_LOG_STYLE", "xml", LogSettings),
        ("TOCSIN_KAFKA_TOPIC_PREFIX", "no spaces", KafkaSettings),
        ("TOCSIN_KAFKA_SECURITY_PROTOCOL", "TLS", KafkaSettings),
        ("TOCSIN_ELASTICSEARCH_INDEX_PREFIX", "Upper-", ElasticsearchSettings),
        ("TOCSIN_SINK_BATCH_SIZE", "0", SinkSettings),
        ("TOCSIN_PROCESS_DEAD_LETTER_SHARE", "1.5", ProcessSettings),
        ("TOCSIN_INGEST_X_BACKFILL_MINUTES", "6", IngestSettings),
    ],
)
def test_a_wrong_value_is_a_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, group: type[Group]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load(group)
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} is wrong: ")
    assert sentence.endswith("; see docs/settings.md")
    assert "\n" not in sentence


def test_every_secret_is_listed_here() -> None:
    types = {each: each[0].model_fields[each[1]].annotation for each in VARIABLES}
    secrets = {each for each, kind in types.items() if SecretStr in (kind, *get_args(kind))}
    assert secrets == set(SECRETS)


@pytest.mark.parametrize(
    ("value", "content"), [(SECRET, None), (None, f"{SECRET}\n"), (SECRET, "of the file")]
)
@pytest.mark.parametrize(("group", "field"), SECRETS)
def test_a_secret_is_never_shown_and_may_be_a_file_beside_its_variable(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    group: type[Group],
    field: str,
    value: str | None,
    content: str | None,
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content)
        monkeypatch.setenv(variable(group, field) + "_FILE", str(path))
    if value is not None:
        monkeypatch.setenv(variable(group, field), value)
    settings = load(group)
    assert getattr(settings, field).get_secret_value() == SECRET
    dumped = settings.model_dump()
    for shown in (repr(settings), str(settings), str(dumped), settings.model_dump_json()):
        assert SECRET not in shown


@pytest.mark.parametrize(
    ("content", "says"), [(None, " names .*secret"), (b"\xff\x00\xfe", " .*not UTF-8")]
)
def test_a_secret_file_that_cannot_be_read_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("TOCSIN_KAFKA_SASL_PASSWORD_FILE", str(path))
    with pytest.raises(ConfigurationError, match=f"TOCSIN_KAFKA_SASL_PASSWORD_FILE{says}"):
        load(KafkaSettings)


@pytest.mark.parametrize(("old", "new"), list(OLD_NAMES.items()))
def test_an_old_name_is_read_with_a_warning_and_the_new_one_wins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    ((group, name),) = (each for each in VARIABLES if variable(*each) == new)
    logs.configure("json", "warning")
    monkeypatch.setenv(old, "7")
    assert getattr(load(group), name) == 7
    warning = capsys.readouterr().err
    assert old in warning
    assert new in warning
    monkeypatch.setenv(new, "9")
    assert getattr(load(group), name) == 9
    assert old not in capsys.readouterr().err

"""The Compose file agrees with the Compose Specification, and with our own code.

No container runs here: what is checked is all that can be without one.
"""

import hashlib
import json
import os
import re
import signal
import subprocess
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer

from brands.brands_file import load_brands
from runtime.settings import (
    GROUPS,
    ElasticsearchSettings,
    IngestSettings,
    KafkaSettings,
    MonitorSettings,
)
from schemas import errors
from tests.deploy.compose import (
    COMPOSE,
    DEPLOY,
    DOCKERFILE,
    OURS,
    SERVICES,
    TOP,
    host_ports,
    instruction,
    one_shot,
    tocsin_commands,
)
from tocsin.cli.main import app

SCHEMA = Path(__file__).with_name("compose-spec.json")
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
VARIABLES = {
    f"{group.model_config.get('env_prefix', '')}{name}".upper()
    for group in GROUPS
    for name in group.model_fields
}


def _engines() -> dict[str, str]:
    """Artifact to the version that the engines stack runs."""
    tree = ElementTree.parse(TOP / "tocsin" / "local" / "stack" / "kafka.pom.xml")
    return {
        dependency.findtext("artifactId", ""): dependency.findtext("version", "")
        for dependency in tree.iterfind(".//dependency")
    }


def _default(group: type[Any], name: str) -> Any:
    return group.model_fields[name].default


def test_it_is_what_the_specification_says() -> None:
    jsonschema.Draft201909Validator(json.loads(SCHEMA.read_bytes())).validate(COMPOSE)


def test_the_schema_is_the_one_that_its_note_names() -> None:
    note = SCHEMA.with_name("COMPOSE-SPEC.md").read_text("utf-8")
    assert hashlib.sha256(SCHEMA.read_bytes()).hexdigest() in note


def test_every_image_is_pinned_by_a_version() -> None:
    for name, service in SERVICES.items():
        tag = service["image"].rpartition(":")[2]
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), f"{name}: {service['image']}"


def test_engines_are_those_that_the_tests_run_on() -> None:
    engines = _engines()
    elasticsearch = engines["elasticsearch"]
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{engines['kafka_2.13']}"
    for name, product in (
        ("elasticsearch", "elasticsearch/elasticsearch"),
        ("kibana", "kibana/kibana"),
        ("kibana-setup", "kibana/kibana"),
    ):
        assert SERVICES[name]["image"] == f"docker.elastic.co/{product}:{elasticsearch}"


def test_our_image_is_of_our_version() -> None:
    version = PROJECT["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"tocsin:{version}"}
    assert f"tocsin:{version}" in DOCKERFILE


def test_every_variable_of_ours_is_a_setting() -> None:
    for name, service in SERVICES.items():
        for variable in service.get("environment", {}):
            if variable.startswith("TOCSIN_"):
                assert variable.removesuffix("_FILE") in VARIABLES, f"{name}: {variable}"


def test_no_secret_is_written_down() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|API_KEY", variable):
                assert str(value).startswith("/run/secrets/") or value in ("true", "false"), name


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that ``words`` begin with, and the words left."""
    command, rest = typer.main.get_command(app), list(words)
    while rest and getattr(command, "commands", None):
        command = command.commands[rest.pop(0)]  # type: ignore[attr-defined]
    return command, rest


@pytest.mark.parametrize("name", OURS)
def test_commands_are_real(name: str) -> None:
    for words in tocsin_commands(OURS[name]):
        command, arguments = _command(words)
        # Parses without running it: a wrong option or a missing argument raises.
        command.make_context(words[0], list(arguments), resilient_parsing=False).close()


def test_every_service_of_the_pipeline_is_there() -> None:
    commands = [words for service in OURS.values() for words in tocsin_commands(service)]
    assert ["process"] in commands
    assert ["sink", "elasticsearch"] in commands
    assert ["ingest", "bluesky"] in commands
    assert ["topics", "setup"] in commands
    assert ["index", "setup"] in commands


def test_ports_are_those_of_the_settings() -> None:
    kafka = _default(KafkaSettings, "bootstrap_servers")
    elasticsearch = _default(ElasticsearchSettings, "url")
    monitor = _default(MonitorSettings, "port")
    assert [f"{a}:{port}" for a, port, _ in host_ports(SERVICES["kafka"])] == [kafka]
    assert [f"http://{a}:{port}" for a, port, _ in host_ports(SERVICES["elasticsearch"])] == [
        elasticsearch
    ]
    assert instruction("EXPOSE") == [str(monitor)]
    assert f"'TOCSIN_MONITOR_PORT', '{monitor}'" in DOCKERFILE


def test_kafka_is_advertised_where_clients_look() -> None:
    environment = SERVICES["kafka"]["environment"]
    advertised = environment["KAFKA_ADVERTISED_LISTENERS"].split(",")
    inside = {s["environment"]["TOCSIN_KAFKA_BOOTSTRAP_SERVERS"] for s in OURS.values()}
    assert {f"PLAINTEXT://{server}" for server in inside} <= set(advertised)
    assert f"PLAINTEXT_HOST://{_default(KafkaSettings, 'bootstrap_servers')}" in advertised
    named = {entry.partition(":")[0] for entry in environment["KAFKA_LISTENERS"].split(",")}
    mapped = environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    assert named == {entry.partition(":")[0] for entry in mapped}


def test_nothing_listens_for_other_machines() -> None:
    published = [port for service in SERVICES.values() for port in host_ports(service)]
    assert published
    assert {address for address, _, _ in published} == {"127.0.0.1"}
    assert len({host for _, host, _ in published}) == len(published)


def test_scalable_services_publish_no_port() -> None:
    assert not any(host_ports(service) for service in OURS.values())


def test_metrics_are_reachable_from_prometheus() -> None:
    for name, service in OURS.items():
        assert service["environment"]["TOCSIN_MONITOR_HOST"] == "0.0.0.0", name


def test_every_long_running_service_has_a_health_check() -> None:
    (check,) = instruction("HEALTHCHECK")
    assert "/healthz" in check
    for name, service in SERVICES.items():
        check = service.get("healthcheck", {})
        if one_shot(service):
            assert check == {"disable": True}, f"{name} ends: nothing to check"
        elif name in OURS:
            assert not check, f"{name}: the image's own check is meant"
        else:
            assert check["test"], name


def test_every_long_running_service_is_started_again() -> None:
    for name, service in SERVICES.items():
        assert service["restart"] == ("no" if one_shot(service) else "unless-stopped"), name


def test_every_service_has_a_memory_limit() -> None:
    for name, service in SERVICES.items():
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name


def test_dependencies_exist_and_can_be_met() -> None:
    for name, service in SERVICES.items():
        for target, wish in service.get("depends_on", {}).items():
            assert target in SERVICES, f"{name} waits for {target}"
            once = one_shot(SERVICES[target])
            assert wish["condition"] == (
                "service_completed_successfully" if once else "service_healthy"
            ), f"{name} waits for {target}"


def test_volumes_and_secrets_are_declared_and_files_exist() -> None:
    used = set()
    for service in SERVICES.values():
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        for volume in service.get("volumes", ()):
            source = volume["source"] if isinstance(volume, dict) else volume.partition(":")[0]
            source = re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", source)
            if source.startswith("."):
                assert (TOP / source).exists(), source
            else:
                used.add(source)
    assert used == COMPOSE["volumes"].keys()
    for secret in COMPOSE["secrets"].values():
        default = re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", secret["file"])
        assert (TOP / default).exists(), default


def test_a_stop_waits_for_the_drain() -> None:
    for name, service in OURS.items():
        if not one_shot(service):
            grace = float(service["stop_grace_period"].removesuffix("s"))
            assert grace > _default(IngestSettings, "drain_timeout_s"), name


def test_the_example_brands_can_be_applied() -> None:
    assert load_brands(DEPLOY / "brands.example.yaml")


# --- the image -------------------------------------------------------------------------------


def test_the_image_holds_every_package() -> None:
    packages = PROJECT["tool"]["importlinter"]["root_packages"]
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    copied = " ".join(instruction("COPY"))
    for package in packages:
        assert f"{package}/ {package}/" in copied, package
        assert f"!{package}" in ignored, package


def test_the_image_is_built_from_pinned_wheels_and_runs_as_nobody() -> None:
    assert "--require-hashes" in DOCKERFILE
    assert all(text.startswith("python:3.11-slim") for text in instruction("FROM"))
    assert instruction("USER") == ["10001:10001"]
    assert not instruction("ARG")


# --- deploy/hold.sh --------------------------------------------------------------------------


@pytest.fixture
def fake_tocsin(tmp_path: Path) -> Path:
    """A folder with a ``tocsin`` that ends with the status it is given, or runs until SIGTERM."""
    program = tmp_path / "tocsin"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = run ]; then trap "exit 0" TERM; echo up; '
        "while :; do sleep 0.05; done; fi\n"
        'exit "$1"\n'
    )
    program.chmod(0o755)
    return tmp_path


def _hold(folder: Path, argument: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [DEPLOY / "hold.sh", argument],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("status", [0, 1, 3, 70])
def test_other_statuses_are_passed_on(fake_tocsin: Path, status: int) -> None:
    process = _hold(fake_tocsin, str(status))
    process.communicate(timeout=10)
    assert process.returncode == status


@pytest.mark.parametrize("error", [errors.ConfigurationError, errors.BrakeTripped])
def test_a_service_that_needs_a_person_is_held(
    fake_tocsin: Path, error: type[errors.TocsinError]
) -> None:
    process = _hold(fake_tocsin, str(error.exit_status))
    assert process.stderr is not None
    assert "a person has to act" in process.stderr.readline()
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == error.exit_status


def test_a_stop_reaches_the_service(fake_tocsin: Path) -> None:
    process = _hold(fake_tocsin, "run")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 0

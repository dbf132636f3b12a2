"""The Compose file agrees with the Compose Specification and with our code. No container runs."""

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
import yaml

from brands.brands_file import load_brands
from runtime import settings
from schemas import errors
from tests.deploy import compose
from tests.deploy.compose import COMPOSE, DEPLOY, DOCKERFILE, OURS, SERVICES, TOP
from tower.service import check

PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
VARIABLES = {
    f"{group.model_config.get('env_prefix', '')}{name}".upper()
    for group in settings.GROUPS
    for name in group.model_fields
}
_DEFAULT = re.compile(r"^\$\{\w+:-(.*)\}$")


def _default(group: type[Any], name: str) -> Any:
    return group.model_fields[name].default


def test_it_is_what_the_specification_says() -> None:
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_bytes())
    jsonschema.Draft201909Validator(schema).validate(COMPOSE)


def test_engines_are_those_that_the_tests_run_on() -> None:
    poms = (TOP / "tocsin" / "local" / "stack" / "distribution").glob("*.pom.xml")
    versions = {
        dependency.findtext("artifactId", ""): dependency.findtext("version", "")
        for pom in poms
        for dependency in ElementTree.parse(pom).iterfind(".//dependency")
    }
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{versions['kafka_2.13']}"
    for name in ("elasticsearch", "kibana", "kibana-setup"):
        assert SERVICES[name]["image"].endswith(f":{versions['elasticsearch']}")


def test_our_image_is_of_our_version() -> None:
    version = PROJECT["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"tocsin:{version}"}
    assert f"tocsin:{version}" in DOCKERFILE


def test_variables_of_ours_are_settings_and_no_secret_is_written_down() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if variable.startswith("TOCSIN_"):
                assert variable.removesuffix("_FILE") in VARIABLES, f"{name}: {variable}"
            if re.search("PASSWORD|TOKEN|SECRET|API_KEY", variable):
                assert str(value).startswith("/run/secrets/") or value in ("true", "false"), name


@pytest.mark.parametrize("name", OURS)
def test_commands_are_real(name: str) -> None:
    for words in compose.tocsin_commands(OURS[name]):
        compose.parse_command(words)


def test_ports_are_those_of_the_settings_and_of_this_machine_alone() -> None:
    published = {name: compose.host_ports(service) for name, service in SERVICES.items()}
    ((address, port, _),) = published["kafka"]
    assert f"{address}:{port}" == _default(settings.KafkaSettings, "bootstrap_servers")
    ((address, port, _),) = published["elasticsearch"]
    assert f"http://{address}:{port}" == _default(settings.ElasticsearchSettings, "url")
    ports = [(address, port) for name in published for address, port, _ in published[name]]
    assert {address for address, _ in ports} == {"127.0.0.1"}
    assert len(set(ports)) == len(ports)
    # Services of ours can be scaled, so they publish none, but for the one that people open.
    assert [name for name in OURS if published[name]] == ["tower"]
    ((_, port, inside),) = published["tower"]
    assert port == inside == _default(settings.TowerSettings, "port")
    monitor = _default(settings.MonitorSettings, "port")
    assert compose.instruction("EXPOSE") == [f"{monitor} {port}"]
    assert f"'TOCSIN_MONITOR_PORT', '{monitor}'" in DOCKERFILE


def test_the_tower_starts_as_compose_sets_it_and_only_because_its_port_is_of_this_machine() -> None:
    given = SERVICES["tower"]["environment"]
    prefix = "TOCSIN_TOWER_"
    own = {k.removeprefix(prefix).lower(): v for k, v in given.items() if k.startswith(prefix)}
    check(settings.load(settings.TowerSettings, **own))
    assert {address for address, _, _ in compose.host_ports(SERVICES["tower"])} == {"127.0.0.1"}
    with pytest.raises(errors.ConfigurationError, match="others reach"):
        check(settings.load(settings.TowerSettings, host=own["host"]))


def test_kafka_is_advertised_where_clients_look() -> None:
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    inside = {s["environment"]["TOCSIN_KAFKA_BOOTSTRAP_SERVERS"] for s in OURS.values()}
    outside = _default(settings.KafkaSettings, "bootstrap_servers")
    wanted = {f"PLAINTEXT://{server}" for server in inside} | {f"PLAINTEXT_HOST://{outside}"}
    assert wanted == set(advertised)


def test_long_running_services_are_checked_and_started_again() -> None:
    (of_the_image,) = compose.instruction("HEALTHCHECK")
    assert "/healthz" in of_the_image
    for name, service in SERVICES.items():
        check = service.get("healthcheck", {})
        if compose.one_shot(service):
            assert check == {"disable": True}, name
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["mem_limit"], name
        assert bool(check.get("test")) == (name not in OURS), name
        if name in OURS:
            grace = float(service["stop_grace_period"].removesuffix("s"))
            assert grace > _default(settings.IngestSettings, "drain_timeout_s"), name


def test_dependencies_can_be_met() -> None:
    for name, service in SERVICES.items():
        for target, wish in service.get("depends_on", {}).items():
            once = compose.one_shot(SERVICES[target])
            condition = "service_completed_successfully" if once else "service_healthy"
            assert wish["condition"] == condition, f"{name} waits for {target}"


def test_files_that_are_mounted_exist() -> None:
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", ())]
    sources = [
        volume["source"] if isinstance(volume, dict) else volume.partition(":")[0]
        for volume in volumes
    ]
    sources += [secret["file"] for secret in COMPOSE["secrets"].values()]
    for source in {_DEFAULT.sub(r"\1", source) for source in sources}:
        assert (TOP / source).exists() or source in COMPOSE["volumes"], source


def test_every_variable_is_explained_with_its_default() -> None:
    text = (TOP / "docker-compose.yml").read_text("utf-8")
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    example = (TOP / ".env.example").read_text("utf-8")
    assert dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE)) == used
    page = (TOP / "docs" / "operations.md").read_text("utf-8")
    assert all(f"| `{name}` |" in page for name in used)


def test_brands_are_changed_by_the_service_that_the_documents_name() -> None:
    """A start leaves the brands alone; ``run brands`` applies the same file."""
    said = "BRANDS_FILE=./brands.yaml docker compose run --rm brands"
    for name in ("docker-compose.yml", "docs/operations.md"):
        text = (TOP / name).read_text("utf-8")
        assert said in text
        assert "run --rm setup" not in text
    (command,) = compose.tocsin_commands(SERVICES["brands"])
    assert command[:2] == ["brands", "apply"] and "--if-none" not in command
    assert SERVICES["brands"]["profiles"], "it must not run at every start"
    at_start = compose.tocsin_commands(SERVICES["setup"])[-1]
    assert at_start == [*command[:2], "--if-none", command[-1]]
    for service in (SERVICES["setup"], SERVICES["brands"]):
        assert [volume["target"] for volume in service["volumes"]] == command[-1:]


def test_the_memory_that_is_told_is_the_sum_of_the_limits() -> None:
    units = {"m": 1, "g": 1024}
    limits = [s["mem_limit"] for s in SERVICES.values() if not s.get("profiles")]
    total = sum(int(limit[:-1]) * units[limit[-1]] for limit in limits) / 1024
    for name in ("docker-compose.yml", "docs/operations.md"):
        (told,) = re.findall(r"about (\d+) GiB", (TOP / name).read_text("utf-8"))
        assert int(told) == round(total), total


def test_logs_of_every_container_are_bounded() -> None:
    for name, service in SERVICES.items():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


WORKS_OFF_A_BACKLOG = {"kafka", "elasticsearch", "process", "detector", "sink-elasticsearch"}


def test_every_container_has_bounds() -> None:
    for name, service in SERVICES.items():
        assert 256 <= service["pids_limit"] <= 4096, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert ("cpus" in service) == (name not in WORKS_OFF_A_BACKLOG), name


def test_our_containers_may_do_as_little_as_our_pods() -> None:
    for path in (DEPLOY / "kubernetes").rglob("*.yaml"):
        for document in yaml.safe_load_all(path.read_bytes()):
            if (document or {}).get("kind") not in ("Deployment", "Job"):
                continue
            pod = document["spec"]["template"]["spec"]
            for container in pod["containers"]:
                rights = container["securityContext"]
                assert rights == {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }, path
            for volume in pod["volumes"]:
                # Octal: the pod's group may read, others may not.
                assert volume.get("secret", {"defaultMode": 0o440})["defaultMode"] == 0o440, path
    for name, service in OURS.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["tmpfs"] == ["/tmp"], name


def test_the_documents_say_that_nobody_is_asked_for_a_password() -> None:
    page = (TOP / "docs" / "operations.md").read_text("utf-8")
    for text in (page, (TOP / "docker-compose.yml").read_text("utf-8")):
        assert "may write to any topic and index" in " ".join(text.replace("#", " ").split())


def test_the_example_brands_can_be_applied() -> None:
    assert load_brands(DEPLOY / "brands.example.yaml")


def test_the_image_holds_every_package_and_runs_as_nobody() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    copied = " ".join(compose.instruction("COPY"))
    for package in PROJECT["tool"]["importlinter"]["root_packages"]:
        assert f"{package}/ {package}/" in copied, package
        assert f"!{package}" in ignored, package
    assert "python requirements/install.py requirements/runtime.txt" in DOCKERFILE
    assert compose.instruction("USER") == ["10001:10001"]


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
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _ended(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=10)
    return process.returncode


@pytest.mark.parametrize("status", [0, 1, 3, 70])
def test_other_statuses_are_passed_on(fake_tocsin: Path, status: int) -> None:
    assert _ended(_hold(fake_tocsin, str(status))) == status


@pytest.mark.parametrize("error", [errors.ConfigurationError, errors.BrakeTripped])
def test_a_service_that_needs_a_person_is_held(
    fake_tocsin: Path, error: type[errors.TocsinError]
) -> None:
    process = _hold(fake_tocsin, str(error.exit_status))
    assert process.stderr is not None
    assert "fix the cause" in process.stderr.readline()
    # What the liveness probe of Kubernetes looks for.
    assert (fake_tocsin / "tocsin-held").exists()
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert _ended(process) == error.exit_status


def test_a_stop_reaches_the_service(fake_tocsin: Path) -> None:
    process = _hold(fake_tocsin, "run")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    assert _ended(process) == 0

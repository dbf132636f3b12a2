"""The systemd units: accepted by systemd itself, of our commands, with our exit statuses."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from runtime import settings
from schemas import errors
from tests.deploy.compose import DEPLOY, OURS, parse_command

FOLDER = DEPLOY / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
SERVICES = [path for path in UNITS if path.name != "tocsin-setup.service"]
PROGRAM = "/opt/tocsin/bin/tocsin"
INSTANCES = {"ingest": ("bluesky", "x"), "process": ("1",), "sink": ("elasticsearch", "alerts")}


class _Repeating(dict[str, str]):
    """Joins the values of a key that is repeated, as systemd does."""

    def __setitem__(self, key: str, value: object) -> None:
        if isinstance(value, list) and isinstance(self.get(key), list):
            value = [*self[key], *value]
        super().__setitem__(key, value)  # type: ignore[assignment]


def _read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(dict_type=_Repeating, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, "utf-8")
    return parser


def _commands(path: Path) -> list[list[str]]:
    """The commands of every instance, as words without ``tocsin``."""
    lines = re.findall(rf"^ExecStart={PROGRAM} (.+)$", path.read_text("utf-8"), re.MULTILINE)
    subject = path.stem.removeprefix("tocsin-").removesuffix("@")
    instances = INSTANCES.get(subject, ("",))
    return [line.replace("%i", instance).split() for line in lines for instance in instances]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is absent")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "units")
    (program := tmp_path / "tocsin").write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in (tmp_path / "units").rglob("*.service"):
        path.write_text(path.read_text("utf-8").replace(PROGRAM, str(program)))
        if "@" in path.name:
            path.with_name(path.name.replace("@", "@one")).symlink_to(path.name)
    units = [path for path in (tmp_path / "units").glob("tocsin*") if path.suffix in _KINDS]
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(p for p in units if "@." not in p.name)],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in ran.stderr.splitlines() if "tocsin" in line]
    assert (ran.returncode, said) == (0, []), ran.stderr


_KINDS = {".service", ".target"}


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_commands_are_real(path: Path) -> None:
    assert _commands(path)
    for words in _commands(path):
        parse_command(words)


def test_every_service_of_compose_has_a_unit() -> None:
    units = [words for path in SERVICES for words in _commands(path)]
    services = [each["command"] for each in OURS.values() if each["restart"] != "no"]
    assert sorted(units) == sorted(services)


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.name)
def test_it_starts_again_but_where_a_person_has_to_act(path: Path) -> None:
    service = _read(path)["Service"]
    assert service["Restart"] == "always"
    statuses = {errors.ConfigurationError.exit_status, errors.BrakeTripped.exit_status}
    assert set(map(int, service["RestartPreventExitStatus"].split())) == statuses
    drain = settings.IngestSettings.model_fields["drain_timeout_s"].default
    assert int(service["TimeoutStopSec"]) > drain
    assert _read(path)["Install"]["WantedBy"] == "tocsin.target"


def test_settings_of_the_example_are_ours() -> None:
    variables = {
        f"{group.model_config.get('env_prefix', '')}{name}".upper()
        for group in settings.GROUPS
        for name in group.model_fields
    }
    text = (FOLDER / "tocsin.env.example").read_text("utf-8")
    assert set(re.findall(r"^(\w+)=", text, re.MULTILINE)) <= variables

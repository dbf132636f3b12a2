"""``docker-compose.yml`` and ``deploy/Dockerfile``, read for tests."""

import re
from pathlib import Path
from typing import Any

import yaml

from docs import generate

TOP = Path(__file__).parents[2]
DEPLOY = TOP / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((TOP / "docker-compose.yml").read_bytes())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
"""Services of our own image."""


def instruction(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name}\s+(.*)$", joined, re.MULTILINE)


def one_shot(service: dict[str, Any]) -> bool:
    return bool(service.get("restart") == "no")


def tocsin_commands(service: dict[str, Any]) -> list[list[str]]:
    """The ``tocsin`` commands that a service of ours runs, as words without ``tocsin``."""
    words = list(service["command"])
    if "entrypoint" not in service:
        return [words]
    if service.get("entrypoint", [])[:1] == ["/bin/sh"]:
        (script,) = words
        return [part.split()[1:] for part in script.split("&&")]
    assert service["entrypoint"] == ["tocsin-hold"]
    return [words]


def host_ports(service: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Address, host port and container port of each published port."""
    published = (text.rsplit(":", 2) for text in service.get("ports", ()))
    return [(address, int(host), int(container)) for address, host, container in published]


def parse_command(words: list[str]) -> None:
    """Parses a command of tocsin without running it: a wrong option or argument raises."""
    commands = generate.all_commands()
    known = [words[:n] for n in range(1, len(words) + 1) if ("tocsin", *words[:n]) in commands]
    assert known, f"there is no command {words}"
    command = commands["tocsin", *known[-1]]
    command.make_context(words[0], words[len(known[-1]) :], resilient_parsing=False).close()

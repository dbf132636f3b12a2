"""``tocsin env``: the addresses of the stack that runs in this folder, for other commands."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from schemas.errors import ConfigurationError, TocsinError
from tocsin.cli.output import result
from tocsin.local.state_file import RunningStack, StateFile

Form = Annotated[
    Literal["shell", "json"],
    typer.Option("--format", help="shell: lines for eval; json: with the services and their logs."),
]


def env(form: Form = "shell") -> None:
    """Print the addresses of the stack that `tocsin up` or `tocsin demo --keep` runs here.

    In a shell: eval "$(tocsin env)". Other commands then find the stack.

    Example: `tocsin env --format json`
    """
    running = StateFile().read()
    if running is None:
        raise ConfigurationError(
            f"nothing runs in this folder ({Path.cwd()}); start it with 'tocsin up', or "
            "'tocsin demo --keep'"
        )
    if form == "json":
        result(json.dumps({**asdict(running), "environment": variables(running)}, indent=2))
        return
    for name, value in variables(running).items():
        result(f"export {name}={shlex.quote(value)}")


def variables(running: RunningStack) -> dict[str, str]:
    """The settings that other commands need, by the names of their variables."""
    found = {
        "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": running.kafka,
        "TOCSIN_ELASTICSEARCH_URL": running.elasticsearch,
    }
    return {**found, "TOCSIN_TOWER_PORT": running.tower_port} if running.tower_port else found


def hint(environment: Mapping[str, str]) -> str | None:
    """For a command that found no server: a stack runs here, and the command did not ask it."""
    try:
        running = StateFile().read()
    except TocsinError:
        return None
    if running is None or any(environment.get(name) for name in variables(running)):
        return None
    return f"'{running.command}' runs a stack in this folder; to use it: eval \"$(tocsin env)\""

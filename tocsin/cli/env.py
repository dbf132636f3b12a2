"""``tocsin env``: the addresses of the stack that runs in this folder, for other commands."""

import json
import shlex
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from schemas.errors import ConfigurationError
from tocsin.cli.output import result
from tocsin.local.pipeline import HOME
from tocsin.local.state_file import RunningStack, StateFile

Form = Annotated[
    Literal["shell", "json"],
    typer.Option("--format", help="shell: lines for eval; json: with the services and their logs."),
]


def env(form: Form = "shell") -> None:
    """Print the addresses of the stack that `tocsin up` or `tocsin demo --keep` runs here.

    Example: `eval "$(tocsin env)"`
    """
    running = StateFile(HOME).read()
    if running is None:
        raise ConfigurationError(
            f"nothing runs in this folder ({HOME.parent.absolute()}); start it with 'tocsin up', "
            "or 'tocsin demo --keep'"
        )
    if form == "json":
        result(json.dumps({**asdict(running), "environment": variables(running)}, indent=2))
        return
    for name, value in variables(running).items():
        result(f"export {name}={shlex.quote(value)}")


def variables(running: RunningStack) -> dict[str, str]:
    """The settings that other commands need, by the names of their variables."""
    return {
        "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": running.kafka,
        "TOCSIN_ELASTICSEARCH_URL": running.elasticsearch,
    }

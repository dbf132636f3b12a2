"""``tocsin tower``: the web application, its sign-in links, users and tokens."""

import getpass
import secrets
import sys
from typing import Annotated

import typer

from brands.registry import BrandRegistry
from runtime.limits.process_end import end_within
from runtime.logs import get_logger
from runtime.service import announce, service
from runtime.settings import ElasticsearchSettings, KafkaSettings, TowerSettings, load
from schemas.errors import ConfigurationError
from tocsin.cli.lazy_commands import MARKUP
from tocsin.cli.output import say
from tower.security.users import MAX_PASSWORD, RANKS, hashed, hashed_token
from tower.service import build, check, link_of, serve, sessions_of, url_of

MIN_PASSWORD = 10
RETRY_S = 5.0
log = get_logger("tower")
app = typer.Typer(rich_markup_mode=MARKUP)


@app.callback(invoke_without_command=True)
def tower(context: typer.Context) -> None:
    """Serve the control tower, the web application, until SIGTERM.

    On a terminal it prints a link that signs in once; `tocsin tower link` prints another.
    docs/tower.md tells of users, TLS and proxies.

    Example: `tocsin tower`
    """
    if context.invoked_subcommand is not None:
        return
    settings, kafka = load(TowerSettings), load(KafkaSettings)
    elasticsearch = load(ElasticsearchSettings)
    needs = (TowerSettings, KafkaSettings, ElasticsearchSettings)
    check(settings)
    with service("tower", needs) as (state, stop):
        registry = BrandRegistry(kafka, matching=False)
        parts = build(settings, kafka, elasticsearch, registry)

        def again(error: Exception) -> None:
            """The pages go on without Kafka; the brands follow when it is back."""
            log.error("brands are not followed", why=str(error)[:300])
            if not stop.wait(RETRY_S):
                registry.start(again)

        registry.start(again)

        def ready(url: str) -> None:
            announce(state, reading="mentions, alerts, Elasticsearch", writing=url)
            # A link is a secret for an hour: it is printed to a person, never to a log.
            if settings.users is None and sys.stdout.isatty():
                typer.echo(f"the control tower: {link_of(parts.identity.sessions, url)}")

        try:
            serve(parts, state, stop, ready)
        finally:
            registry.stop()
    end_within(1.0, 0, tell=False)


@app.command()
def link(
    path: Annotated[str, typer.Argument(help="Where it leads, such as /alerts.")] = "/live",
) -> None:
    """Print a link that signs in once, to the tower of this machine and this folder.

    Example: `tocsin tower link /alerts`
    """
    settings = load(TowerSettings)
    typer.echo(link_of(sessions_of(settings), url_of(settings, settings.port), path))


@app.command()
def user(
    name: Annotated[str, typer.Argument(help="Name of the user.")],
    role: Annotated[str, typer.Option(help="reader, desk or admin.")] = "reader",
) -> None:
    """Print the lines of a user for the users file; asks for the password.

    Example: `tocsin tower user ana --role desk >> users.yaml`
    """
    if role not in RANKS:
        raise ConfigurationError(f"there is no role {role}; choose from {', '.join(RANKS)}")
    if sys.stdin.isatty():
        password = getpass.getpass("password: ")
        if password != getpass.getpass("again: "):
            raise ConfigurationError("the passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise ConfigurationError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    typer.echo(f"  - name: {name}\n    role: {role}\n    password: {hashed(password)}")


@app.command()
def token() -> None:
    """Print a new API token, and the line of the users file for it.

    Example: `tocsin tower token`
    """
    made = secrets.token_urlsafe(32)
    say("the token, shown once; send it as 'Authorization: Bearer ...':")
    typer.echo(made)
    say(f'in the users file: tokens: ["{hashed_token(made)}"]')

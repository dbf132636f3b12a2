"""Questions before what cannot be undone: one helper, and the table of the commands that ask."""

import sys
from typing import Annotated

import typer

from schemas.errors import ConfigurationError
from text.terminal import printable
from tocsin.cli.output import say

DANGEROUS: dict[tuple[str, ...], str] = {
    ("brands", "apply"): "brands that the file does not name are removed: posts pass them unread",
    ("checkpoints", "reset"): "the resume position is lost: posts since then are not read again",
    ("dead-letters", "replay"): "many letters at once are handled again, and count as replayed",
    ("detector", "rebuild"): "the present state of the brands is replaced",
    ("erase",): "all posts of an author are erased for good",
}
"""Command to what cannot be undone. Each has ``--yes``; tests hold the table against them."""

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def confirm(question: str, yes: bool, *, refusal: str | None = None) -> None:
    """Return if the answer is yes; without a terminal only ``yes`` is one.

    Raises :class:`ConfigurationError` where nobody can answer, with ``refusal`` or the question,
    and ends the command with status 1 after a no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(refusal or f"{question} Repeat the command with --yes")
    if not typer.confirm(printable(question), default=False, err=True):
        say("nothing was changed")
        raise typer.Exit(1)

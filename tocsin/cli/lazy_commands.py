"""A group of commands that imports a command only when it runs: help needs none of them."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import wraps
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from runtime.collector import paused_collector

MARKUP: Final = "markdown"
"""The markup of docstrings in help."""


class LazyCommand(NamedTuple):
    """A line of the table of commands.

    ``target``: "module:attribute", a function or a ``typer.Typer``. ``help``: the line in the list
    of commands; None for the old name of another command, which the list leaves out.
    ``renamed``: the new name of such a command.
    """

    target: str
    help: str | None = None
    renamed: str | None = None


class _LoadedCommands(MutableMapping[str, Any]):
    """Click's commands by name; the first look at one imports it."""

    def __init__(self, table: Mapping[str, LazyCommand]) -> None:
        self._table = table
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._table[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def _load(name: str, line: LazyCommand) -> Any:
    module, _, attribute = line.target.partition(":")
    with paused_collector():
        target = getattr(import_module(module), attribute)
    holder = typer.Typer(rich_markup_mode=MARKUP, add_completion=False)
    if isinstance(target, typer.Typer):
        holder.add_typer(target, name=name)
    elif line.renamed is None:
        holder.command(name)(target)
    else:
        holder.command(name, hidden=True)(_renamed(line.renamed, target))
    # 'get_command' would give a lone command without its group.
    return typer.main.get_group(holder).commands[name]


def _renamed(name: str, command: Callable[..., None]) -> Callable[..., None]:
    """A command under its old name: it prints the new name, then runs."""
    from tocsin.cli.output import say

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        say(f"this command is now 'tocsin {name}'; 0.3.0 removes the old name")
        command(*arguments, **options)

    return run


def _hide_type_of_flags(command: Any, ctx: Any) -> None:
    """Typer shows ``<bool>`` beside a flag, as if it took a value."""
    for parameter in TyperCommand.get_params(command, ctx):
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    if not isinstance(command, LazyCommands):  # It does so for the one that it imports.
        for child in getattr(command, "commands", {}).values():
            _hide_type_of_flags(child, ctx)


class LazyCommands(TyperGroup):
    """Lists the commands of ``table`` from their lines; runs one after importing it alone.

    ``commands`` holds the commands themselves, each imported at the first look.
    """

    table: Mapping[str, LazyCommand] = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _LoadedCommands(self.table)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The line of the list of commands, for help and completion; not the command itself."""
        line = self.table.get(cmd_name)
        if line is None:
            return None
        return TyperCommand(cmd_name, help=line.help, hidden=line.help is None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None:
            command = self.commands[name]
            _hide_type_of_flags(command, ctx)
        return name, command, rest

    def get_params(self, ctx: Any) -> Any:
        parameters = super().get_params(ctx)
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters

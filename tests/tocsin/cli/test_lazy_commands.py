"""The table of commands: it says what the commands say, and a command imports only its own."""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import tocsin.cli
from docs import generate
from tests.tocsin.cli.commands import Commands
from tocsin.cli.lazy_commands import LazyCommand
from tocsin.cli.main import COMMANDS, app
from tocsin.cli.query import QUERY_COMMANDS
from tocsin.cli.sink import SINKS

FOLDER = Path(tocsin.cli.__file__).parent
HEAVY = (
    "aiohttp", "elasticsearch", "faust", "kafka", "numpy", "openvino", "prometheus_client",
    "pydantic_settings", "spacy", "structlog",
)  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_the_help_of_the_command(name: str) -> None:
    line, command = COMMANDS[name], typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert command.name == name
    if line.renamed is not None:
        assert command.hidden and line.help is None
        assert line.target == COMMANDS[line.renamed].target
    else:
        assert line.help == command.help.partition("\n\n")[0].replace("\n", " ")


@pytest.mark.parametrize(("group", "table"), [("query", QUERY_COMMANDS), ("sink", SINKS)])
def test_the_table_of_a_group_has_the_help_of_its_commands(
    group: str, table: dict[str, LazyCommand]
) -> None:
    commands = typer.main.get_command(app).commands[group].commands  # type: ignore[attr-defined]
    assert list(commands) == list(table)
    for name, line in table.items():
        assert line.help == commands[name].help.partition("\n\n")[0].replace("\n", " ")


def test_every_command_is_in_the_table() -> None:
    reached = {
        inspect.unwrap(command.callback).__module__ for command in generate.all_commands().values()
    }
    for module in FOLDER.glob("*.py"):
        functions = (
            node
            for node in ast.parse(module.read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef)
        )
        if any("Example: `" in (ast.get_docstring(function) or "") for function in functions):
            assert f"tocsin.cli.{module.stem}" in reached, f"{module.name}: add it to COMMANDS"


def test_the_list_of_commands_is_that_of_the_table(tocsin: Commands) -> None:
    shown = " ".join(tocsin("--help").out.replace("│", " ").split())
    for name, line in COMMANDS.items():
        if line.help is None:
            assert f" {name} " not in shown
        else:
            assert f"{name} {line.help.replace('`', '')}" in shown


def test_a_typo_gets_the_nearest_command(tocsin: Commands) -> None:
    for arguments, says in (
        (["proces"], "No such command 'proces'. Did you mean 'process'?"),
        (["query", "lnt"], "No such command 'lnt'. Did you mean 'lint'?"),
    ):
        ran = tocsin(*arguments)
        assert says in ran.err and ran.status == 2


def test_a_renamed_command_says_so_and_runs(tocsin: Commands) -> None:
    ran = tocsin("detect", stdin=b"timestamp,value\n2026-03-02 12:00:00,3\n")
    assert "now 'tocsin score-series'" in ran.err
    assert ran.out.startswith("timestamp,value,score,alert\n2026-03-02 12:00:00,3,")


def test_a_flag_has_no_type(tocsin: Commands) -> None:
    for arguments in ([], ["match"], ["alerts"], ["alerts", "show"], ["detector", "rebuild"]):
        shown = tocsin(*arguments, "--help").out
        assert "--help" in shown and "bool" not in shown, arguments


def completed(*words: str) -> list[str]:
    """What a shell gets from tab after ``words``; the last one may be half a word."""
    line = " ".join(("tocsin", *words))
    ran = run([], _TOCSIN_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words)))
    return ran.stdout.split()


def run(arguments: list[str], stdin: str = "", **environment: str) -> Any:
    code = (
        "import json, sys; from tocsin.cli.main import main\n"
        "sys.argv = ['tocsin', *json.loads(sys.argv[1])]\n"
        "try: main()\n"
        f"finally: sys.stderr.write('\\n' + ' '.join({HEAVY} & sys.modules.keys()))"
    ).replace(str(HEAVY), repr(set(HEAVY)))
    return subprocess.run(
        [sys.executable, "-c", code, json.dumps(arguments)],
        input=stdin,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--help"], "Streaming social listening"),
        (["--version"], "tocsin "),
        (["match", "--query", "orange"], "17"),
        (["query", "lint", "velmora AND panne"], ""),
        (["query", "explain", "velmora"], "velmora"),
        (["alerts", "--help"], "newest first"),
        (["dead-letters", "list", "--help"], "--format"),
        (["index", "--help"], "tombstones"),
        (["query", "--help"], "preview"),
        (["sink", "--help"], "Deliver alerts"),
        (["watch", "--help"], "without a key"),
    ],
    ids=" ".join,
)
def test_a_command_imports_only_what_it_needs(arguments: list[str], says: str) -> None:
    ran = run(arguments, stdin='{"id": "17", "text": "orange"}\n')
    assert ran.returncode == 0, ran.stderr
    assert says in ran.stdout
    assert ran.stderr.rpartition("\n")[2] == ""


def test_tab_completes_names_and_imports_nothing() -> None:
    assert completed("dead-l") == ["dead-letters"]
    assert completed("query", "prev") == ["preview"]
    assert "detect" not in completed("det")


def test_what_a_command_needs_is_seen() -> None:
    assert "pydantic_settings" in run(["topics", "list"]).stderr.rpartition("\n")[2]

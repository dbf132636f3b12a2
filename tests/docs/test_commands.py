"""Every command in the README and on the pages: it runs when pasted, or says what it needs.

A command that needs no server runs in a folder with ``examples/``, as at the top of a clone. One
that needs a server is parsed: the command and its options exist. No command is in neither list.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from docs import generate

TOP = Path(__file__).parents[2]
EXAMPLES = TOP / "examples"
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]

RUNS = {
    "annotate", "backtest", "brands check", "init", "match", "query compile", "query cost",
    "query explain", "query lint", "query preview", "score-series", "topics list",
}  # fmt: skip
NEEDS = {
    "alerts": "the index with alerts",
    "brands apply": "Kafka",
    "brands diff": "Kafka",
    "brands list": "Kafka",
    "checkpoints": "Kafka",
    "coverage": "the index of coverage",
    "dead-letters": "Kafka",
    "demo": "it starts servers and takes a minute",
    "detector": "Kafka",
    "erase": "the index and Kafka",
    "doctor": "it asks a running deployment",
    "env": "a stack that runs in the folder",
    "index": "Elasticsearch",
    "ingest": "Kafka, and the source",
    "process": "Kafka",
    "report": "the index, and Kafka or a brands file; a mail server",
    "sink": "Kafka and Elasticsearch",
    "topics setup": "Kafka",
    "tower": "Kafka and Elasticsearch; its users file, a password",
    "up": "it starts servers and runs until Ctrl-C",
    "watch": "Bluesky",
}
"""Commands, or groups of them, that are parsed and not run, and why."""
WARNS = {"query lint", "annotate"}
"""Commands that end with 1 if they find something."""

_FENCE = re.compile(r"^( *)(`{3,}).*?\n(.*?)^\1\2`*\s*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:TOCSIN_\w+=\S+ )*tocsin [^`\n]+)`")


@cache
def known_commands() -> dict[str, Any]:
    """``query lint`` to the command."""
    return {" ".join(path[1:]): command for path, command in generate.all_commands().items()}


class Written(NamedTuple):
    page: str
    line: str
    """As it is pasted."""
    words: tuple[str, ...]
    """One command of the line, without variables and redirections."""

    @property
    def path(self) -> str:
        """``query lint``; ``make`` for a target of the Makefile."""
        return command_of(self.words)[0]


def command_of(words: Sequence[str]) -> tuple[str, list[str]]:
    if words[0] == "make":
        return "make", list(words[1:])
    for length in (2, 1):
        path = " ".join(words[1 : 1 + length])
        if path in known_commands():
            return path, list(words[1 + length :])
    return " ".join(words[1:2]), list(words[2:])


def commands_of(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of ``tocsin`` and ``make`` in a line of a shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>()")
    lexer.whitespace_split = True
    words: list[str] = []
    skip = False
    for token in [*lexer, ";"]:
        if set(token) <= set("&|;()"):
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words and words[0] in ("tocsin", "make"):
                yield tuple(words)
            words = []
        elif token in ("<", ">", ">>", "2>"):
            skip = True
        elif skip:
            skip = False
        else:
            words.append(token)


def written() -> Iterator[Written]:
    for page in PAGES:
        if page.name == "cli.md":
            continue
        name, text = page.relative_to(TOP).as_posix(), page.read_text("utf-8")
        for match in _FENCE.finditer(text):
            for line in match[3].replace("\\\n", " ").splitlines():
                if re.search(r"(?:^|&& |\| |[A-Z]=\S+ )(?:tocsin|make) ", line.strip() + " "):
                    yield from (Written(name, line.strip(), each) for each in commands_of(line))
    # The pages of commands are generated from these.
    for path, known in known_commands().items():
        for line in re.findall(r"Example: `([^`]+)`", known.help or ""):
            page = f"{path} --help"
            yield from (Written(page, line, each) for each in commands_of(line))


COMMANDS = list(written())
each_command = pytest.mark.parametrize(
    "command", COMMANDS, ids=[f"{each.page}: {' '.join(each.words)}" for each in COMMANDS]
)


def needs(command: Written) -> str | None:
    """Why a command cannot run here, or None."""
    if command.path == "make":
        return "it makes a set-up of its own"
    if command.path == "backtest" and not any(
        word.endswith(".jsonl") or word == "-" for word in command.words
    ):
        return "the index"
    if "--index" in command.words:
        return "the index"
    return NEEDS.get(command.path) or NEEDS.get(command.path.partition(" ")[0])


@each_command
def test_a_command_exists_with_its_options(command: Written) -> None:
    path, arguments = command_of(command.words)
    if path == "make":
        makefile = (TOP / "Makefile").read_text("utf-8")
        for target in (word for word in arguments if "=" not in word):
            assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target
        return
    assert path in known_commands(), f"there is no command {path}"
    try:
        known_commands()[path].make_context(path, arguments)
    except (click.UsageError, click.exceptions.NoArgsIsHelpError) as error:
        pytest.fail(f"{command.line}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(TOP).as_posix())
def test_a_command_within_a_sentence_exists(page: Path) -> None:
    for line in _INLINE.findall(_FENCE.sub("", page.read_text("utf-8"))):
        words = re.sub(r"^(?:[A-Z_]+=\S+ )*", "", line).split()
        path, arguments = command_of(words)
        command = known_commands().get(path)
        if command is None:
            groups = {name.partition(" ")[0] for name in known_commands()}
            assert path in groups or path.startswith("-"), f"there is no command {path}: {line}"
            assert not any(word.startswith("--") for word in arguments), line
            continue
        options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        for word in arguments:
            if word.startswith("--"):
                assert word.partition("=")[0] in {*options, "--help"}, f"{word}: {line}"


@each_command
def test_a_command_runs_or_says_what_it_needs(command: Written) -> None:
    assert (command.path in RUNS) or needs(command) is not None, "add it to RUNS or NEEDS"


def test_every_reason_is_used() -> None:
    known = known_commands()
    for name in {*NEEDS, *RUNS}:
        assert name in known or any(each.startswith(f"{name} ") for each in known), name
    for name in RUNS:
        assert name not in NEEDS and name.partition(" ")[0] not in NEEDS


Clones = Callable[[str], Path]


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> Clones:
    """By page, a folder with the examples: a later command may read what an earlier one wrote."""
    return cache(lambda page: _clone(tmp_path_factory.mktemp("clone")))


def _clone(folder: Path) -> Path:
    shutil.copytree(EXAMPLES, folder / "examples")
    (folder / "bin").mkdir()
    program = folder / "bin" / "tocsin"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tocsin "$@"\n')
    program.chmod(0o755)
    return folder


RUN = [each for each in COMMANDS if needs(each) is None]


@pytest.mark.parametrize("command", RUN, ids=[f"{each.page}: {each.line}" for each in RUN])
def test_it_runs_when_pasted(clones: Clones, command: Written) -> None:
    clone, path, line = clones(command.page), command.path, command.line
    ran = subprocess.run(
        ["bash", "-c", line],
        cwd=clone,
        env={
            **os.environ,
            "PATH": f"{clone / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(TOP),
            # The other tier has tests of its own, and its models take seconds to load.
            "TOCSIN_PROCESS_TIER": "fast",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in ({0, 1} if path in WARNS else {0}), ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout or path in ("init", "query lint", "annotate") or ">" in line, ran.stderr


def test_the_examples_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    from brands.brands_file import load_brands
    from ingestors.files.mapping import load_mapping
    from runtime.settings import AlertsSettings, load
    from sinks.alerts.channels.channels_file import load_channels

    monkeypatch.setenv("DESK_SECRET", "correct-horse-battery")
    for name in ("brands.yaml", "stricter.yaml"):
        assert load_brands(EXAMPLES / name)
    assert load_mapping(str(EXAMPLES / "mapping.yaml"))
    page = (EXAMPLES / "README.md").read_text("utf-8")
    for file in EXAMPLES.iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in page, file.name
    try:
        assert load_channels(EXAMPLES / "channels.yaml", load(AlertsSettings))
    except Exception as error:  # noqa: BLE001
        assert "desk.example" in str(error), error  # the name has no address, by design

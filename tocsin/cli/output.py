"""The output of commands: results on standard output, everything else on standard error."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from schemas.errors import ConfigurationError
from text.terminal import printable_lines, safe_json
from tocsin.cli.row_writers import WRITERS, Row
from tocsin.cli.row_writers import local_time as local_time

if TYPE_CHECKING:
    from rich.console import Console

    from tocsin.offline.post_reader import Bad

    console: Console

Format: TypeAlias = Literal["text", "json", "jsonl", "csv", "xlsx"]


def _refuse_xlsx_on_a_terminal(wanted: Format) -> Format:
    if wanted == "xlsx" and sys.stdout.isatty():
        raise ConfigurationError(
            "a spreadsheet is no text for a terminal; write it to a file: --format xlsx > FILE.xlsx"
        )
    return wanted


FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        callback=_refuse_xlsx_on_a_terminal,
        help="text is a table for people; json, jsonl, csv and xlsx (> FILE.xlsx) are data.",
    ),
]
"""``--format`` of a command that prints rows; the default is text."""


def __getattr__(name: str) -> object:
    """``console``: standard error with colours and progress, made at its first use."""
    if name != "console":
        raise AttributeError(name)
    from rich.console import Console

    made = globals()["console"] = Console(stderr=True, highlight=False, soft_wrap=True)
    return made


def say(text: str) -> None:
    """A line on standard error, above a progress bar if there is one; safe for a terminal."""
    text = printable_lines(text)
    made = globals().get("console")
    if made is None:
        sys.stderr.write(text + "\n")
    else:
        made.print(text, markup=False, emoji=False)


def result(text: str) -> None:
    """Lines of text on standard output, safe for a terminal."""
    sys.stdout.write(printable_lines(text) + "\n")


def json_result(text: str) -> None:
    """A JSON document on standard output: exact, and safe for a terminal."""
    sys.stdout.write(safe_json(text) + "\n")


def write_rows(
    rows: Iterable[Row], columns: Sequence[str], format: Format = "text", *, empty: str = ""
) -> int:
    """Print rows on standard output; returns how many.

    ``columns``: the names of the cells, such as ``raised_at``. ``empty``: the sentence for standard
    error if there is no row. JSON, CSV and xlsx then have an empty list.
    """
    count = 0

    def counting() -> Iterator[Row]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    sys.stdout.flush()
    WRITERS[format](counting(), columns, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    if not count and empty:
        say(empty)
    return count


def report(bad: "Bad", summary: str) -> None:
    """Print the summary and the lines that are not posts; exits with 1 if there are any."""
    for complaint in bad.first:
        say(complaint)
    skipped = f", {counted(bad.count, 'line')} skipped" if bad.count else ""
    say(summary + skipped)
    if bad.count:
        sys.exit(1)


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """``1 alert``, ``2,000 alerts``; ``nouns`` is a counted that needs more than an s."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"

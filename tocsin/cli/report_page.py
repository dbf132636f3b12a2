"""The report of an alert on standard output: wrapped and marked on a terminal, else plain."""

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from sinks.alerts.message.render import BREAK, Line, Report, plain, plain_line
from tocsin.cli.highlight import MARK


def print_report(report: Report) -> None:
    """Into a pipe, each line is whole and marks are ``**stars**``."""
    if sys.stdout.isatty():
        page(report, Console(file=sys.stdout, highlight=False))
    else:
        sys.stdout.write(plain(report).rstrip("\n") + "\n")


def print_lines(lines: Iterable[Line], marker: str) -> None:
    """Lines of a report alone, as ``print_report`` writes them."""
    console = Console(file=sys.stdout, highlight=False) if sys.stdout.isatty() else None
    for line in lines:
        if console is None:
            sys.stdout.write(plain_line(line, marker) + "\n")
            continue
        for text in item_lines(line, console, marker):
            console.print(text)


def page(report: Report, to: Console) -> None:
    """As ``render.plain``, within the width of the terminal."""
    to.print(Text(report.title, style="bold"))
    for section in report.sections:
        to.print()
        if section.heading:
            to.print(Text(section.heading, style="bold"))
        for line in section.lines:
            for text in item_lines(line, to, "- " if section.heading else ""):
                to.print(text)
    to.print()
    to.print(Text(report.footer, style="dim"))


def item_lines(line: Line, to: Console, marker: str = "- ") -> Iterator[Text]:
    """The lines of an item, with the second and later ones below the text of the first."""
    indent = " " * len(marker)
    before = marker
    for part in _parts(line):
        for wrapped in part.wrap(to, max(to.width - len(indent), 20)):
            wrapped.rstrip()
            yield Text(before).append_text(wrapped)
            before = indent


def _parts(line: Line) -> Iterable[Text]:
    parts = [Text()]
    for span in line:
        if span is BREAK:
            parts.append(Text())
            continue
        parts[-1].append(span.text, style=MARK if span.is_marked else "")
        if span.url is not None:
            # In full: not every terminal opens hidden links, and people copy them.
            parts[-1].append(f" <{span.url}>", style="dim")
    return parts

"""The output of commands: results on standard output, everything else on standard error."""

import sys

from rich.console import Console

from tocsin.offline.post_reader import Bad

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    console.print(text, markup=False)


def result(text: str) -> None:
    sys.stdout.write(text + "\n")


def report(bad: Bad, summary: str) -> None:
    """Print the summary and the lines that are not posts; exits with 1 if there are any."""
    for complaint in bad.first:
        say(complaint)
    skipped = f", {plural(bad.count, 'line')} skipped" if bad.count else ""
    say(summary + skipped)
    if bad.count:
        sys.exit(1)


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"

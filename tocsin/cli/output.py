"""How commands talk: results on standard output, everything else on standard error."""

import sys

from rich.console import Console

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""For people: progress, remarks, errors."""


def say(text: str) -> None:
    """One plain remark."""
    console.print(text, markup=False)


def result(text: str) -> None:
    """One line of the result, for people or pipes."""
    sys.stdout.write(text + "\n")

"""Starts a service before its servers are ready: it loads, then waits to be released.

``python -m tocsin.local.early_start process`` imports what ``tocsin process`` needs and loads the
models. A line on standard input releases it; from then on it is ``tocsin process``. The end of
standard input (the supervisor is gone) ends it. Loading takes seconds of one core, in which the
servers start on the other ones.
"""

import runpy
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module

from schemas.errors import TocsinError

RELEASE = b"go\n"
_MODULES = {
    "process": ("processors.enrichment.app",),
    "detector": ("processors.detector.app",),
    "sink elasticsearch": ("tocsin.cli.sink_elasticsearch",),
    "sink alerts": ("tocsin.cli.sink_alerts",),
    "ingest": ("tocsin.cli.ingest", "ingestors.runner"),
}
"""Command to the modules that it imports. A function ``prepare`` in one of them loads the rest."""


def load(arguments: Sequence[str]) -> None:
    """Import what a command needs; for ``process``, load the models, too.

    :raises TocsinError: the command meets the same one.
    """
    command = next(
        (known for known in (" ".join(arguments[:2]), arguments[0]) if known in _MODULES), ""
    )
    for name in _MODULES.get(command, ()):
        module = import_module(name)
        prepare: Callable[[], None] | None = getattr(module, "prepare", None)
        if prepare is not None:
            prepare()


def main() -> None:
    arguments = sys.argv[1:]
    with suppress(TocsinError):  # the command meets it again, and says so
        load(arguments)
    if sys.stdin.buffer.readline() != RELEASE:
        sys.exit(0)
    runpy.run_module("tocsin", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

"""Running servers for tests: real ones, started once for a whole session.

Import the fixtures in `tests/conftest.py`. The servers run as an unprivileged account when the
tests run as root, and pytest's own temporary folder is closed to it: hence folders of our own.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tocsin.local.stack import Endpoints
from tocsin.local.stack.engines import EnginesStack


@dataclass(frozen=True)
class RunningEngines:
    """The stack, to kill and restart its servers, and where they listen."""

    stack: EnginesStack
    endpoints: Endpoints


def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-test-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stack_dir() -> Iterator[Path]:
    """An empty data folder that the servers' account can reach; removed afterwards."""
    yield from _folder()


@pytest.fixture(scope="session")
def engines() -> Iterator[RunningEngines]:
    """Kafka and Elasticsearch, empty at first and shared: use names of your own in them.

    A test that kills a server restarts it before it ends. Under pytest-xdist every worker has its
    own, at a gigabyte of memory each.
    """
    for folder in _folder():
        stack = EnginesStack(folder, short_lived=True)
        endpoints = stack.start(lambda line: None)
        try:
            yield RunningEngines(stack, endpoints)
        finally:
            stack.stop()

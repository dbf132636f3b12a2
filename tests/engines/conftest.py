"""A pipeline per test, on the engines that the session shares."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.engines.pipeline import Pipeline
from tests.stack_fixtures import RunningEngines


@pytest.fixture
def pipeline(engines: RunningEngines, tmp_path: Path) -> Iterator[Pipeline]:
    with closing(Pipeline(engines, tmp_path)) as pipeline:
        yield pipeline

"""One pipeline a test, on the engines that the whole session shares."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.pipeline import Pipeline
from tests.stack_fixtures import RunningEngines


@pytest.fixture
def pipeline(engines: RunningEngines, tmp_path: Path) -> Iterator[Pipeline]:
    """Its services are stopped at the end of the test."""
    made = Pipeline(engines, tmp_path)
    try:
        yield made
    finally:
        made.close()

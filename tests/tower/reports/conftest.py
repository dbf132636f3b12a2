"""One embedded Elasticsearch for the tests of reports; each test has indices of its own."""

import itertools
from collections.abc import Iterator

import pytest

from tests.tower.questions.index import embedded
from tests.tower.reports.rig import Rig

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("noida_db", reason="the embedded extra is not installed")
    with embedded(tmp_path_factory.mktemp("reports")) as url:
        yield url


@pytest.fixture(scope="session")
def shared(elasticsearch_url: str) -> Iterator[Rig]:
    """For tests that change nothing but the list of reports."""
    rig = Rig(elasticsearch_url, "reports-")
    rig.fill()
    yield rig
    rig.close()


@pytest.fixture
def rig(elasticsearch_url: str) -> Iterator[Rig]:
    rig = Rig(elasticsearch_url, f"reports{next(_NUMBERS)}-")
    rig.fill()
    yield rig
    rig.close()

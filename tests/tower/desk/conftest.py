"""An embedded Elasticsearch for what the desk writes and reads."""

from collections.abc import Iterator

import pytest

from tests.tower.questions.index import embedded


@pytest.fixture(scope="package")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("noida_db", reason="the embedded extra is not installed")
    with embedded(tmp_path_factory.mktemp("desk")) as url:
        yield url

"""``tocsin`` as a fixture, in a folder of its own."""

from pathlib import Path

import pytest

from tests.tocsin.cli.commands import Commands


@pytest.fixture
def tocsin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Commands:
    monkeypatch.chdir(tmp_path)
    # The encoder has tests of its own and takes seconds to load.
    monkeypatch.setenv("TOCSIN_PROCESS_TIER", "fast")
    return Commands(monkeypatch, capsys)

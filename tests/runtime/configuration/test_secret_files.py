"""Secret files: who else may read them."""

from pathlib import Path

import pytest

from runtime.configuration.secret_files import open_to_others


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)]
)
def test_a_file_that_all_may_read_is_told(tmp_path: Path, mode: int, expected: bool) -> None:
    path = tmp_path / "secret"
    path.write_text("correct-horse-battery")
    path.chmod(mode)
    assert (open_to_others(path) is not None) is expected
    assert open_to_others(tmp_path / "absent") is None

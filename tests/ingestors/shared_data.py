"""Where the real data sets are, for the tests that read them; none is ever part of a checkout."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def stream_file(name: str) -> Path:
    """A file of ``stream/``; the test is skipped where the data is not there."""
    path = Path(os.environ.get("TOCSIN_SHARED_DATA", _BESIDE)) / "stream" / name
    if not path.is_file():
        pytest.skip(f"needs the real data (TOCSIN_SHARED_DATA/stream/{name})")
    return path

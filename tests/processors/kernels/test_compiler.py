"""Kernels run compiled, without a folder to keep them in, and as Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from processors.kernels.compiler import COMPILES, inlined, kernel

pytestmark = pytest.mark.skipif(not COMPILES, reason="needs Numba")
PROGRAM = """
from processors.models.sentiment_model import SentimentModel
print(SentimentModel.load().score(["a good day"])[0])
"""


def score(**environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout


def test_a_kernel_is_compiled_for_its_signature() -> None:
    @inlined
    def twice(number: int) -> int:
        return 2 * number

    @kernel("i8(i8)")
    def fourfold(number: int) -> int:
        return twice(twice(number))

    assert fourfold(3) == 12
    assert getattr(fourfold, "signatures", None)


def test_the_answer_is_that_of_python(tmp_path: Path) -> None:
    paths = {"PYTHONPATH": str(Path.cwd()), "HOME": "/nonexistent"}
    compiled = score(**paths, NUMBA_CACHE_DIR=str(tmp_path))
    assert list(tmp_path.rglob("*.nbc")), "what was compiled is kept"
    # The same functions without compilation, as a debugger runs them.
    assert score(**paths, NUMBA_DISABLE_JIT="1") == compiled


def test_without_a_folder_to_write_to_a_kernel_is_compiled_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import numba
    from numba.core import caching

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit("i8(i8)", cache=True)(lambda number: number)

    @kernel("i8(i8)")
    def next_of(number: int) -> int:
        return number + 1

    assert next_of(1) == 2

"""Compiles a function at its first import on a machine, and keeps the result on disk.

Importing a kernel imports Numba (0.2 s, 100 MB), so services that enrich nothing import none.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final, TypeVar, cast

COMPILES: Final = find_spec("numba") is not None
"""Whether kernels are compiled; if not, their users run the references."""

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(signature: str) -> Callable[[Function], Function]:
    """Compile a function for one signature of Numba's types; calls release the GIL.

    Without Numba the function stays Python, for reading and debugging: too slow for a stream.
    """

    def compiled(function: Function) -> Function:
        if not COMPILES:
            return function
        import numba

        try:
            fast = numba.njit(signature, nogil=True, cache=True)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            # No folder for the result is writable: compile at every start instead.
            fast = numba.njit(signature, nogil=True)(function)
        return cast(Function, fast)

    return compiled


def inlined(function: Function) -> Function:
    """Compile a function that kernels call; its types are those of the call."""
    if not COMPILES:
        return function
    import numba

    return cast(Function, numba.njit(nogil=True)(function))

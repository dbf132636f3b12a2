"""A pause of the garbage collector ends with its block, whatever happens inside."""

import gc

import pytest

from runtime.collector import paused_collector


def test_nested_pauses_end_with_the_outermost() -> None:
    assert gc.isenabled()
    with paused_collector():
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_ends_the_pause() -> None:
    with pytest.raises(KeyError), paused_collector():
        raise KeyError
    assert gc.isenabled()

"""The letter of a message, and what becomes of a process whose background task ends."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest

from processors.faust.messages import Incoming, forever, given_up, guarded
from schemas.codec import DEAD_LETTER
from schemas.errors import TocsinError
from tests.make import AT


class Panic(BaseException):
    """As a panic of a library in Rust: no Exception."""


async def raises(error: BaseException) -> None:
    raise error


async def returns() -> None: ...


def ends(work: Coroutine[Any, Any, None], run: Any = guarded, cancel: bool = False) -> list[Any]:
    """What the end of a process is told."""
    told: list[Any] = []

    async def scenario() -> None:
        task = run(work, "the work", told.append)
        await asyncio.sleep(0)
        if cancel:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)

    with suppress(Panic):  # asyncio itself lets it pass, too
        asyncio.run(scenario())
    return told


@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), RecursionError(), Panic("x")])
def test_whatever_a_task_raises_ends_the_process(error: BaseException) -> None:
    assert ends(raises(error)) == [error]
    assert ends(raises(error), forever) == [error]


def test_a_task_that_may_return_returns_and_one_that_may_not_ends_the_process() -> None:
    assert ends(returns()) == []
    (error,) = ends(returns(), forever)
    assert isinstance(error, TocsinError) and "the work ended" in str(error)


def test_a_task_that_is_cancelled_is_no_fault() -> None:
    assert ends(asyncio.sleep(60), forever, cancel=True) == []


def test_a_letter_of_a_message_with_a_large_key_fits() -> None:
    message = Incoming("posts", 0, 1, b"k" * 2_000_000, b"x" * 2_000_000)
    letter = given_up("process", message, "invalid_json", "x", AT)
    assert letter.key is not None and letter.key.startswith(b"sha256:")
    assert len(letter.key) + len(letter.value) < 4 * 2**20 - 4_096
    read = DEAD_LETTER.decode(letter.value)
    assert read.key == b"k" * 1_000 and "key cut from 2000000 bytes" in read.detail

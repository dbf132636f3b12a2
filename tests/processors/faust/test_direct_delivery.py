"""A delivery that ends at once needs no task; one that waits is interrupted as in Faust."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mode.services import Service

from processors.faust.direct_delivery import DirectDelivery


class Direct(DirectDelivery, Service):
    pass


def in_both(check: Callable[[Service], Awaitable[Any]]) -> tuple[Any, Any]:
    """The result with Faust's own service and with ours."""

    async def run(made: type[Service]) -> Any:
        try:
            return await check(made())
        except (ValueError, asyncio.CancelledError) as error:
            return repr(error)

    return asyncio.run(run(Service)), asyncio.run(run(Direct))


def test_a_delivery_that_ends_at_once_makes_no_task() -> None:
    delivered: list[int] = []

    async def deliver(number: int) -> None:
        delivered.append(number)

    async def run() -> set[asyncio.Task[Any]]:
        service, suspended = Direct(), asyncio.Event()
        made: set[asyncio.Task[Any]] = set()
        asyncio.get_running_loop().set_task_factory(
            lambda loop, coro, **options: made.add(one := asyncio.Task(coro, loop=loop)) or one
        )
        for number in range(3):
            await service.wait_first(deliver(number), suspended.wait())
        asyncio.get_running_loop().set_task_factory(None)
        return made

    assert asyncio.run(run()) == set()
    assert delivered == [0, 1, 2]


@pytest.mark.parametrize("waits", [0, 1, 3])
def test_a_delivery_that_waits_is_completed(waits: int) -> None:
    async def check(service: Service) -> Any:
        async def deliver() -> str:
            for _ in range(waits):
                await asyncio.sleep(0)
                await asyncio.get_running_loop().run_in_executor(None, int)
            return "delivered"

        results = await service.wait_first(deliver(), asyncio.Event().wait())
        return results.results, results.stopped

    theirs, ours = in_both(check)
    assert ours == theirs == (["delivered"], False)


@pytest.mark.parametrize("cleans_up", [False, True])
def test_a_rebalance_interrupts_a_delivery_that_waits(cleans_up: bool) -> None:
    async def check(service: Service) -> Any:
        steps: list[str] = []
        suspend = asyncio.Event()

        async def deliver() -> None:
            steps.append("begun")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                steps.append("cancelled")
                if cleans_up:
                    await asyncio.sleep(0)
                    steps.append("cleaned up")
                raise

        asyncio.get_running_loop().call_soon(suspend.set)
        results = await service.wait_first(deliver(), suspend.wait())
        for _ in range(3):
            await asyncio.sleep(0)
        return steps, results.results, results.stopped

    theirs, ours = in_both(check)
    cleaned = ["cleaned up"] if cleans_up else []
    assert ours == theirs == (["begun", "cancelled", *cleaned], [True], False)


@pytest.mark.parametrize("waits", [False, True])
def test_an_error_of_a_delivery_is_raised(waits: bool) -> None:
    async def check(service: Service) -> None:
        async def deliver() -> None:
            if waits:
                await asyncio.sleep(0)
            raise ValueError("no")

        await service.wait_first(deliver(), asyncio.Event().wait())

    assert in_both(check) == ("ValueError('no')", "ValueError('no')")


def test_a_stop_ends_the_wait() -> None:
    async def check(service: Service) -> Any:
        service._stopped.set()
        results = await service.wait_first(asyncio.sleep(9), asyncio.Event().wait())
        return results.results, results.stopped

    assert in_both(check) == (([], True), ([], True))

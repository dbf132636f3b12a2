"""Asks the index: one request a page, one flight a question, the last good answer when it is away.

All that many browsers ask within a tick is asked once. An answer is kept until the next tick if its
window moves, else a minute.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from runtime import tower_metrics
from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.errors import ServiceUnavailable, TocsinError
from tower.questions.question import Answer, Ask, Context, Question, Response, Scope, Search
from tower.questions.scope import is_live, scope_of, tick_of

MAX_KEPT: Final = 2_000
"""Answers in memory, and as many last good ones."""
KEPT_S: Final = 60.0
"""How long an answer over a window in the past is kept, seconds."""
MAX_STALE_S: Final = 30.0
"""Up to this age an answer stands in for one that takes long: the next push brings that."""
log = get_logger("tower")

SearchAll = Callable[[Sequence[Search]], Awaitable[list[Response]]]


@dataclass(frozen=True)
class Asked:
    """The outcome of a question: an answer, or an error with the last good answer if any."""

    answer: Answer | None
    error: str | None = None
    age_s: float = 0.0
    """Of the last good answer."""


class Answers:
    """For one event loop. ``search``: sends searches as one request."""

    def __init__(
        self,
        search: SearchAll,
        context: Callable[[], Context],
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._search = search
        self._context = context
        self._clock = clock
        self._monotonic = monotonic
        self._kept: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()
        self._flights: dict[bytes, asyncio.Future[Answer]] = {}
        self._last_good: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def forget(self) -> None:
        """Drop every answer: something in the index must not be shown any more."""
        self._kept.clear()
        self._last_good.clear()

    def forget_alerts(self) -> None:
        """Drop the answers about alerts: there is a newer state."""
        for kept in (self._kept, self._last_good):
            for key in [key for key in kept if key.startswith(b'["alerts')]:
                del kept[key]

    async def ask(self, question: Question[Any, Any], ask: Ask) -> Asked:
        (asked,) = await self.ask_all([(question, ask)])
        return asked

    async def ask_all(self, wanted: Sequence[tuple[Question[Any, Any], Ask]]) -> list[Asked]:
        """The outcomes, in order; what is not known yet is searched in one request.

        :raises QueryError: the query of one of them is wrong; so are the parameters with
            :class:`tower.questions.scope.BadParameter`.
        """
        flights = self.start(wanted)
        await asyncio.wait([flight for flight, _ in flights])
        return [self.outcome(flight, stable) for flight, stable in flights]

    def start(
        self, wanted: Sequence[tuple[Question[Any, Any], Ask]]
    ) -> list[tuple["asyncio.Future[Answer]", bytes]]:
        """A future of each, and the key under which its last good answer is kept."""
        context = self._context()
        # All are checked first: a flight that begins must be sent, as others may join it.
        scopes = [scope_of(ask, context) for _, ask in wanted]
        searches = [
            one.searches(ask, scope) for (one, ask), scope in zip(wanted, scopes, strict=True)
        ]
        new: list[_Flight] = []
        flights = []
        for (question, ask), scope, own in zip(wanted, scopes, searches, strict=True):
            key, stable = _keys(question, ask, scope)
            flight = self._known(key) or self._flights.get(key)
            if flight is None:
                flight = asyncio.get_running_loop().create_future()
                self._flights[key] = flight
                new.append(_Flight(question, ask, scope, own, key, stable, flight))
            flights.append((flight, stable))
        if new:
            task = asyncio.create_task(self._send(new))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return flights

    def _known(self, key: bytes) -> "asyncio.Future[Answer] | None":
        kept = self._kept.get(key)
        if kept is None or kept[0] < self._monotonic():
            return None
        flight = asyncio.get_running_loop().create_future()
        flight.set_result(kept[1])
        return flight

    async def _send(self, flights: "list[_Flight]") -> None:
        for flight in flights:
            tower_metrics.TOWER_QUESTIONS.labels(flight.question.name).inc()
        try:
            with tower_metrics.TOWER_SEARCH_SECONDS.time():
                # A question may have nothing to count; an empty request would be refused.
                wanted = [each for one in flights for each in one.searches]
                responses = await self._search(wanted) if wanted else []
        except TocsinError as error:
            tower_metrics.TOWER_SEARCH_FAILURES.inc()
            for flight in flights:
                self._failed(flight, error)
            return
        except Exception as error:  # noqa: BLE001
            # A fault of ours must not leave pages waiting for ever.
            log.error("a search failed", error=repr(error)[:500])
            for flight in flights:
                self._failed(flight, ServiceUnavailable("the index could not be searched"))
            return
        at, place = self._clock(), 0
        for flight in flights:
            end = place + len(flight.searches)
            self._land(flight, responses[place:end], at)
            place = end

    def _land(self, flight: "_Flight", responses: list[Response], at: datetime) -> None:
        try:
            for response in responses:
                if (error := response.get("error")) is not None:
                    raise ServiceUnavailable(_reason(error))
            answer = flight.question.read(flight.ask, flight.scope, responses)
        except TocsinError as error:
            tower_metrics.TOWER_SEARCH_FAILURES.inc()
            self._failed(flight, error)
            return
        except Exception as error:  # noqa: BLE001
            log.error("an answer is unreadable", question=flight.question.name, error=repr(error))
            self._failed(flight, ServiceUnavailable("the index gave an answer that is unreadable"))
            return
        answer.as_of, answer.since, answer.until = at, flight.scope.since, flight.scope.until
        answer.took_ms = max((int(one.get("took") or 0) for one in responses), default=0)
        answer.partial = any(_is_partial(response) for response in responses)
        now = self._monotonic()
        tick_s = tick_of(flight.scope.until - flight.scope.since).total_seconds()
        kept_s = tick_s if is_live(flight.ask) else KEPT_S
        _keep(self._kept, flight.key, (now + kept_s, answer))
        _keep(self._last_good, flight.stable, (now, answer))
        self._flights.pop(flight.key, None)
        flight.future.set_result(answer)

    def _failed(self, flight: "_Flight", error: TocsinError) -> None:
        self._flights.pop(flight.key, None)
        flight.future.set_exception(error)
        flight.future.exception()  # it is told to whoever waits; nobody may

    def stale(self, stable: bytes) -> Asked | None:
        """The last good answer, if it is younger than ``MAX_STALE_S``."""
        kept = self._last_good.get(stable)
        if kept is None or self._monotonic() - kept[0] > MAX_STALE_S:
            return None
        return Asked(kept[1])

    def outcome(self, flight: "asyncio.Future[Answer]", stable: bytes) -> Asked:
        error = flight.exception()
        if error is None:
            return Asked(flight.result())
        kept = self._last_good.get(stable)
        if kept is None:
            return Asked(None, str(error))
        return Asked(kept[1], str(error), self._monotonic() - kept[0])


@dataclass(frozen=True)
class _Flight:
    question: Question[Any, Any]
    ask: Ask
    scope: Scope
    searches: list[Search]
    key: bytes
    stable: bytes
    future: "asyncio.Future[Answer]"


def _keys(question: Question[Any, Any], ask: Ask, scope: Scope) -> tuple[bytes, bytes]:
    """The key of this very answer, and the one that stays as the window moves."""
    stable = msgspec.json.encode((question.name, ask))
    return msgspec.json.encode((question.name, ask, scope.since, scope.until)), stable


def _keep(
    kept: "OrderedDict[bytes, tuple[float, Answer]]", key: bytes, value: tuple[float, Answer]
) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MAX_KEPT:
        kept.popitem(last=False)


def _reason(error: Any) -> str:
    """The engine's own reason, bounded."""
    text = error
    if isinstance(error, dict):
        causes = error.get("root_cause") or [error]
        text = causes[0].get("reason") or error.get("type")
    return f"the index refuses the search: {str(text)[:300]}"


def _is_partial(response: Response) -> bool:
    return bool(response.get("timed_out") or response.get("_shards", {}).get("failed"))

"""Looks at something slow in a thread of its own, so that a screen never waits for it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from schemas.errors import TocsinError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
STOP_S = 0.5
"""Maximum wait for a look in progress at the stop; then it is left behind."""


class Observer(Protocol[T_co]):
    """Looks, over a connection of its own; only one thread uses it."""

    def look(self) -> T_co: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Observed(Generic[T]):
    """The last answer, when its look began (monotonic seconds), and why there is no newer one."""

    value: T
    at: float
    trouble: str | None = None

    def age_s(self, now: float | None = None) -> float:
        return (time.monotonic() if now is None else now) - self.at


class Poller(Generic[T]):
    """Calls ``look`` of an observer again and again; :attr:`latest` never waits.

    ``connect`` makes the observer, in the thread; after an error it is made anew.
    """

    def __init__(self, connect: Callable[[], Observer[T]], first: T, pause_s: float) -> None:
        self._connect, self._pause_s = connect, pause_s
        self._stop = threading.Event()
        self.latest = Observed(first, time.monotonic())
        self._thread = threading.Thread(target=self._poll, name="poller", daemon=True)

    def start(self) -> None:
        """Begin to look; a second start changes nothing."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def _poll(self) -> None:
        observer: Observer[T] | None = None
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                observer = observer or self._connect()
                self.latest = Observed(observer.look(), began)
            except (TocsinError, OSError, RuntimeError, ValueError) as error:
                # Shown beside the last answer; the next look may succeed.
                self.latest = Observed(self.latest.value, self.latest.at, str(error))
                _close(observer)
                observer = None
            self._stop.wait(self._pause_s)
        _close(observer)


def _close(observer: Observer[T] | None) -> None:
    if observer is not None:
        try:
            observer.close()
        except (TocsinError, OSError, RuntimeError, ValueError):
            return  # it is gone already

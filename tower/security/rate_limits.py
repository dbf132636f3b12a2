"""How much one person or address may ask: requests at a time, and attempts in a window."""

import contextlib
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Final

MAX_NAMES: Final = 10_000
"""Names that are remembered; the oldest is forgotten first."""


class TooMany(Exception):
    """The limit of a name is reached."""


class Counter:
    """At most ``most`` at a time of each name."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: defaultdict[str, int] = defaultdict(int)

    @contextlib.contextmanager
    def one(self, name: str) -> Iterator[None]:
        """Raises :class:`TooMany` if all are in use."""
        if self._open[name] >= self._most:
            raise TooMany(name)
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

    def __getitem__(self, name: str) -> int:
        return self._open.get(name, 0)


class RateLimit:
    """At most ``most`` in ``window_s`` of each name; one that is refused does not count."""

    def __init__(
        self, most: int, window_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._window_s = window_s
        self._monotonic = monotonic
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, name: str) -> bool:
        """Whether one more is within the limit; counts it if so."""
        now = self._monotonic()
        times = self._times.setdefault(name, deque(maxlen=self._most))
        self._times.move_to_end(name)
        while len(self._times) > MAX_NAMES:
            self._times.popitem(last=False)
        while times and times[0] <= now - self._window_s:
            times.popleft()
        if len(times) >= self._most:
            return False
        times.append(now)
        return True

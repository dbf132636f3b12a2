"""The end of a process in time, whatever it waits for: after a signal, or after some seconds.

A stop asks the process to end; this ends it when the stop takes too long. What is under way stays
unacknowledged then, so it is read again; nothing is flushed.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator

from runtime.logs import get_logger

log = get_logger("service")
_INTERRUPTED = 130
"""The status of a command that Ctrl-C ends."""
_SECOND_S = 0.5
_TELL_S = 1.0


class _Ends:
    """Ends the process some time after a signal, also where Python cannot handle the signal.

    A handler of Python's runs between two steps of the main thread. It waits as long as that is in
    a call to a library in C: a look-up of a name, a model that loads, a write to a full pipe. The
    interpreter's wake-up descriptor is written at once, and a thread reads it here.
    """

    def __init__(self) -> None:
        self._limits: dict[int, tuple[float, int]] = {}
        self._ending: threading.Event | None = None
        """Cancels the end that a signal began."""
        self._reader: int | None = None
        self._writer = self._next = -1

    def after(self, numbers: Iterable[int], seconds: float, status: int) -> None:
        """From now on, end with ``status`` ``seconds`` after the first of these signals."""
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread has signals
        self._limits |= dict.fromkeys(numbers, (seconds, status))
        if self._reader is None:
            self._reader, self._writer = os.pipe()
            os.set_blocking(self._writer, False)
            threading.Thread(target=self._read, name="signals", daemon=True).start()
        before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        if before not in (-1, self._writer):
            self._next = before  # an event loop's own

    def never(self, numbers: Iterable[int]) -> None:
        """Let the process take as long as it wants after these signals."""
        for number in numbers:
            self._limits.pop(number, None)

    def handled(self, number: int, limit: tuple[float, int]) -> None:
        """A command has ended: its limit goes, also where it counts already."""
        if self._limits.get(number) == limit:
            del self._limits[number]
            if self._ending is not None:
                self._ending.set()
                self._ending = None

    def _read(self) -> None:
        assert self._reader is not None
        while True:
            for number in os.read(self._reader, 64):
                if self._next != -1:
                    with contextlib.suppress(OSError):
                        os.write(self._next, bytes([number]))
                self._take(number)

    def _take(self, number: int) -> None:
        if number not in self._limits:
            return
        if self._ending is not None:
            # The second signal: its handler ends the process, unless it cannot run.
            if number != signal.SIGHUP:
                end_within(_SECOND_S, 128 + number, tell=False)
            return
        seconds, status = self._limits[number]
        self._ending = end_within(seconds, status, tell=status != _INTERRUPTED)


_ends = _Ends()


def end_after(numbers: Iterable[int], seconds: float, status: int) -> None:
    """End the process with ``status`` at the latest ``seconds`` after one of these signals.

    For the main thread; a later call replaces an earlier one for the same signals.
    """
    _ends.after(numbers, seconds, status)


def end_never(numbers: Iterable[int]) -> None:
    """Take back what :func:`end_after` asked for; a stop bounds itself then."""
    _ends.never(numbers)


@contextlib.contextmanager
def ends_after_interrupt(seconds: float) -> Iterator[None]:
    """A command whose Ctrl-C ends it within ``seconds``, with status 130, whatever it waits for."""
    _ends.after([signal.SIGINT], seconds, _INTERRUPTED)
    try:
        yield
    finally:
        _ends.handled(signal.SIGINT, (seconds, _INTERRUPTED))


def end_within(seconds: float, status: int, *, tell: bool = True) -> threading.Event:
    """End the process with ``status`` unless it ends by itself before, or the result is set."""
    cancelled = threading.Event()

    def say() -> None:
        log.warning(
            "ended before all had stopped; what was not acknowledged is read again",
            waited_s=seconds,
        )
        sys.stderr.flush()

    def end() -> None:
        if cancelled.wait(seconds):
            return
        if tell:
            # Whoever reads our log may be what hangs.
            told = threading.Thread(target=say, daemon=True)
            told.start()
            told.join(_TELL_S)
        os._exit(status)

    threading.Thread(target=end, name="stop-deadline", daemon=True).start()
    return cancelled

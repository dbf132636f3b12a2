"""What ``tocsin watch`` says on standard error: how much it reads, and what is in its way."""

from collections.abc import Callable
from typing import IO, Final

import structlog

from text.terminal import single_line
from tocsin.cli.output import counted

_EVERY_S: Final = 60.0
"""Between two equal troubles, and between two rates where the line cannot be rewritten."""
_REWRITE_S: Final = 1.0
_WINDOW_S: Final = 10.0
"""The rate is that of the last seconds."""
_MAX_REASON: Final = 200


class WatchStatus:
    """A line that a terminal rewrites; into a file, a line when posts come and then one a minute.

    ``read`` and ``shown``: posts so far, counted by the caller.
    """

    def __init__(self, err: IO[str], monotonic: Callable[[], float]) -> None:
        self.read = 0
        self.shown = 0
        self._err = err
        self._monotonic = monotonic
        self._is_terminal = err.isatty()
        self._marks: list[tuple[float, int]] = [(monotonic(), 0)]
        self._next = 0.0
        self._trouble_at = float("-inf")
        self._is_written = False

    def tick(self) -> None:
        """Call it after each batch; writes at most once a second."""
        now = self._monotonic()
        if now < self._next or not self.read:
            return
        rate = self._rate(now)
        if rate is None:
            return
        self._next = now + (_REWRITE_S if self._is_terminal else _EVERY_S)
        shown = f", {counted(self.shown, 'match', 'matches')}" if self.shown else ""
        verb = "" if self.shown else "listening, "
        self._write(f"{verb}{rate:,.0f} posts/s{shown}")

    def _rate(self, now: float) -> float | None:
        """Posts a second; None in the first second."""
        self._marks.append((now, self.read))
        while len(self._marks) > 2 and now - self._marks[1][0] > _WINDOW_S:
            del self._marks[0]
        since, before = self._marks[0]
        return (self.read - before) / (now - since) if now - since >= 1 else None

    def _write(self, text: str) -> None:
        if self._is_terminal:
            self._err.write(f"\r\x1b[K{text}")
            self._is_written = True
        else:
            self._err.write(f"{text}\n")
        self._err.flush()

    def clear(self) -> None:
        """Make room for a line on the same terminal."""
        if self._is_written:
            self._err.write("\r\x1b[K")
            self._err.flush()
            self._is_written = False

    def trouble(self, reason: str) -> None:
        """Say what is in the way, once a minute."""
        now = self._monotonic()
        if now - self._trouble_at < _EVERY_S:
            return
        self._trouble_at = now
        self.clear()
        self._err.write(f"{single_line(reason, _MAX_REASON)}; trying again\n")
        self._err.flush()

    def take_logs(self) -> None:
        """Tell the warnings of this process instead of logging them."""

        def told(
            logger: object, name: str, event: structlog.typing.EventDict
        ) -> structlog.typing.ProcessorReturnValue:
            error = event.get("error")
            self.trouble(f"Bluesky: {event.get('event')}" + (f" ({error})" if error else ""))
            raise structlog.DropEvent

        structlog.configure(
            processors=[told],
            wrapper_class=structlog.make_filtering_bound_logger(_WARNING),
            cache_logger_on_first_use=False,
        )


_WARNING: Final = 30
"""``logging.WARNING``, without the time that ``logging`` takes to import."""

"""What libraries log, in our form, without floods and without tracebacks of what is outside.

A library that meets an absent broker says so hundreds of times a second. The same trouble (one
logger, one message but for its numbers) is told once a minute, with the number of lines that were
held back.
"""

import logging
import re
import time
from collections.abc import Callable

EVERY_S = 60.0
_MAX_TROUBLES = 500
_MAX_CHARACTERS = 500
_OUTSIDE = ("kafka.", "aiokafka.", "elastic_transport.", "elasticsearch.", "websockets.", "tweepy.")
"""Packages whose exceptions tell of a server, not of a bug."""
_STARVED = re.compile(r"Thread keepalive is not responding|is blocking the event loop")
"""Faust and kafka-python complain when a thread waits some seconds for the processor, as all do
while models load. The watchdog and /healthz notice a thread that hangs."""


def is_outside(error: BaseException | None) -> bool:
    """Whether a server, the network or a stop caused ``error``: one sentence is enough."""
    if error is None:
        return False
    return isinstance(error, OSError | TimeoutError) or any(
        f"{kind.__module__}.".startswith(_OUTSIDE) for kind in type(error).__mro__
    )


def trouble_of(logger: str, message: str) -> tuple[str, str]:
    """What makes two lines the same trouble: numbers, addresses and quoted parts do not count."""
    return logger, re.sub(r"0x[0-9a-f]+|\d+|'[^']*'", "#", message)[:200]


class LibraryHandler(logging.Handler):
    """Hands records to structlog; at most one line every ``EVERY_S`` seconds for one trouble."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._told: dict[tuple[str, str], float] = {}
        self._held_back: dict[tuple[str, str], int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        message = " ".join(message.split("Traceback (most recent call last)")[0].split())
        if _STARVED.search(message):
            return
        error = record.exc_info[1] if record.exc_info else None
        template = record.msg if record.args and isinstance(record.msg, str) else message
        trouble = trouble_of(record.name, template)
        if (held_back := self._take_turn(trouble)) is None:
            return
        fields: dict[str, object] = {"suppressed": held_back} if held_back else {}
        if error is not None:
            if is_outside(error):
                fields["error"] = f"{type(error).__name__}: {error}"[:_MAX_CHARACTERS]
            else:
                fields["exc_info"] = record.exc_info
        import structlog  # most commands write no log

        log = structlog.get_logger(subject=record.name)
        log.log(record.levelno, message[:_MAX_CHARACTERS], **fields)

    def _take_turn(self, trouble: tuple[str, str]) -> int | None:
        """The lines that were held back since the last one, or None to hold back this one too."""
        now = self._monotonic()
        told = self._told.get(trouble)
        if told is not None and now - told < EVERY_S:
            self._held_back[trouble] = self._held_back.get(trouble, 0) + 1
            return None
        if len(self._told) >= _MAX_TROUBLES:
            self._told.clear()
            self._held_back.clear()
        self._told[trouble] = now
        return self._held_back.pop(trouble, 0)

"""Structured logs on standard error: one line an event, as text or as JSON, the libraries' too."""

import io
import logging
import sys
from typing import TYPE_CHECKING, Any, Literal, cast

from text.terminal import printable, printable_lines

if TYPE_CHECKING:
    import structlog

Style = Literal["console", "json"]

_CLIENTS = (
    "kafka", "aiokafka", "faust", "mode", "elastic_transport", "elasticsearch", "tweepy",
    "websockets", "httpx", "urllib3", "asyncio", "spacy", "py.warnings",
)  # fmt: skip
_ONLY_ERRORS = (
    "aiokafka.consumer.group_coordinator", "kafka.coordinator.assignors", "kafka.net.selector",
    "kafka.admin._groups",
)  # fmt: skip
"""Their warnings describe normal operation: a rebalance, its first round without the topic's
partitions, a step that waited for the processor while models load, and the metadata of Faust's
members, which only Faust reads."""
MAX_VALUE = 2_000
MAX_TRACEBACK = 20_000
"""Characters of one value in a line."""
_state: dict[str, Style] = {"style": "console"}


def configure(style: Style, level: str) -> None:
    """Set up structlog, bring the libraries' logs into the same form, and limit them to WARNING.

    Faust's worker sets the root logger to DEBUG: without the limit its clients log every message.
    """
    import structlog

    _state["style"] = style
    stream = _standard_error()
    renderers: list[structlog.typing.Processor]
    if style == "json":
        renderers = [structlog.processors.JSONRenderer()]
    else:
        renderers = [_printable_values, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _bounded_values,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _quieten(level)


def _bounded_values(logger: Any, method: str, event: "structlog.typing.EventDict") -> Any:
    """One line is no longer than its values may be: strangers choose the size of ids and keys."""
    for name, value in event.items():
        limit = MAX_TRACEBACK if name == "exception" else MAX_VALUE
        if not isinstance(value, str | bytes | list | tuple | dict | set | Exception):
            continue
        if not isinstance(value, str):
            if len(text := str(value)) <= limit:
                continue
            value = text
        if len(value) > limit:
            event[name] = f"{value[:limit]}... ({len(value)} characters)"
    return event


def _printable_values(logger: Any, method: str, event: "structlog.typing.EventDict") -> Any:
    """Values that strangers may have written move no cursor; JSON escapes them by itself."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = printable_lines(value) if name == "exception" else printable(value)
    return event


def _standard_error() -> Any:
    """Not what ``faust -A`` puts in its place: that logs what is written, so we would log our own
    lines for ever."""
    return sys.stderr if isinstance(sys.stderr, io.IOBase) else sys.__stderr__


def _quieten(level: str) -> None:
    for name in _CLIENTS:
        logging.getLogger(name).setLevel(max(logging.WARNING, _number(level)))
    for name in _ONLY_ERRORS:
        logging.getLogger(name).setLevel(logging.ERROR)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def adopt_libraries() -> logging.Handler:
    """Write everything that libraries log through structlog; replaces the root's handlers.

    For services: a test or a notebook keeps the handlers that it has set up.
    """
    from runtime.library_logs import LibraryHandler

    handler = LibraryHandler()
    for logger in [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]:
        # spaCy brings a handler of its own.
        logger.handlers.clear()
        logger.propagate = True
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    return handler


def is_json() -> bool:
    """Whether every line on standard error has to be JSON."""
    return _state["style"] == "json"


class _Logger:
    """structlog's logger, imported at the first line: most commands write none."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def __getattr__(self, method: str) -> Any:
        import structlog

        return getattr(structlog.get_logger(subject=self._subject), method)


def get_logger(name: str) -> "structlog.typing.FilteringBoundLogger":
    return cast("structlog.typing.FilteringBoundLogger", _Logger(name))


def silence_libraries() -> None:
    """Write nothing that libraries log: for a command whose own sentences tell it all."""
    logging.root.handlers[:] = [logging.NullHandler()]
    logging.lastResort = None

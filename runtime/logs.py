"""Structured logs on standard error: one line an event, as text or as JSON."""

import logging
import sys
from typing import Literal

import structlog

_CLIENTS = (
    "kafka", "aiokafka", "faust", "mode", "elastic_transport", "elasticsearch", "tweepy",
    "websockets", "httpx", "urllib3", "asyncio",
)  # fmt: skip


def configure(style: Literal["console", "json"], level: str) -> None:
    """Set up structlog, and limit the clients' own loggers to WARNING.

    Faust's worker sets the root logger to DEBUG: without the limit its clients log every message.
    """
    for name in _CLIENTS:
        logging.getLogger(name).setLevel(logging.WARNING)
    renderer: structlog.typing.Processor
    if style == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(subject=name)
    return logger

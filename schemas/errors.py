"""The exceptions of tocsin. Each message is one sentence that says what to do.

::

    TocsinError                     exit status 1
    ├── InvalidMessage              1   bytes are not a message of the type, or cannot be written
    ├── ConfigurationError          2   a setting, a file or an argument is wrong
    │   ├── ArtifactMissing         2   a model's file is missing, or not the expected one
    │   └── QueryError              2   a query has a mistake (``queries.language.errors``)
    ├── ServiceUnavailable          3   Kafka, Elasticsearch or a platform does not answer
    └── BrakeTripped                4   too many dead letters; a restart does not help

A package adds its own below these: ``SourceError``, ``NotAPost``, ``StackError`` (status 1). A
library's exception never leaves the module that calls the library.
"""

from typing import get_args

from schemas.dead_letter import Reason


class TocsinError(Exception):
    """A fault that a person must know of; the message says what to do."""

    exit_status = 1


class InvalidMessage(TocsinError):
    """Bytes that are not a message of the type, or a message that cannot become bytes."""

    def __init__(self, reason: Reason, detail: str) -> None:
        assert reason in get_args(Reason)
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


class ConfigurationError(TocsinError):
    """A setting, a file or an argument is wrong."""

    exit_status = 2


class ArtifactMissing(ConfigurationError):
    """A model's file, or the package that carries it, is not there or not the expected one."""


class ServiceUnavailable(TocsinError):
    """A service that tocsin needs over the network does not answer."""

    exit_status = 3


class BrakeTripped(TocsinError):
    """Too many dead letters: the fault is upstream or ours, not one message's."""

    exit_status = 4

"""The exceptions of tocsin. Each message is one sentence that names the fix.

::

    TocsinError
    ├── InvalidMessage
    ├── ConfigurationError
    │   ├── ArtifactMissing
    │   └── QueryError (``queries.language.errors``)
    ├── ServiceUnavailable
    └── BrakeTripped

A package adds its own below these: ``SourceError``, ``NotAPost``, ``StackError``. A library's
exception never leaves the module that calls the library.
"""

from typing import get_args

from schemas.dead_letter import Reason


class TocsinError(Exception):
    """An error that a person has to act on."""

    exit_status = 1


class InvalidMessage(TocsinError):
    """Bytes are not a message of the type, or a message cannot be written."""

    def __init__(self, reason: Reason, detail: str) -> None:
        assert reason in get_args(Reason)
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


class ConfigurationError(TocsinError):
    """A setting, a file or an argument is wrong."""

    exit_status = 2


class ArtifactMissing(ConfigurationError):
    """A model's file, or its package, is missing or is not the expected one."""


class ServiceUnavailable(TocsinError):
    """Kafka, Elasticsearch or a platform does not answer."""

    exit_status = 3


class BrakeTripped(TocsinError):
    """Too many dead letters; a restart does not help."""

    exit_status = 4

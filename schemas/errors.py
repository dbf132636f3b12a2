"""The errors that people see: one sentence each, with what to do.

::

    TocsinError                 exit status 1
    ├── ConfigurationError      2   a setting, a file or an argument is wrong
    │   └── ArtifactMissing         a model's file is not installed, or not the expected one
    ├── ServiceUnavailable      3   Kafka, Elasticsearch or a platform does not answer
    └── BrakeTripped            4   too much was dead-lettered; restarting will not help

Libraries' own exceptions do not leave the module that calls the library.
"""


class TocsinError(Exception):
    """Something that a person has to know; the message says what to do about it."""

    exit_status = 1


class ConfigurationError(TocsinError):
    """A setting, a file or an argument is wrong."""

    exit_status = 2


class ArtifactMissing(ConfigurationError):
    """A model's file, or the package that carries it, is not there or not the expected one."""


class ServiceUnavailable(TocsinError):
    """Something that we need over the network does not answer."""

    exit_status = 3


class BrakeTripped(TocsinError):
    """The dead-letter share passed its limit: the fault is upstream or ours, not one message's."""

    exit_status = 4

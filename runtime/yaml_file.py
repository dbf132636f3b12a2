"""YAML files that people write, read into a type; every fault is one sentence."""

from pathlib import Path
from typing import TypeVar

import msgspec

from runtime.errors import ConfigurationError

T = TypeVar("T")


def read_yaml(path: Path, type_: type[T], hint: str) -> T:
    """The file as ``type_``; ``hint`` is said where it is something else."""
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=type_)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {error}; {hint}") from None
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path} is no YAML: {error}") from None

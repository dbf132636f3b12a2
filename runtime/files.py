"""YAML files and secrets that people write; every error is one sentence with the file's path."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr

T = TypeVar("T")


def read_yaml(path: Path, type_: type[T], hint: str) -> T:
    """The file as ``type_``; ``hint`` ends the error if it does not fit."""
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=type_)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {error}; {hint}") from None
    except ValueError as error:  # DecodeError, or a date out of range
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from None


def read_secret(what: str, variable: str | None, path: Path | None) -> "SecretStr | None":
    """The secret from a variable or a file, or None without either; ``what`` names it in errors."""
    from pydantic import SecretStr

    if variable is not None and path is not None:
        raise ConfigurationError(f"{what} has both _env and _file; keep one")
    if variable is not None:
        value = os.environ.get(variable, "")
        if not value:
            raise ConfigurationError(f"{what}: the variable {variable} is not set")
        return SecretStr(value)
    if path is None:
        return None
    try:
        value = path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{what}: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{what}: {path} is not UTF-8 text; write only the secret into it"
        ) from None
    if not value:
        raise ConfigurationError(f"{what}: {path} is empty")
    return SecretStr(value)

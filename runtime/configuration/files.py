"""YAML files and secrets that people write; every error is one sentence with the file's path."""

import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import yaml

from runtime.configuration.secret_files import remark_if_open
from runtime.configuration.validation import field_error, repeated_name, yaml_error
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr

T = TypeVar("T")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C, ten times as fast, where PyYAML has it."""


def read_yaml(path: Path, type_: type[T], hint: str) -> T:
    """The file as ``type_``; ``hint`` ends the error if it does not fit."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return msgspec.convert(_yaml(data, path), type_, builtin_types=(datetime, date, bytes))
    except msgspec.ValidationError as error:
        fault = field_error(error, type_, "the file")
        raise ConfigurationError(f"{path}: {fault}; {hint}") from None


def _yaml(data: bytes, path: Path) -> object:
    """The values of a YAML file of one document, in which no map has a name twice."""
    try:
        loader = _LOADER(data)
        node = loader.get_single_node()
        repeated = repeated_name(node)
        content = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date out of range
        raise ConfigurationError(f"{path} is not valid YAML {yaml_error(error, data)}") from None
    if repeated is not None:
        name, line = repeated
        raise ConfigurationError(
            f"{path}: line {line} has {name} a second time in one map, and YAML would drop the "
            "first; keep one"
        )
    return content


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
    remark_if_open(what, path)
    return SecretStr(value)

"""Secrets that a file of ours names, each in a variable of the environment or in a file."""

import os
from pathlib import Path

from pydantic import SecretStr

from runtime.errors import ConfigurationError


def read_secret(what: str, variable: str | None, path: Path | None) -> SecretStr | None:
    """The secret, or None where neither is named. ``what`` names it in sentences."""
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
            f"{what}: {path} is not UTF-8 text; put the bare secret into it"
        ) from None
    if not value:
        raise ConfigurationError(f"{what}: {path} is empty")
    return SecretStr(value)

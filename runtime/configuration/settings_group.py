"""How a group of settings is read: from the environment, from secret files, under old names.

An old name is read until 0.3.0 with a warning; the new one wins. A name that is no setting is
refused with the first group that is read, and so is a secret that a plain connection would carry.
``runtime.settings`` holds the groups.
"""

import os
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runtime.configuration.secret_files import remark_if_open
from runtime.configuration.variable_names import OLD_NAMES as OLD_NAMES
from runtime.configuration.variable_names import refuse_unknown_names
from runtime.limits.secret_transport import refuse_plain_settings
from runtime.logs import get_logger
from schemas.errors import ConfigurationError

log = get_logger("settings")


def is_secret(field: FieldInfo) -> bool:
    return SecretStr in getattr(field.annotation, "__args__", ())


class _FieldSource(PydanticBaseSettingsSource):
    """A source that is asked field by field."""

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


class _SecretFiles(_FieldSource):
    """Reads ``<NAME>_FILE`` for every secret field."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = f"{self.config.get('env_prefix', '')}{field_name}".upper() + "_FILE"
        path = os.environ.get(name)
        if not path or not is_secret(field):
            return None, field_name, False
        try:
            value = Path(path).read_text("utf-8").strip()
        except OSError as error:
            raise ConfigurationError(
                f"{name} names {path}, which cannot be read ({error.strerror})"
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"{name} names {path}, which is not UTF-8 text; put the bare secret into it"
            ) from None
        remark_if_open(name, Path(path))
        return value, field_name, False


class _OldNames(_FieldSource):
    """Reads settings under their old names, and says the new ones."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        new = f"{self.config.get('env_prefix', '')}{field_name}".upper()
        old = next((old for old, name in OLD_NAMES.items() if name == new), "")
        value = os.environ.get(old)
        if not value or os.environ.get(new):
            return None, field_name, False
        log.warning("setting renamed; the old name goes in 0.3.0", old=old, new=new)
        return value, field_name, False


class Group(BaseSettings):
    """Settings that share a prefix."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="forbid")

    @model_validator(mode="after")
    def _sends_no_secret_plain(self) -> Self:
        refuse_plain_settings(str(self.model_config.get("env_prefix", "")), dict(self))
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SecretFiles(settings_cls), _OldNames(settings_cls)


G = TypeVar("G", bound=Group)


def setting_names() -> dict[str, bool]:
    """Every setting of every group that is defined, to whether it is a secret."""
    names: dict[str, bool] = {}
    groups = [*Group.__subclasses__()]
    while groups:
        group = groups.pop()
        groups += group.__subclasses__()
        prefix = group.model_config.get("env_prefix", "")
        if prefix:
            fields = group.model_fields.items()
            names |= {f"{prefix}{name}".upper(): is_secret(field) for name, field in fields}
    return names


def refuse_unknown_settings() -> None:
    """Raise :class:`ConfigurationError` if the environment has a name that nothing reads."""
    from runtime import settings  # noqa: F401  (defines the groups)

    refuse_unknown_names(setting_names())


def load(group: type[G], *, check_names: bool = True, **overrides: Any) -> G:
    """Reads a group from the environment.

    Raises :class:`ConfigurationError` for a wrong value, and for a name of no group at all.
    """
    if check_names:
        refuse_unknown_settings()
    try:
        return group(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        prefix = group.model_config.get("env_prefix", "")
        raise ConfigurationError(
            f"{prefix}{name.upper()} is wrong: {first['msg'].lower()}; see docs/settings.md"
        ) from None

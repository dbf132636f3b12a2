"""A mapping: YAML that tells where a file keeps the fields of a post (docs/replay.md).

It is loaded once and checked as a whole. An unknown key is an error that names the nearest one: a
mapping that is silently read in part would be worse than none.
"""

from collections.abc import Iterable
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct, field

from ingestors.files.cells import FIELDS, NAMED_TIMES, NotAPost
from ingestors.files.charset import known_charset
from ingestors.files.post_line import source_name
from runtime.configuration.files import read_yaml
from runtime.configuration.validation import field_error
from schemas.errors import ConfigurationError
from text.spelling import nearest

SHIPPED = Path(__file__).parent / "mappings"
"""Shipped mappings, each named after its file."""


class DeleteRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A row is a delete if this field holds one of these values."""

    field: str
    values: list[str]


class MappingFile(Struct, frozen=True, forbid_unknown_fields=True):
    """None is told by the file itself."""

    source: str
    fields: dict[str, str]
    format: Literal["jsonl", "csv"] | None = None
    times: list[str] = field(default_factory=lambda: ["rfc3339"])
    labels: list[str] = field(default_factory=list)
    list_separator: str = ","
    delete: DeleteRule | None = None
    id_from: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    delimiter: str | None = None
    quoting: Literal["minimal", "none"] = "minimal"
    quotechar: str = '"'
    escape: str | None = None
    encoding: str | None = None
    skip_lines: int = 0
    time_zone: str | None = None
    unescape: Literal["html", "none"] = "html"
    rating_scale: tuple[float, float] | None = None

    @property
    def zone(self) -> tzinfo:
        """The zone of times without one."""
        return UTC if self.time_zone is None else ZoneInfo(self.time_zone)


def _unknown(kind: str, name: str, names: Iterable[str], where: str) -> ConfigurationError:
    near = nearest(name, names)
    hint = f"did you mean {near!r}?" if near else f"use one of {', '.join(sorted(names))}"
    return ConfigurationError(f"{where}: unknown {kind} {name!r}; {hint}")


def _check_names(raw: dict[str, Any], where: str) -> None:
    keys, fields = MappingFile.__struct_fields__, raw.get("fields")
    for name in raw:
        if name not in keys:
            raise _unknown("key", name, keys, where)
    for name in fields if isinstance(fields, dict) else ():
        if name not in FIELDS:
            raise _unknown("field", str(name), FIELDS, where)


def _check_values(file: MappingFile, where: str) -> None:
    if "text" not in file.fields:
        raise ConfigurationError(f"{where}: fields must name the field of `text`")
    if "id" not in file.fields and not file.id_from:
        raise ConfigurationError(
            f"{where}: fields must name the field of `id`; if posts have none, list under id_from "
            "the fields that together identify a post"
        )
    for pattern in file.times:
        if pattern not in NAMED_TIMES and "%" not in pattern:
            raise _unknown("time format", pattern, [*NAMED_TIMES, "%Y-%m-%d %H:%M:%S"], where)
    _check_dialect(file, where)
    _check_zone(file, where)
    if file.rating_scale is not None and not file.rating_scale[0] < file.rating_scale[1]:
        raise ConfigurationError(
            f"{where}: rating_scale must be the worst and the best mark, such as [1, 10]"
        )
    if file.encoding is not None:
        known_charset(file.encoding, where)
    if not file.list_separator:
        raise ConfigurationError(f"{where}: list_separator must not be empty")
    try:
        source_name(file.source, "")
    except NotAPost as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _check_dialect(file: MappingFile, where: str) -> None:
    for name in ("delimiter", "quotechar", "escape"):
        value = getattr(file, name)
        if value is not None and (len(value) != 1 or value in "\r\n"):
            raise ConfigurationError(f"{where}: {name} must be one character")
    if file.quotechar in (file.delimiter, file.escape) or (
        file.escape and file.delimiter == file.escape
    ):
        raise ConfigurationError(
            f"{where}: delimiter, quotechar and escape must be different characters"
        )
    if file.skip_lines < 0:
        raise ConfigurationError(f"{where}: skip_lines must be a number of lines, 0 or more")


def _check_zone(file: MappingFile, where: str) -> None:
    try:
        _ = file.zone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"{where}: there is no time_zone {file.time_zone!r}; write one such as Europe/Paris"
        ) from None


def _path_of(name: str) -> Path:
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    path = SHIPPED / f"{name}.yaml"
    if not path.is_file():
        shipped = [path.stem for path in SHIPPED.glob("*.yaml")]
        raise _unknown("mapping", name, shipped, "mapping")
    return path


def load_mapping(name: str) -> MappingFile:
    """Read a shipped mapping by name, or any mapping by its path."""
    path = _path_of(name)
    raw = read_yaml(path, dict[str, Any], "it must hold source and fields, see docs/replay.md")
    where = f"mapping {path.name}"
    _check_names(raw, where)
    try:
        file = msgspec.convert(raw, MappingFile)
    except msgspec.ValidationError as error:
        fault = field_error(error, MappingFile)
        raise ConfigurationError(f"{where}: {fault}; see docs/replay.md") from None
    _check_values(file, where)
    return file

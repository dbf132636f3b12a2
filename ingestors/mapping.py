"""A mapping says in a few lines of YAML where a file keeps what makes a post (docs/replay.md).

Loaded once and checked as a whole: a key that is not known is an error which names the nearest
one, for a mapping that is silently half read would be worse than none.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct, field

from ingestors.bare import NotAPost, source_name
from runtime.errors import ConfigurationError
from schemas.post import Metrics

SHIPPED = Path(__file__).parent / "mappings"
"""The mappings that come with tocsin, each named after its file."""

TEXT_FIELDS = (
    *("id", "text", "source", "url", "title", "language", "place", "country"),
    *("reply_to", "repost_of", "quote_of"),
    *("author.id", "author.handle", "author.name"),
)
LIST_FIELDS = ("mentions", "hashtags", "links")
TIME_FIELDS = ("created_at", "edited_at", "deleted_at", "author.created_at")
COUNT_FIELDS = ("author.followers", *(f"metrics.{name}" for name in Metrics.__struct_fields__))
FLAG_FIELDS = ("author.verified",)
FIELDS = TEXT_FIELDS + LIST_FIELDS + TIME_FIELDS + COUNT_FIELDS + FLAG_FIELDS
"""What a mapping can fill."""
_NAMED_TIMES = ("rfc3339", "epoch_s", "epoch_ms")


class DeleteRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A row is a delete if this field holds one of these values."""

    field: str
    values: list[str]


class MappingFile(Struct, frozen=True, forbid_unknown_fields=True):
    """What a mapping's YAML holds."""

    source: str
    fields: dict[str, str]
    format: Literal["jsonl", "csv"] = "jsonl"
    times: list[str] = field(default_factory=lambda: ["rfc3339"])
    labels: list[str] = field(default_factory=list)
    list_separator: str = ","
    delete: DeleteRule | None = None
    id_from: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    delimiter: str = ","


def _unknown(what: str, name: str, known: Iterable[str], where: str) -> ConfigurationError:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
    return ConfigurationError(f"{where}: there is no {what} {name!r}; {hint}")


def _check_keys(raw: Any, where: str) -> None:
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{where} is no mapping: it must be YAML with source and fields")
    for name in raw:
        if name not in MappingFile.__struct_fields__:
            raise _unknown("key", str(name), MappingFile.__struct_fields__, where)
    fields = raw.get("fields")
    for name in fields if isinstance(fields, dict) else ():
        if name not in FIELDS:
            raise _unknown("field", str(name), FIELDS, where)


def _check_values(file: MappingFile, where: str) -> None:
    if "text" not in file.fields:
        raise ConfigurationError(f"{where}: fields must say where `text` is")
    if "id" not in file.fields and not file.id_from:
        raise ConfigurationError(
            f"{where}: fields must say where `id` is; where posts have none, list under id_from "
            "the fields that together tell them apart"
        )
    for pattern in file.times:
        if pattern not in _NAMED_TIMES and "%" not in pattern:
            raise _unknown("time format", pattern, [*_NAMED_TIMES, "%Y-%m-%d %H:%M:%S"], where)
    if len(file.delimiter) != 1 or file.delimiter in '"\r\n':
        raise ConfigurationError(f"{where}: delimiter must be one character, and no quote")
    if not file.list_separator:
        raise ConfigurationError(f"{where}: list_separator must not be empty")
    try:
        source_name(file.source, "")
    except NotAPost as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _path_of(name: str) -> Path:
    """A shipped mapping's file by its name, or the path that was given."""
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    path = SHIPPED / f"{name}.yaml"
    if not path.is_file():
        known = [shipped.stem for shipped in SHIPPED.glob("*.yaml")]
        raise _unknown("mapping", name, known, "mapping")
    return path


def load_mapping(name: str) -> MappingFile:
    """Read a mapping by the name of a shipped one or by its path."""
    path = _path_of(name)
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"mapping {path} cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        first = " ".join(str(error).split())
        raise ConfigurationError(f"mapping {path} is not YAML: {first}; correct it") from None
    where = f"mapping {path.name}"
    _check_keys(raw, where)
    try:
        file = msgspec.convert(raw, MappingFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {error}; see docs/replay.md") from None
    _check_values(file, where)
    return file

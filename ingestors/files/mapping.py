"""A mapping: YAML that tells where a file keeps the fields of a post (docs/replay.md).

It is loaded once and checked as a whole. An unknown key is an error that names the nearest one: a
mapping that is silently read in part would be worse than none.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from ingestors.files.post_line import (
    AuthorLine,
    NotAPost,
    PostLine,
    delete_of,
    event_of,
    source_name,
    utc,
)
from runtime.files import read_yaml
from runtime.validation import field_error
from schemas.errors import ConfigurationError
from schemas.post import Metrics, PostEvent
from text.spelling import nearest

SHIPPED = Path(__file__).parent / "mappings"
"""Shipped mappings, each named after its file."""
_NAMED_TIMES = ("rfc3339", "epoch_s", "epoch_ms")


class DeleteRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A row is a delete if this field holds one of these values."""

    field: str
    values: list[str]


class MappingFile(Struct, frozen=True, forbid_unknown_fields=True):
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
        if pattern not in _NAMED_TIMES and "%" not in pattern:
            raise _unknown("time format", pattern, [*_NAMED_TIMES, "%Y-%m-%d %H:%M:%S"], where)
    if len(file.delimiter) != 1 or file.delimiter in '"\r\n':
        raise ConfigurationError(f"{where}: delimiter must be one character that is not a quote")
    if not file.list_separator:
        raise ConfigurationError(f"{where}: list_separator must not be empty")
    try:
        source_name(file.source, "")
    except NotAPost as error:
        raise ConfigurationError(f"{where}: {error}") from None


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


Getter = Callable[[Mapping[str, object]], object]
"""Gets a value from a row, or None."""
Converter = Callable[[object, MappingFile, str], object]
"""Converts a value of a row; also gets the mapping and the path of the value."""


def _walk(value: object, steps: tuple[str, ...]) -> object:
    """Follow a path through objects and lists; ``*`` is every item of a list."""
    for number, step in enumerate(steps, start=1):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step == "*":
            return [_walk(item, steps[number:]) for item in value]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 10:
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value


def _getter(path: str, dotted: bool) -> Getter:
    steps = tuple(path.split(".")) if dotted else (path,)
    return lambda row: _walk(row, steps)


def _text(value: object, *_: object) -> str | None:
    """A string or a number as text; None if it is absent, empty or nested."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def _count(value: object, *_: object) -> int | None:
    try:
        number = int(float(value)) if isinstance(value, str | int | float) else -1
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= 2**53 else None


def _flag(value: object, *_: object) -> bool | None:
    text = (_text(value) or "").lower()
    return True if text in ("true", "1", "yes") else False if text in ("false", "0", "no") else None


def _list(value: object, file: MappingFile, _: str) -> list[str]:
    items = value if isinstance(value, list) else (_text(value) or "").split(file.list_separator)
    texts = ((_text(item) or "").strip().lstrip("@#") for item in items)
    return [text for text in texts if text]


def _time(value: object, file: MappingFile, path: str) -> datetime | None:
    text = _text(value)
    if text is None:
        return None
    for pattern in file.times:
        try:
            return utc(_parse_time(text, pattern))
        except (ValueError, OverflowError, OSError):
            continue
    raise NotAPost(
        f"{text[:40]!r} in `{path}` has no format listed under times ({', '.join(file.times)}); "
        "add its format there"
    )


def _parse_time(text: str, pattern: str) -> datetime:
    if pattern == "rfc3339":
        return datetime.fromisoformat(text)
    if pattern == "epoch_s":
        return datetime.fromtimestamp(float(text), UTC)
    if pattern == "epoch_ms":
        return datetime.fromtimestamp(float(text) / 1000, UTC)
    return datetime.strptime(text, pattern)  # noqa: DTZ007 - utc() gives it its zone


FIELDS: Mapping[str, Converter] = {
    **dict.fromkeys(("id", "text", "source", "url", "title", "language", "place"), _text),
    **dict.fromkeys(("country", "reply_to", "repost_of", "quote_of"), _text),
    **dict.fromkeys(("mentions", "hashtags", "links"), _list),
    **dict.fromkeys(("created_at", "edited_at", "deleted_at"), _time),
    **dict.fromkeys(("author.id", "author.handle", "author.name"), _text),
    "author.followers": _count,
    "author.verified": _flag,
    "author.created_at": _time,
    **dict.fromkeys((f"metrics.{name}" for name in Metrics.__struct_fields__), _count),
}
"""Fields of a post, of its ``author`` and of its ``metrics`` that a mapping can fill."""


class RowMapping:
    def __init__(self, file: MappingFile) -> None:
        self.file = file
        dotted = file.format == "jsonl"
        self._get = {name: _getter(path, dotted) for name, path in file.fields.items()}
        self._labels = [(path, _getter(path, dotted)) for path in file.labels]
        self._id_from = [_getter(path, dotted) for path in file.id_from]
        self._deleted = _getter(file.delete.field, dotted) if file.delete else None
        self._names: dict[str, dict[str, str]] = {"": {}, "author": {}, "metrics": {}}
        for name in FIELDS:
            owner, _, field = name.rpartition(".")
            if name in self._get and name != "deleted_at":
                self._names[owner][field] = name

    def event(self, row: Mapping[str, object], now: datetime) -> PostEvent:
        """Convert a row, or raise :class:`~ingestors.files.post_line.NotAPost`."""
        id_ = self._id(row)
        if self._is_delete(row):
            source = source_name(self._value(row, "source"), self.file.source)
            when = self._value(row, "deleted_at") or self._value(row, "created_at")
            return delete_of(source, id_, now, when)
        if self._value(row, "text") is None:
            raise NotAPost(f"`{self.file.fields['text']}` has no text; a post needs one")
        labels = {path: _text(get(row)) for path, get in self._labels}
        post = PostLine(
            **(self._values(row, "") | {"id": id_}),
            author=AuthorLine(**self._values(row, "author")),
            metrics=Metrics(**self._values(row, "metrics")),
            labels={path: label for path, label in labels.items() if label is not None},
        )
        return event_of(post, now, self.file.source)

    def _value(self, row: Mapping[str, object], name: str) -> Any:
        get = self._get.get(name)
        return None if get is None else FIELDS[name](get(row), self.file, self.file.fields[name])

    def _values(self, row: Mapping[str, object], owner: str) -> dict[str, Any]:
        return {field: self._value(row, name) for field, name in self._names[owner].items()}

    def _id(self, row: Mapping[str, object]) -> str:
        native: str | None = self._value(row, "id")
        if native is not None:
            return native
        texts = [_text(get(row)) for get in self._id_from]
        if not any(texts):
            raise NotAPost(
                "the row has no id; list under id_from the fields that together identify a post"
            )
        data = msgspec.json.encode([(text or "").encode("utf-8", "replace") for text in texts])
        return f"row-{hashlib.blake2b(data, digest_size=10).hexdigest()}"

    def _is_delete(self, row: Mapping[str, object]) -> bool:
        if self._deleted is None or self.file.delete is None:
            return False
        return _text(self._deleted(row)) in self.file.delete.values

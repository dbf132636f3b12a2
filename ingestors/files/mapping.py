"""A mapping says in a few lines of YAML where a file keeps what makes a post (docs/replay.md).

Loaded once and checked as a whole: a key that is not known is an error which names the nearest
one, for a mapping that is silently half read would be worse than none.
"""

import difflib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
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
from schemas.errors import ConfigurationError
from schemas.post import Metrics, PostEvent

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


Getter = Callable[[Mapping[str, Any]], Any]
"""Takes a value out of a row; None where there is none."""


def _walk(value: Any, parts: tuple[str, ...]) -> Any:
    """Follow a dotted path through objects and lists; ``*`` stands for every item of a list."""
    for at, part in enumerate(parts):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part == "*":
            return [_walk(item, parts[at + 1 :]) for item in value]
        elif isinstance(value, list) and part.isascii() and part.isdigit() and len(part) < 10:
            value = value[int(part)] if int(part) < len(value) else None
        else:
            return None
    return value


def _getter(path: str, dotted: bool) -> Getter:
    if not dotted or "." not in path:
        return lambda row: row.get(path)
    parts = tuple(path.split("."))
    return lambda row: _walk(row, parts)


def _text(value: Any) -> str | None:
    """Strings and numbers as text; nothing for what is absent, empty or made of parts."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def _count(value: Any) -> int | None:
    try:
        number = int(float(value)) if isinstance(value, str | int | float) else -1
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= 2**53 else None


def _flag(value: Any) -> bool | None:
    text = (_text(value) or "").lower()
    return True if text in ("true", "1", "yes") else False if text in ("false", "0", "no") else None


class RowMapping:
    """Makes events out of rows (a JSON object, or the columns of a CSV line)."""

    def __init__(self, file: MappingFile) -> None:
        self.file = file
        dotted = file.format == "jsonl"
        self._get = {name: _getter(path, dotted) for name, path in file.fields.items()}
        self._labels = [(path, _getter(path, dotted)) for path in file.labels]
        self._id_from = [_getter(path, dotted) for path in file.id_from]
        self._deleted = _getter(file.delete.field, dotted) if file.delete else None
        self._author = any(name.startswith("author.") for name in file.fields)
        self._metrics = any(name.startswith("metrics.") for name in file.fields)

    def event(self, row: Mapping[str, Any], now: datetime) -> PostEvent:
        """The event that a row is, or :class:`~ingestors.files.post_line.NotAPost`."""
        id_ = self._id(row)
        if self._is_delete(row):
            source = source_name(self._value(row, "source"), self.file.source)
            when = self._time(row, "deleted_at") or self._time(row, "created_at")
            return delete_of(source, id_, now, when)
        text = self._value(row, "text")
        if text is None:
            raise NotAPost(f"there is no text in `{self.file.fields['text']}`; a post needs one")
        return event_of(self._bare(row, id_, text), now, self.file.source)

    def _bare(self, row: Mapping[str, Any], id_: str, text: str) -> PostLine:
        return PostLine(
            id=id_,
            text=text,
            created_at=self._time(row, "created_at"),
            edited_at=self._time(row, "edited_at"),
            author=self._author_of(row) if self._author else None,
            source=self._value(row, "source"),
            url=self._value(row, "url"),
            title=self._value(row, "title"),
            language=self._value(row, "language"),
            place=self._value(row, "place"),
            country=self._value(row, "country"),
            reply_to=self._value(row, "reply_to"),
            repost_of=self._value(row, "repost_of"),
            quote_of=self._value(row, "quote_of"),
            mentions=self._list(row, "mentions"),
            hashtags=self._list(row, "hashtags"),
            links=self._list(row, "links"),
            metrics=self._metrics_of(row) if self._metrics else None,
            labels={
                name: value for name, get in self._labels if (value := _text(get(row))) is not None
            },
        )

    def _value(self, row: Mapping[str, Any], name: str) -> str | None:
        get = self._get.get(name)
        return None if get is None else _text(get(row))

    def _id(self, row: Mapping[str, Any]) -> str:
        given = self._value(row, "id")
        if given is not None:
            return given
        parts = [_text(get(row)) for get in self._id_from]
        if not any(parts):
            raise NotAPost(
                "there is no id, and nothing to make one of; name the fields that tell posts "
                "apart under id_from"
            )
        data = msgspec.json.encode([(part or "").encode("utf-8", "replace") for part in parts])
        return f"row-{hashlib.blake2b(data, digest_size=10).hexdigest()}"

    def _is_delete(self, row: Mapping[str, Any]) -> bool:
        if self._deleted is None or self.file.delete is None:
            return False
        return _text(self._deleted(row)) in self.file.delete.values

    def _list(self, row: Mapping[str, Any], name: str) -> list[str] | None:
        """A list; None (so that it is taken from the text) only where nothing is mapped."""
        get = self._get.get(name)
        if get is None:
            return None
        value = get(row)
        items = (
            value
            if isinstance(value, list)
            else (_text(value) or "").split(self.file.list_separator)
        )
        texts = (_text(item) for item in items)
        stripped = (text.strip().lstrip("@#") for text in texts if text is not None)
        return [text for text in stripped if text]

    def _time(self, row: Mapping[str, Any], name: str) -> datetime | None:
        get = self._get.get(name)
        text = None if get is None else _text(get(row))
        if text is None:
            return None
        for pattern in self.file.times:
            try:
                return utc(_parse_time(text, pattern))
            except (ValueError, OverflowError, OSError):
                continue
        raise NotAPost(
            f"{text[:40]!r} in `{self.file.fields[name]}` has none of the formats under times "
            f"({', '.join(self.file.times)}); add its format there"
        )

    def _author_of(self, row: Mapping[str, Any]) -> AuthorLine:
        followers, verified = self._get.get("author.followers"), self._get.get("author.verified")
        return AuthorLine(
            id=self._value(row, "author.id"),
            handle=self._value(row, "author.handle"),
            name=self._value(row, "author.name"),
            followers=None if followers is None else _count(followers(row)),
            verified=None if verified is None else _flag(verified(row)),
            created_at=self._time(row, "author.created_at"),
        )

    def _metrics_of(self, row: Mapping[str, Any]) -> Metrics:
        names = Metrics.__struct_fields__
        getters = {name: self._get.get(f"metrics.{name}") for name in names}
        return Metrics(
            **{name: None if get is None else _count(get(row)) for name, get in getters.items()}
        )


def _parse_time(text: str, pattern: str) -> datetime:
    if pattern == "rfc3339":
        return datetime.fromisoformat(text)
    if pattern == "epoch_s":
        return datetime.fromtimestamp(float(text), UTC)
    if pattern == "epoch_ms":
        return datetime.fromtimestamp(float(text) / 1000, UTC)
    return datetime.strptime(text, pattern)  # noqa: DTZ007 - utc() gives it its zone

"""Turns a row, of a table or of JSON, into an event by the mapping of its file."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from ingestors.files.cells import FIELDS, Cell, CellOptions, NotAPost, Tally, text_of
from ingestors.files.loose_json import AuthorLine, CommunityLine, PostLine, RatingLine
from ingestors.files.mapping import MappingFile
from ingestors.files.post_line import delete_of, event_of, source_name
from schemas.errors import ConfigurationError
from schemas.post import Metrics, PostEvent, Publisher
from text.spelling import nearest
from text.terminal import single_line

Getter = Callable[[Mapping[str, object]], object]
"""Gets a value from a row, or None."""
_ESSENTIAL: Final = ("id", "text", "created_at")


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


def columns_of(file: MappingFile) -> list[str]:
    """Every column or path that the mapping names."""
    deleted = [file.delete.field] if file.delete else []
    return list(dict.fromkeys([*file.fields.values(), *file.labels, *file.id_from, *deleted]))


def check_header(file: MappingFile, columns: list[str], where: str) -> None:
    """Every mapped column must be in the header, once; else ConfigurationError."""
    for name in columns_of(file):
        count = columns.count(name)
        if count > 1:
            raise ConfigurationError(
                f"{where} has {count} columns named {name!r}; rename all but the one to read"
            )
        if not count:
            near = nearest(name, columns)
            hint = f"did you mean {near!r}?" if near else f"it has {', '.join(columns[:30])}"
            raise ConfigurationError(f"{where} has no column {name!r}, which is mapped; {hint}")


def check_paths(file: MappingFile, rows: list[dict[str, Any]], where: str) -> Iterator[str]:
    """The mapped paths that no row has, as remarks; the essential ones are a ConfigurationError."""
    seen = sorted({path for row in rows for path in _paths(row)})
    for path in columns_of(file) if rows else ():
        if any(_has(row, path.split(".")) for row in rows):
            continue
        near = nearest(path, seen)
        hint = f"did you mean {near!r}?" if near else f"it has {', '.join(seen[:30])}"
        problem = f"none of the first {len(rows)} lines of {where} has `{path}`"
        if path in [file.fields.get(name) for name in _ESSENTIAL] and path not in file.id_from:
            raise ConfigurationError(f"{problem}, which is mapped; {hint}")
        yield problem


def _has(value: object, steps: list[str]) -> bool:
    """Whether the path leads anywhere; what is null or empty is there."""
    for number, step in enumerate(steps):
        if isinstance(value, dict):
            if step not in value:
                return value == {} and number > 0
            value = value[step]
        else:
            return isinstance(value, list) or value is None
    return True


def _paths(value: object, before: str = "", depth: int = 0) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield f"{before}{name}"
        if depth < 3:
            yield from _paths(inner, f"{before}{name}.", depth + 1)


class RowMapping:
    """Turns rows into events; ``dotted``: columns are paths into JSON."""

    def __init__(self, file: MappingFile, tally: Tally | None = None, dotted: bool = True) -> None:
        self.file = file
        self.tally = Tally() if tally is None else tally
        options = CellOptions(tuple(file.times), file.zone, file.list_separator)
        self._cells = {
            name: Cell(name, path, options, self.tally) for name, path in file.fields.items()
        }
        self._get = {name: _getter(path, dotted) for name, path in file.fields.items()}
        self._labels = [(path, _getter(path, dotted)) for path in file.labels]
        self._id_from = [_getter(path, dotted) for path in file.id_from]
        self._deleted = _getter(file.delete.field, dotted) if file.delete else None
        owners = ("", "author", "metrics", "community", "publisher", "rating")
        self._names: dict[str, dict[str, str]] = {owner: {} for owner in owners}
        for name in FIELDS:
            owner, _, field = name.rpartition(".")
            if name in self._get and name != "deleted_at":
                self._names[owner][field] = name

    def event(self, row: Mapping[str, object], now: datetime) -> PostEvent:
        """Convert a row, or raise :class:`~ingestors.files.cells.NotAPost`."""
        id_ = self._id(row)
        if self._is_delete(row):
            source = source_name(self._value(row, "source"), self.file.source)
            return delete_of(
                source,
                id_,
                now,
                deleted=self._value(row, "deleted_at"),
                created=self._value(row, "created_at"),
                edited=self._value(row, "edited_at"),
            )
        if self._value(row, "text") is None:
            raise NotAPost(f"`{self.file.fields['text']}` has no text; a post needs one")
        self._check_id(row, id_)
        labels = {path: text_of(get(row)) for path, get in self._labels}
        post = PostLine(
            **(self._values(row, "") | {"id": id_}),
            author=AuthorLine(**self._values(row, "author")),
            metrics=Metrics(**self._values(row, "metrics")),
            community=CommunityLine(**self._values(row, "community")),
            publisher=Publisher(**self._values(row, "publisher")),
            rating=self._rating(row),
            labels={path: label for path, label in labels.items() if label is not None},
        )
        html = self.file.unescape == "html"
        return event_of(post, now, self.file.source, tally=self.tally, html=html)

    def _check_id(self, row: Mapping[str, object], id_: str) -> None:
        """X has numbers for ids; another id would be another post than that of the live stream."""
        source = self._value(row, "source") or self.file.source
        if source == "x" and not id_.removeprefix("x:").isdigit():
            raise NotAPost(f"{single_line(id_, 40)!r} is no id of X, which are numbers; correct it")

    def _value(self, row: Mapping[str, object], name: str) -> Any:
        get = self._get.get(name)
        return None if get is None else FIELDS[name](get(row), self._cells[name])

    def _values(self, row: Mapping[str, object], owner: str) -> dict[str, Any]:
        return {field: self._value(row, name) for field, name in self._names[owner].items()}

    def _rating(self, row: Mapping[str, object]) -> RatingLine | None:
        worst, best = self.file.rating_scale or (None, None)
        scale = {"worst": worst, "best": best}
        given = self._values(row, "rating")
        told = {name: value for name, value in given.items() if value is not None}
        return RatingLine(**(scale | told)) if "value" in told else None

    def _id(self, row: Mapping[str, object]) -> str:
        native: str | None = self._value(row, "id")
        if native is not None:
            return native
        texts = [text_of(get(row)) for get in self._id_from]
        if not any(texts):
            raise NotAPost(
                "the row has no id; list under id_from the fields that together identify a post"
            )
        data = msgspec.json.encode([(text or "").encode("utf-8", "replace") for text in texts])
        return f"row-{hashlib.blake2b(data, digest_size=10).hexdigest()}"

    def _is_delete(self, row: Mapping[str, object]) -> bool:
        if self._deleted is None or self.file.delete is None:
            return False
        return text_of(self._deleted(row)) in self.file.delete.values

"""Reads posts for the commands that need no stream: from any file of posts, or standard input.

::

    with PostReader(file, mapping="my.yaml", say=say) as reader:
        for line in reader.posts():
            ...
    report(reader.bad, "...")

JSON lines, a JSON array, CSV, TSV or .xlsx, plain or packed, are told by their first bytes; columns
are named by a mapping, or recognised (``ingestors.files.post_file``).
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
from msgspec import Struct

from ingestors.coerce import parse
from ingestors.files.cells import NotAPost
from ingestors.files.mapping import load_mapping
from ingestors.files.post_file import Item, Lines, PostFile, ReadOptions, lines_of
from ingestors.source import Unreadable
from schemas.errors import ConfigurationError
from schemas.mention import Language, Mention
from schemas.post import PostEvent, PostUpsert

BATCH: Final = 1_000
"""Posts per batch."""
_SHOWN = 10
T = TypeVar("T")


class LineFields(Struct):
    """What a line of JSON may hold for the offline commands alone, beside its post."""

    id: str | int
    lang: str | None = None
    targets: list[str] = []


_decode_fields = msgspec.json.Decoder(LineFields).decode


@dataclass(frozen=True, slots=True)
class Line:
    id: str | int
    """As the file writes it."""
    mention: Mention


@dataclass(slots=True)
class Bad:
    """The lines that are not posts: how many, and the errors of the first ones."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, complaint: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(complaint)


def open_posts(file: Path | None) -> BinaryIO:
    """The bytes of a file, or of standard input if it is None or ``-``."""
    if file is None or str(file) == "-":
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None


class PostReader:
    """One file of posts, or standard input if ``file`` is None or ``-``.

    ``source``: the source of posts without one. ``mapping``: the name of a shipped one, or a path.
    ``say`` gets one line about each thing that was decided or left out. Raises ConfigurationError
    or SourceError for a file that cannot be read as it is.
    """

    def __init__(
        self,
        file: Path | BinaryIO | None,
        *,
        source: str = "file",
        mapping: str | None = None,
        encoding: str | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        if file is None or str(file) == "-":
            file = sys.stdin.buffer
        self.bad = Bad()
        self._say = say
        options = ReadOptions(load_mapping(mapping) if mapping else None, encoding, source)
        self._file = PostFile(lines_of(file), options)

    @property
    def lines(self) -> Lines:
        """What the file holds, for a command that reads more than posts."""
        return self._file.lines

    def __enter__(self) -> "PostReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def events(self) -> Iterator[tuple[PostEvent, LineFields]]:
        """Every event, with what its line holds beside the post; others go to ``bad``."""
        while not self._file.start():
            pass
        for note in self._file.notes:
            self._say(note)
        for item in self._file:
            if isinstance(item.content, Unreadable):
                self.bad.add(item.content.detail)
                continue
            try:
                fields = _fields(item, item.content)
            except NotAPost as error:
                self.bad.add(f"line {item.line}: {error}")
            else:
                yield item.content, fields
        for remark in self._file.remarks():
            self._say(remark)

    def posts(self) -> Iterator[Line]:
        """The posts in the order of the file; deletions are passed over."""
        for event, fields in self.events():
            if isinstance(event, PostUpsert):
                # The line's own language is kept; the post's ``language`` is a platform's hint.
                language = Language(code=fields.lang.lower(), confidence=1) if fields.lang else None
                yield Line(fields.id, Mention(post=event.post, language=language))


def _fields(item: Item, event: PostEvent) -> LineFields:
    own = LineFields(event.id.removeprefix(f"{event.source}:"))
    if not item.payload:
        return own
    try:
        return _decode_fields(item.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        row: Any = parse(item.payload)  # it is the JSON of a post, but not quite as it should be
    if not isinstance(row.get("targets", []), list) or not all(
        isinstance(target, str) for target in row.get("targets", [])
    ):
        raise NotAPost("targets must be a list of strings")
    lang = row.get("lang")
    return LineFields(own.id, lang if isinstance(lang, str) else None, row.get("targets", []))


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch

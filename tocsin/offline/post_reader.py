"""Reads posts from files of JSON lines."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec
from msgspec import Struct

from ingestors.files.post_line import NotAPost, read_post_line
from runtime.clock import utc_now
from schemas.errors import ConfigurationError
from schemas.mention import Language, Mention
from schemas.post import PostEvent, PostUpsert

BATCH: Final = 1_000
"""Posts per batch."""
_SHOWN = 10
T = TypeVar("T")


class _LineFields(Struct):
    id: str | int
    lang: str | None = None


_decode_fields = msgspec.json.Decoder(_LineFields).decode


@dataclass(frozen=True, slots=True)
class Line:
    id: str | int
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
    if file is None:
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None


def read_lines(
    stream: BinaryIO, source: str, bad: Bad, decode: Callable[[bytes], T]
) -> Iterator[tuple[PostEvent, T]]:
    """The events of a file, each with what ``decode`` reads from its line beside the post.

    ``source`` is the source of lines without one. A line that is not a post, or for which
    ``decode`` raises :class:`NotAPost` or an error of msgspec, goes to ``bad``.
    """
    now = utc_now()
    for number, line in enumerate(stream, 1):
        if line.isspace():
            continue
        try:
            event = read_post_line(line, now, source), decode(line)
        except (NotAPost, msgspec.MsgspecError) as error:
            bad.add(f"line {number}: {error}")
        else:
            yield event


def read_posts(stream: BinaryIO, source: str, bad: Bad) -> Iterator[Line]:
    for event, fields in read_lines(stream, source, bad, _decode_fields):
        if isinstance(event, PostUpsert):
            # The line's own language is kept; the post's ``language`` is a platform's hint.
            language = Language(code=fields.lang.lower(), confidence=1) if fields.lang else None
            yield Line(fields.id, Mention(post=event.post, language=language))


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch

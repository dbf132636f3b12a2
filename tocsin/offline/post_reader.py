"""Posts out of files of JSON lines, for the commands that ask queries of them."""

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
"""Posts that are asked at once."""
_SHOWN = 10
T = TypeVar("T")


class _Given(Struct):
    """What a line may say beside its post: its id as written, and the language it is in."""

    id: str | int
    lang: str | None = None


_decode_given = msgspec.json.Decoder(_Given).decode


@dataclass(frozen=True, slots=True)
class Line:
    """A post and its id as the line gave it."""

    id: str | int
    mention: Mention


@dataclass(slots=True)
class Bad:
    """The lines that are no posts: how many, and what is wrong with the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, complaint: str) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(complaint)


def open_posts(file: Path | None) -> BinaryIO:
    """The file, or standard input if there is none."""
    if file is None:
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None


def read_lines(
    stream: BinaryIO, source: str, bad: Bad, decode: Callable[[bytes], T]
) -> Iterator[tuple[PostEvent, T]]:
    """The events of a file, each with what ``decode`` reads of its line beside the post.

    ``source`` is that of lines that do not name theirs. A line that is not a post, or of which
    ``decode`` raises :class:`NotAPost` or an error of msgspec, goes to ``bad``.
    """
    now = utc_now()
    for number, line in enumerate(stream, 1):
        if line.isspace():
            continue
        try:
            read = read_post_line(line, now, source), decode(line)
        except (NotAPost, msgspec.MsgspecError) as error:
            bad.add(f"line {number}: {error}")
        else:
            yield read


def read_posts(stream: BinaryIO, source: str, bad: Bad) -> Iterator[Line]:
    """The posts of a file, as :func:`read_lines` reads them; deletes are passed over."""
    for event, given in read_lines(stream, source, bad, _decode_given):
        if isinstance(event, PostUpsert):
            # The line's own language is believed; the post's ``language`` is a platform's hint.
            language = Language(code=given.lang.lower(), confidence=1) if given.lang else None
            yield Line(given.id, Mention(post=event.post, language=language))


def batches(every: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """``every`` in lists, read as they are needed."""
    waiting = iter(every)
    while batch := list(islice(waiting, size)):
        yield batch

"""Records of a file or a pipe as UTF-8, unpacked, counted and bounded.

A reader first has ``head(wait_s)``: the unpacked beginning, or None if it has not come. Then
``begin(charset, splitter)`` and ``next(wait_s)``: the next record, or None; ``ended`` tells whether
more can come. ``number`` counts the records.
"""

import codecs
import hashlib
import os
import select
import sys
from pathlib import Path
from typing import BinaryIO, Final

from ingestors.files.charset import UTF_8, Transcoder
from ingestors.files.compression import Damaged, Plain, Unpacker, foreign, unpacker_for
from ingestors.files.splitters import Splitter
from ingestors.source import SourceError

HEAD_BYTES: Final = 2**16
"""Length of the beginning that identifies a file, together with its size."""
MAX_HEAD: Final = 2**20
"""Unpacked bytes by which format and character set are told."""
_CHUNK: Final = 2**16


class Lines:
    """What files and pipes share; a subclass gives ``_pull`` and, at its end, ``b""``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0
        self.ended = False
        self._unpacker: Plain | Unpacker | None = None
        self._head = bytearray()
        self._drained = False
        self._damage: str | None = None
        self._splitter: Splitter | None = None
        self._transcoder: Transcoder | None = None

    @property
    def replaced(self) -> int:
        """Characters so far that are not in the file's character set."""
        return self._transcoder.replaced if self._transcoder else 0

    @property
    def is_whole(self) -> bool:
        """Whether the head is all of the file."""
        return self._drained

    def head(self, wait_s: float) -> bytes | None:
        """At least one line, if there is one; more of a file than of a pipe."""
        while not self._drained and len(self._head) < MAX_HEAD and not self._has_enough():
            if not self._fill(wait_s):
                return None
        return bytes(self._head)

    def _has_enough(self) -> bool:
        return b"\n" in self._head

    def begin(self, charset: str, splitter: Splitter) -> None:
        self._splitter = splitter
        self._transcoder = None if charset == UTF_8 else Transcoder(charset)
        head = bytes(self._head)
        self._head.clear()
        self._split(head.removeprefix(codecs.BOM_UTF8) if charset == UTF_8 else head)
        if self._drained and self._damage is None:
            self._finish(splitter)

    def next(self, wait_s: float) -> bytes | None:
        splitter = self._splitter
        assert splitter is not None, "begin() comes first"
        while not splitter.ready and not self._drained:
            if not self._fill(wait_s):
                return None
            if self._drained and self._damage is None:
                self._finish(splitter)
        if splitter.ready:
            self.number += 1
            return splitter.ready.popleft()
        if self._damage is not None:
            raise self._damaged(self._damage)
        self.ended = True
        return None

    def _finish(self, splitter: Splitter) -> None:
        if self._transcoder is not None:
            splitter.feed(self._transcoder.feed(b"", final=True))
        splitter.finish()

    def _fill(self, wait_s: float) -> bool:
        """Take more bytes; False if none came in time."""
        packed = self._pull(wait_s)
        if packed is None:
            return False
        try:
            if self._unpacker is None:
                self._refuse_foreign(packed)
                self._unpacker = unpacker_for(packed)
            if packed:
                for data in self._unpacker.feed(packed):
                    self._take(data)
            else:
                self._drained = True
                self._unpacker.finish()
        except Damaged as error:
            # What came before the damage is handed over first.
            self._damage, self._drained = str(error), True
        return True

    def _pull(self, wait_s: float) -> bytes | None:
        raise NotImplementedError

    def _refuse_foreign(self, first: bytes) -> None:
        if why := foreign(first):
            raise SourceError(f"{self.name} cannot be read: {why}")

    def _damaged(self, problem: str) -> SourceError:
        return SourceError(
            f"{self.name} is damaged after line {self.number} ({problem}); "
            "fetch it again, and read it from its beginning"
        )

    def _take(self, data: bytes) -> None:
        if self._splitter is None:
            self._head += data
        else:
            self._split(data)

    def _split(self, data: bytes) -> None:
        assert self._splitter is not None
        self._splitter.feed(self._transcoder.feed(data) if self._transcoder else data)


class FileLines(Lines):
    """A file, plain or packed, or a stream that may block, such as standard input."""

    def __init__(self, file: Path | BinaryIO, name: str = "standard input") -> None:
        super().__init__(str(file) if isinstance(file, Path) else name)
        self.fingerprint: dict[str, str | int] = {}
        self._peeked: bytes | None = None
        self._is_ours = isinstance(file, Path)
        self._raw = opened(file) if isinstance(file, Path) else file
        if isinstance(file, Path):
            self.fingerprint = fingerprint_of(self._raw, self.name)

    def _has_enough(self) -> bool:
        return not self._is_ours and super()._has_enough()

    def first(self) -> bytes:
        """The first bytes as they are in the file; they are not consumed."""
        if self._peeked is None:
            self._peeked = self._pull(0.0)
        return self._peeked or b""

    def rest(self, limit: int) -> bytes:
        """All bytes as they are in the file, at most one more than ``limit``."""
        first, self._peeked = self.first(), None
        return first + self._raw.read(limit + 1 - len(first))

    def _pull(self, wait_s: float) -> bytes | None:
        if self._peeked is not None:
            first, self._peeked = self._peeked, None
            return first
        try:
            # read1 gives what is there: a line of a live pipe is not held back.
            read = getattr(self._raw, "read1", self._raw.read)
            return bytes(read(_CHUNK))
        except OSError as error:
            raise self._damaged(str(error)) from None

    def close(self) -> None:
        if self._is_ours:
            self._raw.close()


def opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(str(path), error) from None


def fingerprint_of(raw: BinaryIO, name: str) -> dict[str, str | int]:
    """Size and hash of the beginning; the position stays at the start."""
    try:
        head = raw.read(HEAD_BYTES)
        raw.seek(0)
        size = os.fstat(raw.fileno()).st_size
    except OSError as error:
        raise _unreadable(name, error) from None
    return {"size": size, "head": hashlib.blake2b(head, digest_size=8).hexdigest()}


def _unreadable(name: str, error: OSError) -> SourceError:
    reason = error.strerror or error
    return SourceError(f"{name} cannot be read ({reason}); check its name and permissions")


class PipeLines(Lines):
    """Standard input or another pipe; never blocks longer than ``wait_s``."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        super().__init__("standard input")
        self._descriptor = (stream or sys.stdin.buffer).fileno()

    def _pull(self, wait_s: float) -> bytes | None:
        if not select.select([self._descriptor], [], [], wait_s)[0]:
            return None
        try:
            return os.read(self._descriptor, _CHUNK)
        except OSError as error:
            raise SourceError(
                f"standard input cannot be read ({error.strerror}); pipe a file into it"
            ) from None

    def close(self) -> None:
        pass  # standard input is not ours to close

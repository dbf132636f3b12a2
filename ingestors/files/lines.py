"""Lines of a file or a pipe, counted, and never more of one than a bound.

Both readers have ``next(wait_s)``: the next line with its line feed, or None when there is none
(yet): ``ended`` then says whether there ever will be. A line beyond ``MAX_LINE_BYTES`` comes cut
to one byte more than that, and the rest of it is passed over.
"""

import gzip
import hashlib
import io
import os
import re
import select
import zlib
from collections import deque
from pathlib import Path
from typing import BinaryIO, Protocol

from ingestors.source import SourceError

MAX_LINE_BYTES = 4 * 2**20
"""Three times the longest post that tocsin keeps, with every character escaped."""
HEAD_BYTES = 2**16
"""How much of a file's beginning tells it from another of the same size."""
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE = re.compile(rb"[^\n]*\n|[^\n]+")


class Lines(Protocol):
    """Where lines come from."""

    number: int
    """How many were handed out."""
    ended: bool

    def next(self, wait_s: float) -> bytes | None:
        """The next line; waits at most so long for it."""

    def close(self) -> None:
        """Let go of the file; safe to call twice."""


def _unopened(path: Path, error: OSError) -> SourceError:
    return SourceError(
        f"{path} cannot be read ({error.strerror or error}); check the name and who may read it"
    )


def fingerprint(path: Path) -> dict[str, str | int]:
    """What tells whether a file is still the one of the last time: its size and its beginning."""
    try:
        with path.open("rb") as file:
            head = hashlib.blake2b(file.read(HEAD_BYTES), digest_size=8).hexdigest()
            return {"size": os.fstat(file.fileno()).st_size, "head": head}
    except OSError as error:
        raise _unopened(path, error) from None


class FileLines:
    """Lines of a file, plain or gzip (told by its first bytes, not by its name)."""

    def __init__(self, path: Path) -> None:
        self.number = 0
        self.ended = False
        self._path = path
        self._damage: SourceError | None = None
        try:
            self._raw = path.open("rb")
            zipped = self._raw.read(2) == _GZIP_MAGIC
            self._raw.seek(0)
        except OSError as error:
            raise _unopened(path, error) from None
        self._file: BinaryIO = (
            io.BufferedReader(gzip.GzipFile(fileobj=self._raw), 2**18) if zipped else self._raw
        )

    def next(self, wait_s: float) -> bytes | None:
        """The next line; a file keeps nobody waiting."""
        try:
            line = self._file.readline(MAX_LINE_BYTES + 1)
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                self._pass_over_rest()
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(
                f"{self._path} is damaged behind line {self.number} ({error}); "
                "fetch it again, and start again from its beginning"
            ) from None
        if not line:
            self.ended = True
            return None
        self.number += 1
        return line

    def _pass_over_rest(self) -> None:
        while True:
            rest = self._file.readline(MAX_LINE_BYTES)
            if not rest or rest.endswith(b"\n"):
                return

    def close(self) -> None:
        self._file.close()
        self._raw.close()


class PipeLines:
    """Lines of standard input or another pipe, without ever blocking for longer than asked."""

    def __init__(self, stream: BinaryIO) -> None:
        self.number = 0
        self.ended = False
        self._descriptor = stream.fileno()
        self._whole: deque[bytes] = deque()
        self._begun = bytearray()
        self._passing_over = False
        self._drained = False

    def next(self, wait_s: float) -> bytes | None:
        if not self._whole and not self._drained:
            self._fill(wait_s)
        if self._whole:
            self.number += 1
            return self._whole.popleft()
        self.ended = self._drained
        return None

    def _fill(self, wait_s: float) -> None:
        if not select.select([self._descriptor], [], [], wait_s)[0]:
            return
        try:
            data = os.read(self._descriptor, HEAD_BYTES)
        except OSError as error:
            raise SourceError(
                f"standard input cannot be read ({error.strerror}); pipe a file into it"
            ) from None
        if self.number == 0 and not self._begun and data.startswith(_GZIP_MAGIC):
            raise SourceError("standard input is gzip; pipe it through `gzip -dc` first")
        self._drained = not data
        for piece in _PIECE.findall(data):
            self._take(piece)
        if self._drained and self._begun:
            self._finish()

    def _take(self, piece: bytes) -> None:
        """Add a piece that holds at most one line feed, at its end."""
        if not self._passing_over:
            self._begun += piece
        ends = piece.endswith(b"\n")
        if len(self._begun) > MAX_LINE_BYTES:
            del self._begun[MAX_LINE_BYTES + 1 :]
            self._passing_over = True
        if ends:
            self._finish()

    def _finish(self) -> None:
        self._whole.append(bytes(self._begun))
        self._begun.clear()
        self._passing_over = False

    def close(self) -> None:
        pass  # standard input is not ours to close

"""Lines of a file or a pipe, counted and bounded.

Both readers have ``next(wait_s)``: the next line with its line feed, or None. Then ``ended`` tells
whether more can come. A line longer than ``MAX_LINE_BYTES`` is cut to one byte more than that.
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
from typing import BinaryIO

from ingestors.source import SourceError

MAX_LINE_BYTES = 4 * 2**20
"""Three times the longest post that tocsin keeps, with every character escaped."""
HEAD_BYTES = 2**16
"""Length of the beginning that identifies a file, together with its size."""
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE = re.compile(rb"[^\n]*\n|[^\n]+")


class FileLines:
    """Lines of a file, plain or gzip (recognised by its first bytes, not by its name)."""

    def __init__(self, path: Path) -> None:
        self.number = 0
        self.ended = False
        self._path = path
        try:
            self._raw = path.open("rb")
            head = self._raw.read(HEAD_BYTES)
            self._raw.seek(0)
        except OSError as error:
            reason = error.strerror or error
            raise SourceError(
                f"{path} cannot be read ({reason}); check its name and permissions"
            ) from None
        self.fingerprint: dict[str, str | int] = {
            "size": os.fstat(self._raw.fileno()).st_size,
            "head": hashlib.blake2b(head, digest_size=8).hexdigest(),
        }
        zipped = head.startswith(_GZIP_MAGIC)
        self._file: BinaryIO = (
            io.BufferedReader(gzip.GzipFile(fileobj=self._raw), 2**18) if zipped else self._raw
        )

    def next(self, wait_s: float) -> bytes | None:
        try:
            line = self._file.readline(MAX_LINE_BYTES + 1)
            rest = line if len(line) > MAX_LINE_BYTES else b""
            while rest and not rest.endswith(b"\n"):
                rest = self._file.readline(MAX_LINE_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(
                f"{self._path} is damaged after line {self.number} ({error}); "
                "fetch it again, and replay it from its beginning"
            ) from None
        if not line:
            self.ended = True
            return None
        self.number += 1
        return line

    def close(self) -> None:
        self._file.close()
        self._raw.close()


class PipeLines:
    """Lines of standard input or another pipe; never blocks longer than ``wait_s``."""

    def __init__(self, stream: BinaryIO) -> None:
        self.number = 0
        self.ended = False
        self._descriptor = stream.fileno()
        self._complete: deque[bytes] = deque()
        self._partial = bytearray()
        self._skipping = False
        self._drained = False

    def next(self, wait_s: float) -> bytes | None:
        if not self._complete and not self._drained:
            self._fill(wait_s)
        if self._complete:
            self.number += 1
            return self._complete.popleft()
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
        if self.number == 0 and not self._partial and data.startswith(_GZIP_MAGIC):
            raise SourceError("standard input is gzip; pipe it through `gzip -dc` first")
        self._drained = not data
        for piece in _PIECE.findall(data):
            self._take(piece)
        if self._drained and self._partial:
            self._finish()

    def _take(self, piece: bytes) -> None:
        """Add a piece that holds at most one line feed, at its end."""
        if not self._skipping:
            self._partial += piece
        if len(self._partial) > MAX_LINE_BYTES:
            del self._partial[MAX_LINE_BYTES + 1 :]
            self._skipping = True
        if piece.endswith(b"\n"):
            self._finish()

    def _finish(self) -> None:
        self._complete.append(bytes(self._partial))
        self._partial.clear()
        self._skipping = False

    def close(self) -> None:
        pass  # standard input is not ours to close


Lines = FileLines | PipeLines

"""Unpacks gzip and Zstandard piece by piece; what a file is, its first bytes tell, not its name."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import zstandard

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZIP: Final = b"PK\x03\x04"
_PIECE: Final = 1_024
"""Packed bytes at a time: a piece of the worst archive unpacks to 32 MiB."""
_MAX_WINDOW: Final = 2**27

_FOREIGN: Final = {
    b"BZh": "it is packed with bzip2; unpack it first (bzip2 -dc)",
    b"\xfd7zXZ\x00": "it is packed with xz; unpack it first (xz -dc)",
    b"7z\xbc\xaf": "it is a 7-Zip archive; unpack it first",
    b"PAR1": "it is a Parquet file; save it as CSV or JSON lines",
    b"\xd0\xcf\x11\xe0": "it is a workbook of Excel 97; save it as .xlsx or CSV",
    b"%PDF": "it is a PDF; save the posts as CSV or JSON lines",
}


class Damaged(Exception):
    """Packed data ends early or is not what its first bytes say."""


def foreign(head: bytes) -> str | None:
    """Why these first bytes begin no file of posts, and what to do; None if they may."""
    return next((why for magic, why in _FOREIGN.items() if head.startswith(magic)), None)


class Plain:
    """Passes data on: the unpacker of what is not packed."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        pass


class Unpacker:
    """Unpacks a stream of one or more members."""

    def __init__(self, magic: bytes) -> None:
        self._magic = magic
        self._new: Callable[[], Any] = _gzip if magic == GZIP else _zstd
        self._member: Any = self._new()
        self._is_open = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The unpacked data, in pieces; raises :class:`Damaged`."""
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            while piece:
                if not self._is_open:
                    piece = piece.lstrip(b"\x00")  # padding between members
                    if not piece:
                        break
                    self._member, self._is_open = self._new(), True
                yield self._unpack(piece)
                piece = self._member.unused_data if self._member.eof else b""
                self._is_open = not self._member.eof

    def _unpack(self, piece: bytes) -> bytes:
        try:
            return bytes(self._member.decompress(piece))
        except (zlib.error, zstandard.ZstdError) as error:
            raise Damaged(str(error)) from None

    def finish(self) -> None:
        if self._is_open:
            raise Damaged("it ends before the end of its packed data")


def _gzip() -> Any:
    return zlib.decompressobj(wbits=31)


def _zstd() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()


def unpacker_for(head: bytes) -> Plain | Unpacker:
    for magic in (GZIP, ZSTD):
        if head.startswith(magic):
            return Unpacker(magic)
    return Plain()

"""States as bytes: as snapshots carry them, and as brands at rest are kept."""

from typing import TypeVar

import msgspec
import zstandard

_LEVEL = 3
S = TypeVar("S", bound=msgspec.Struct)


def pack(state: msgspec.Struct) -> bytes:
    """A state as a snapshot carries it."""
    return zstandard.compress(msgspec.msgpack.encode(state), _LEVEL)


def unpack(data: bytes, type_: type[S]) -> S | None:
    """The state that a snapshot carries; None where these bytes are none."""
    try:
        return msgspec.msgpack.decode(zstandard.decompress(data), type=type_)
    except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError):
        return None

"""The snapshot of one brand's detector, and how it is packed."""

from typing import Final, TypeVar

import msgspec
import zstandard
from msgspec import Struct, field

from processors.detector.afterwards import Told
from processors.detector.lifecycle import AlertLifecycle
from processors.detector.state.baseline import Baseline
from processors.detector.state.counts import CountsState
from processors.detector.state.late_counts import LateState
from processors.detector.state.recurrence import Recurrence
from processors.detector.state.volume import VolumeBaselinesState

_LEVEL: Final = 3
"""Of the zstandard compression."""
S = TypeVar("S", bound=Struct)


class Packer:
    """Packs and unpacks states; not thread-safe. To make one costs more than to pack a state."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(_LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    def pack(self, state: Struct) -> bytes:
        packed: bytes = self._compressor.compress(msgspec.msgpack.encode(state))
        return packed

    def unpack(self, data: bytes, type_: type[S]) -> S | None:
        """The state; None if it is broken."""
        try:
            return msgspec.msgpack.decode(self._decompressor.decompress(data), type=type_)
        except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError):
            return None


def pack(state: Struct) -> bytes:
    return Packer().pack(state)


def unpack(data: bytes, type_: type[S]) -> S | None:
    return Packer().unpack(data, type_)


class DetectorState(Struct, kw_only=True):
    """The snapshot of one brand's detector."""

    brand: str
    looked: int = 0
    counts: CountsState = field(default_factory=CountsState)
    baseline: Baseline = field(default_factory=Baseline, name="usual")
    volumes: VolumeBaselinesState = field(default_factory=VolumeBaselinesState)
    lifecycle: AlertLifecycle = field(default_factory=AlertLifecycle, name="episode")
    heard: int = -1
    """Minute from which the brand was heard live, or known and silent; 0 before it, -1 in states
    that are older than this field."""
    afterwards: LateState | None = None
    told: list[Told] = field(default_factory=list)
    recurrence: Recurrence = field(default_factory=Recurrence)

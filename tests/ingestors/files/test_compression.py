"""gzip and Zstandard, piece by piece, in one or more members; damage is told."""

import gzip

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingestors.files.compression import Damaged, foreign, unpacker_for

PACKERS = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "plain": bytes,
}
DATA = bytes(range(256)) * 40


def unpacked(data: bytes, size: int = 2**16) -> bytes:
    unpacker = unpacker_for(data)
    parts = [
        piece for at in range(0, len(data), size) for piece in unpacker.feed(data[at : at + size])
    ]
    unpacker.finish()
    return b"".join(parts)


@given(st.sampled_from(sorted(PACKERS)), st.lists(st.binary(), min_size=1), st.integers(1, 50))
def test_members_in_any_pieces(name: str, members: list[bytes], size: int) -> None:
    if name == "plain":
        members = [b"{", *members]  # so it is not taken for something else
    packed = b"".join(map(PACKERS[name], members))
    assert unpacked(packed, size) == b"".join(members)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_an_early_end_and_damage_are_told(name: str) -> None:
    packed = PACKERS[name](DATA)
    with pytest.raises(Damaged):
        unpacked(packed[:-4])
    with pytest.raises(Damaged):
        unpacked(packed[:20] + b"\xff" * 20 + packed[40:])


def test_padding_after_gzip_is_passed_over() -> None:
    assert unpacked(gzip.compress(DATA) + bytes(512)) == DATA


@pytest.mark.parametrize("head", [b"BZh9", b"\xfd7zXZ\x00\x00", b"PAR1", b"\xd0\xcf\x11\xe0"])
def test_other_formats_are_named_with_what_to_do(head: bytes) -> None:
    why = foreign(head)
    assert why is not None
    assert "it is" in why


def test_a_file_of_posts_is_not_foreign() -> None:
    assert foreign(b'{"id": 1}') is None

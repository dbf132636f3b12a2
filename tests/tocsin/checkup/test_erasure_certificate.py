"""An author is found in whatever a message is packed in, and the verdict is that of the time."""

import base64
import json
from datetime import timedelta

import pytest
import zstandard

from schemas.codec import DEAD_LETTER, DETECTOR_STATE, POST_EVENT
from schemas.dead_letter import DeadLetter
from schemas.detector_state import DetectorSnapshot
from schemas.ids import author_hash
from schemas.topic_registry import topics
from tests import make
from tests.make import AT
from tocsin.checkup.erasure_certificate import (
    Kept,
    Needles,
    Verdict,
    finding,
    is_proven,
    names_in,
    places,
)

DID = "did:plc:abcdefghijklmnop"
NEEDLES = Needles("bluesky", DID, ["Ada.Example"])
POST = make.post(id=f"bluesky:{DID}/3kabcdefghi2a", author=DID, url=f"https://x.example/{DID}")


def letter(payload: bytes) -> bytes:
    return DEAD_LETTER.encode(
        DeadLetter(service="process", reason="too_large", detail="x", at=AT, payload=payload)
    )


def snapshot(state: bytes) -> bytes:
    return DETECTOR_STATE.encode(
        DetectorSnapshot(brand="velmora", partition=0, offset=0, saved_at=AT, format=1, state=state)
    )


PLAIN = POST_EVENT.encode(make.upsert(POST))


@pytest.mark.parametrize(
    "data",
    [
        DID.encode(),
        PLAIN,
        author_hash("bluesky", DID).encode(),
        b"by @ada.example:",
        letter(PLAIN),
        letter(letter(PLAIN)),
        snapshot(zstandard.compress(b"\x81" + DID.encode())),
        json.dumps({"url": f"https://bsky.app/profile/{DID}/post/3k"}).encode(),
    ],
)
def test_an_author_is_found_in_whatever_packing(data: bytes) -> None:
    assert NEEDLES.count(data) > 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DID[:-1].encode(),
        (DID + "q").encode(),
        b'{"a": "====", "b": "bm90aGluZyBoZXJl"}',
        b"\x28\xb5\x2f\xfdnot zstd",
        snapshot(b"\x28\xb5\x2f\xfd"),
        b"{" * 100_000,
    ],
)
def test_nobody_else_is_found(data: bytes) -> None:
    assert NEEDLES.count(data) == 0


def test_a_short_account_id_is_a_whole_word() -> None:
    needles = Needles("x", "17")
    assert needles.count(b'{"author":{"id":"17"},"id":"x:170","likes":1717}') == 1


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zstandard.ZstdCompressor(write_content_size=False).compress(b"0" * 200_000_000)
    assert NEEDLES.count(snapshot(bomb)) == 0


def test_posts_tell_the_names_of_their_author() -> None:
    assert set(names_in(PLAIN, DID)) == {POST.id, POST.url}
    assert list(names_in(PLAIN, "someone-else")) == []
    assert list(names_in(b"[1]", DID)) == list(names_in(b"{", DID)) == []


@pytest.mark.parametrize(
    ("hits", "days", "unread", "verdict"),
    [
        (0, None, "", "clean"),
        (3, 1, "", "in time"),
        (3, -1, "", "left"),
        (3, None, "", "left"),
        (0, None, "the limit", "not read"),
        (3, 1, "the limit", "not read"),
    ],
)
def test_the_verdict_is_that_of_the_time(
    hits: int, days: int | None, unread: str, verdict: Verdict
) -> None:
    by = None if days is None else AT + timedelta(days=days)
    found = finding("a place", 9, hits, by, AT, unread)
    assert found.verdict == verdict
    assert is_proven([found]) is (verdict in ("clean", "in time"))


def test_the_table_has_every_topic_with_messages_about_people() -> None:
    table = {place.name: place for place in places(topics(), Kept(50, 30, 24))}
    named = {name.removeprefix("topic ") for name in table if name.startswith("topic ")}
    assert named == topics().keys() - {"brands", "coverage"}
    kept = {name: table[f"topic {name}"].kept or timedelta() for name in named}
    assert kept["posts"] == timedelta(days=8, hours=1)
    assert kept["alerts"] <= timedelta(days=30, hours=1)
    assert max(kept["posts"] + kept["mentions"], kept["dead-letters"]) < timedelta(days=50)
    assert base64.b64encode(b"") == b""

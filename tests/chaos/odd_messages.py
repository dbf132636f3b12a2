"""Messages that a stranger could put on a topic: each must end as handled, or as a dead letter.

``garbage`` must become a letter. ``odd_posts`` may be handled, too; their ids begin with ``odd:``.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.codec import POST_EVENT
from schemas.topic_registry import topics
from tests import make
from tests.chaos.ledger import POISON, START

ODD = "odd:"

_FRAMING = 100_000
"""Bytes that a message may be smaller than the topic permits."""


class Odd(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def garbage(topic: str = "posts") -> list[Odd]:
    """No service can read these values; the keys and headers are strange as well.

    The largest one is as large as the topic permits.
    """
    largest = topics()[topic].max_message_bytes - _FRAMING
    return [
        *(Odd(b"poison", value) for value in POISON),
        Odd(b"", b"empty key"),
        Odd(None, b"no key"),
        Odd(b"\xff\xfe", b"a key that is no text"),
        Odd(b"k" * largest, b"a key as large as the topic permits"),
        Odd(b"k" * 2_000, b"a key of two kilobytes"),
        Odd(b"poison", None),
        Odd(b"poison", b""),
        Odd(b"poison", b"\x00" * 100_000),
        Odd(b"poison", b'{"op":"upsert"' * 1_000),
        Odd(b"poison", b"{" * 500_000),
        Odd(b"poison", b'"' + b"\\u0000" * 100_000),
        Odd(b"poison", b"1" * largest),
        Odd(b"poison", b"headers", tuple((f"h{n}", b"v") for n in range(500))),
        Odd(b"poison", b"replays", (("tocsin-replays", b"9" * 50_000),)),
        Odd(b"poison", b"replays", (("tocsin-replays", b"\xff"), ("tocsin-replays", b"-1"))),
    ]


def odd_posts() -> Iterator[Odd]:
    """Well-formed posts with extreme content."""
    for number, changed in enumerate(_changes()):
        post = make.post("velmora est en panne", id=f"{ODD}{number}", created_at=START)
        event = json.loads(POST_EVENT.encode(make.upsert(post, 1, START)))
        _change(event, changed)
        yield Odd(event["id"].encode(), json.dumps(event).encode())


def _changes() -> Iterator[dict[str, Any]]:
    for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        yield {"post.created_at": moment}
        yield {"ingested_at": moment}
        yield {"post.edited_at": moment}
    for version in (0, 2**53, 2**63 - 1, 2**63, 2**64, -1):
        yield {"version": version}
    for text in (
        "velmora " * 12_000,
        "velmora\u0000" + "\ud83d\ude00" * 20_000,
        "@" * 90_000 + " velmora",
        "#" + "a" * 90_000 + " velmora",
        "velmora https://" + "a." * 45_000,
        "velmora " + "e\u0301" * 45_000,
        "velmora " + "\u202e\u200d" * 45_000,
        "velmora " + "(((" * 30_000,
        "velmora " + "a" * 99_000,
        "velmora " + "мир 世界 " * 12_000,
    ):
        yield {"post.text": text}
    yield {"post.hashtags": ["velmora"] * 20_000}
    yield {"post.mentions": ["m" * 5_000] * 100}
    yield {"post.links": ["https://example.com/" + "x" * 10_000] * 50}
    yield {"post.labels": {f"label{n}": "v" for n in range(5_000)}}
    yield {"post.author.followers": 2**62}
    yield {"post.url": "javascript:alert(1)"}


def _change(event: dict[str, Any], changes: dict[str, Any]) -> None:
    for path, value in changes.items():
        *parents, name = path.split(".")
        place = event
        for parent in parents:
            place = place[parent]
        place[name] = value

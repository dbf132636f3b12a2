"""Where the words and the name of an author are kept, how long, and what was found of them. Pure.

:func:`places` is the table of docs/operations.md. A certificate holds one finding for each place.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from schemas.ids import author_hash
from schemas.topic_registry import Topic
from sinks.alerts.deliveries import KEPT

Verdict = Literal["clean", "in time", "left", "not read"]
"""``in time``: what is left is younger than the stated time. ``not read``: the search ended at a
limit or an error, so nothing is proven."""
MAX_DEPTH = 4
"""Messages within messages: a dead letter holds a payload that may hold another."""
MAX_UNPACKED = 64 * 2**20
MAX_NAMES = 100
"""Ids, URLs and handles that are looked for beside the account's id."""
MIN_NAME = 5
_ZSTD = b"\x28\xb5\x2f\xfd"
_MIN_BASE64 = 12
HOUR = timedelta(hours=1)
"""Kafka and the housekeeping look that often for what is old."""
UNSAVED = timedelta(hours=3)
"""Event time after which the state of a brand that fell silent is saved without posts."""
FORGETS = timedelta(days=1)
"""The same where no brand is heard, so that event time stands still."""


class Place(NamedTuple):
    name: str
    holds: str
    gone: str
    """Within what time, in words."""
    kept: timedelta | None
    """The same for machines; None where it is not ours to say."""


class Kept(NamedTuple):
    """The settings that the times depend on."""

    tombstone_days: float
    snapshot_days: float
    expunge_hours: float


_TOPICS = {
    "posts": "posts as published",
    "mentions": "posts with annotations",
    "activity": "ids and URLs of posts, hashes of authors",
    "alerts": "ids and URLs of posts, hashes of authors, in the evidence",
    "alert-deliveries": "the body of an open alert that an Alertmanager is told again",
    "dead-letters": "whole messages",
    "detector-state": "ids and URLs of the latest posts of a brand, hashes of authors",
    "checkpoints": "positions of sources",
}


def places(topics: dict[str, Topic], kept: Kept) -> list[Place]:
    """Every place, with the times that follow from the settings and the topic registry."""
    disk = f"; from the disk within {kept.expunge_hours:g} hours more"
    tombstones = timedelta(days=kept.tombstone_days) + HOUR
    erasures = timedelta(days=kept.tombstone_days + kept.snapshot_days) + HOUR
    rows = [
        Place("index mentions", "posts, reposts of their words", f"at once{disk}", timedelta()),
        Place("index alerts", "evidence: posts, carriers, terms", f"at once{disk}", timedelta()),
        Place("index reports", "ids of posts and accounts", f"at once{disk}", timedelta()),
        Place("tombstones", "the id of a deleted post", _days(tombstones) + disk, tombstones),
        Place("index removals", "hashes of ids of posts", _days(tombstones) + disk, tombstones),
        Place("index erasures", "the account's id", _days(erasures) + disk, erasures),
    ]
    for name, holds in _TOPICS.items():
        time = timedelta(days=topics[name].kept_days) + HOUR
        if name == "alert-deliveries":
            time += KEPT
        if name == "detector-state":
            time += UNSAVED + FORGETS
            gone = f"{_days(time)}, while the detector runs"
        else:
            gone = _days(time)
        rows.append(Place(f"topic {name}", holds, gone, time))
    return [
        *rows,
        Place(
            "memory of the detector",
            "as detector-state",
            "3 hours, or a day if nothing is heard",
            None,
        ),
        Place(
            "local files",
            ".tocsin, TOCSIN_PROCESS_DATA_DIR, reports and exports of commands",
            "when you delete them; --files searches others",
            None,
        ),
        Place("notes of people on alerts", "what they typed", "not ours: edit the alert", None),
        Place("snapshots of Elasticsearch", "as the indices", "not ours: delete them", None),
        Place("what channels sent", "mails, chats, tickets", "not ours: ask the receivers", None),
    ]


def _days(time: timedelta) -> str:
    days = -(-time // timedelta(days=1))
    return f"within {days} days"


class Needles:
    """What an author is known by: looked for in any bytes, in any case, as whole words."""

    def __init__(self, source: str, author_id: str, others: Iterable[str] = ()) -> None:
        self.hash = author_hash(source, author_id)
        self.author_id = author_id
        words = {author_id, self.hash, *others}
        forms = {form for word in words if word for form in (word, json.dumps(word)[1:-1])}
        either = b"|".join(
            re.escape(form.encode("utf-8", "replace")) for form in sorted(forms, key=len)[::-1]
        )
        self._pattern = re.compile(
            rb"(?<![0-9A-Za-z_-])(?:" + either + rb")(?![0-9A-Za-z_-])", re.I
        )

    def count(self, data: bytes) -> int:
        """How often the author is named, also within Base64, JSON strings and zstd."""
        return sum(len(self._pattern.findall(layer)) for layer in layers(data))


def names_in(message: bytes, author_id: str) -> Iterator[str]:
    """The id, the URL and the handle of a post or mention, if the author wrote it."""
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        return
    if not isinstance(event, dict):
        return
    mention = event.get("mention")
    post = mention.get("post") if isinstance(mention, dict) else event.get("post")
    if not isinstance(post, dict) or not isinstance(author := post.get("author"), dict):
        return
    if author.get("id") == author_id:
        names = (post.get("id"), post.get("url"), author.get("handle"))
        yield from (name for name in names if isinstance(name, str) and len(name) >= MIN_NAME)


def layers(data: bytes, depth: int = MAX_DEPTH) -> Iterator[bytes]:
    """The bytes, and what is packed in them."""
    yield data
    if not depth:
        return
    if data.startswith(_ZSTD):
        unpacked = _unpacked(data)
        if unpacked is not None:
            yield from layers(unpacked, depth - 1)
        return
    if not data.lstrip().startswith((b"{", b"[")):
        return
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    for text in _strings(value):
        inner = _from_base64(text)
        if inner is not None:
            yield from layers(inner, depth - 1)


def _unpacked(data: bytes) -> bytes | None:
    import zstandard  # takes time to load, and most messages are not compressed

    try:
        with zstandard.ZstdDecompressor().stream_reader(data) as reader:
            return reader.read(MAX_UNPACKED)
    except zstandard.ZstdError:
        return None


def _strings(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)


def _from_base64(text: str) -> bytes | None:
    if len(text) < _MIN_BASE64 or len(text) % 4 or not text.isascii():
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


class Finding(NamedTuple):
    place: str
    looked_at: int
    """Documents, messages or files."""
    hits: int
    gone_by: datetime | None
    verdict: Verdict
    note: str = ""


def finding(
    place: str,
    looked_at: int,
    hits: int,
    gone_by: datetime | None,
    now: datetime,
    unread: str = "",
) -> Finding:
    """The finding of one place. ``unread``: why not everything was looked at."""
    verdict: Verdict = "clean"
    if hits:
        verdict = "in time" if gone_by is not None and gone_by >= now else "left"
    if unread and verdict != "left":
        verdict = "not read"
    return Finding(place, looked_at, hits, gone_by if hits else None, verdict, unread)


def is_proven(findings: Iterable[Finding]) -> bool:
    """Whether nothing is left but what is inside its stated time."""
    return all(each.verdict in ("clean", "in time") for each in findings)

"""The ledger: a seeded stream of known events, and the exact end state that it must have.

The oracle knows which brand each text names, since it wrote the text: it runs no code of the
stream. An event belongs to one post, and a post to one partition.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from schemas.codec import POST_EVENT
from schemas.dead_letter import DeadLetter
from schemas.post import PostEvent
from schemas.types import Op
from tests import make

BRANDS = [make.brand(name) for name in ("velmora", "corvo", "mirabelle")]
"""Their names are words that no other text of the ledger has."""
START = datetime(2026, 3, 1, tzinfo=UTC)
SOURCE = "forum"
POISON = (
    b"\xff\xfe\x00",
    b"[" * 10_000,
    b"null",
    b'{"op":"upsert","id":"x:1"}',
    b'{"op":"explode","id":"x:1","source":"x","version":1,"ingested_at":"2026-01-01T00:00:00Z"}',
)
"""Payloads that no service can read."""
_TEXTS = (
    "{brand} est en panne depuis ce matin, message {number}",
    "I love {brand}, best service ever, note {number}",
    "{brand} again and again, ticket {number}",
)
_NOISE = "Il fait beau aujourd'hui, phrase {number}"
Kind = Op | Literal["poison"]


class Sent(NamedTuple):
    """A message of the ledger; ``event`` is None for poison."""

    key: bytes
    value: bytes
    event: PostEvent | None
    brand: str | None
    author: str

    @property
    def kind(self) -> Kind:
        return "poison" if self.event is None else self.event.op


class Coordinate(NamedTuple):
    """Where Kafka put a message."""

    partition: int
    offset: int


@dataclass
class Shares:
    """The share of each kind of event; the rest are new posts."""

    edit: float = 0.10
    delete: float = 0.05
    erase: float = 0.002
    poison: float = 0.01
    noise: float = 0.2
    """Of the new and edited posts: those that name no brand."""


class Ledger:
    """Writes events one after another, and knows the end state of those it wrote.

    ``per_second``: posts a second of event time.
    """

    def __init__(
        self,
        seed: int,
        shares: Shares | None = None,
        authors: int = 200,
        per_second: float = 1.0,
        start: datetime = START,
        prefix: str = "",
    ) -> None:
        self.shares = shares or Shares()
        self.sent: list[Sent] = []
        self._random = random.Random(seed)
        self._step = timedelta(seconds=1 / per_second)
        self._start = start
        self._prefix = prefix
        self._now = start
        self._alive: list[Sent] = []
        self._written = self._accounts = 0
        self._authors = [self._new_author() for _ in range(authors)]

    def events(self, count: int) -> Iterator[Sent]:
        """The next events; the same seed gives the same stream, however it is cut."""
        for _ in range(count):
            self._now += self._step
            self._written += 1
            message = self._next()
            self.sent.append(message)
            yield message

    def _next(self) -> Sent:
        shares, dice = self.shares, self._random.random()
        for kind, share in (
            ("poison", shares.poison),
            ("erase", shares.erase),
            ("delete", shares.delete),
            ("edit", shares.edit),
        ):
            if dice < share and (kind == "poison" or self._alive):
                return getattr(self, f"_{kind}")()  # type: ignore[no-any-return]
            dice -= share
        return self._upsert(f"{SOURCE}:{self._prefix}{self._written}", self._author(), None)

    def _author(self) -> str:
        return self._random.choice(self._authors)

    def _new_author(self) -> str:
        self._accounts += 1
        return f"did:plc:{self._prefix}author{self._accounts:06}"

    @property
    def version(self) -> int:
        """Microseconds since the start of the ledger; every event has its own."""
        return (self._now - self._start) // timedelta(microseconds=1)

    def _upsert(self, id_: str, author: str, edited: datetime | None) -> Sent:
        noise = self._random.random() < self.shares.noise
        brand = None if noise else self._random.choice(BRANDS).id
        text = _NOISE if brand is None else self._random.choice(_TEXTS)
        post = make.post(
            text.format(brand=(brand or "").title(), number=self._written),
            id=id_,
            author=author,
            created_at=self._now if edited is None else edited,
            edited_at=None if edited is None else self._now,
        )
        sent = self._message(make.upsert(post, self.version, self._now), brand, author)
        self._alive.append(sent)
        return sent

    def _edit(self) -> Sent:
        before = self._pick()
        assert before.event is not None and before.event.op == "upsert"
        return self._upsert(before.event.id, before.author, before.event.post.created_at)

    def _delete(self) -> Sent:
        before = self._pick()
        assert before.event is not None and before.event.op == "upsert"
        created_at = before.event.post.created_at if self._random.random() < 0.5 else None
        event = make.delete(before.event.id, self.version, created_at)
        return self._message(event, before.brand, before.author)

    def _erase(self) -> Sent:
        author = self._pick().author
        self._alive = [message for message in self._alive if message.author != author]
        self._authors[self._authors.index(author)] = self._new_author()
        return self._message(make.erase(author, self.version, SOURCE), None, author)

    def _poison(self) -> Sent:
        key = f"poison:{self._prefix}{self._written}".encode()
        return Sent(key, self._random.choice(POISON), None, None, "")

    def _pick(self) -> Sent:
        """The last upsert of some post that is not deleted."""
        place = self._random.randrange(len(self._alive))
        self._alive[place], self._alive[-1] = self._alive[-1], self._alive[place]
        return self._alive.pop()

    def _message(self, event: PostEvent, brand: str | None, author: str) -> Sent:
        return Sent(event.id.encode(), POST_EVENT.encode(event), event, brand, author)


@dataclass
class Expected:
    """The end state of a ledger."""

    versions: dict[str, int] = field(default_factory=dict)
    """Id to version of every document."""
    activity: set[tuple[str, str, int]] = field(default_factory=set)
    """``(brand, post id, version)``."""
    deleted: set[str] = field(default_factory=set)
    """Ids of posts that were mentions once, and are none at the end, by a delete or an edit: each
    has a tombstone or a recorded delete. Of an erased author's posts none must remain, and the
    record of the erasure refuses them: those that come after it were never in the index."""
    erased: set[str] = field(default_factory=set)
    """Author ids."""


def expected(sent: Iterable[Sent], erased_too: Mapping[str, int] | None = None) -> Expected:
    """The end state, whatever the order of the messages was.

    ``erased_too``: author id to version of erasures that no message of the ledger tells.
    """
    result = Expected()
    last: dict[str, Sent] = {}
    mentions: set[str] = set()
    erasures: dict[str, int] = dict(erased_too or {})
    for message in sent:
        event = message.event
        if event is None:
            continue
        if event.op == "erase_author":
            erasures[message.author] = max(event.version, erasures.get(message.author, 0))
            continue
        if event.op == "upsert" and message.brand is not None:
            mentions.add(event.id)
            result.activity.add((message.brand, event.id, event.version))
        before = last.get(event.id)
        if before is None or before.event is None or before.event.version <= event.version:
            last[event.id] = message
    for id_, message in last.items():
        assert message.event is not None
        is_upsert = message.event.op == "upsert"
        gone = is_upsert and message.event.version <= erasures.get(message.author, -1)
        if is_upsert and message.brand is not None and not gone:
            result.versions[id_] = message.event.version
        elif id_ in mentions and not gone:
            result.deleted.add(id_)
    result.erased = set(erasures)
    return result


@dataclass
class Difference:
    """What an index, a topic and the letters have and should not have, or the reverse."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    repeated: int = 0
    """Messages that a topic holds twice, which delivery at least once allows."""

    def __str__(self) -> str:
        return f"lost: {self.lost[:10]}; doubled or wrong: {self.doubled[:10]}"


def compare_versions(wanted: Mapping[str, int], found: Mapping[str, int]) -> Difference:
    """Compares an index, id to version."""
    difference = Difference()
    for id_, version in wanted.items():
        has = found.get(id_)
        if has is None or has < version:
            difference.lost.append(f"{id_} version {version} (the index has {has})")
        elif has > version:
            difference.doubled.append(f"{id_} version {has} was never written")
    difference.doubled += [f"{id_} should be gone" for id_ in found.keys() - wanted.keys()]
    return difference


def compare_activity(
    wanted: set[tuple[str, str, int]], found: Sequence[tuple[str, str, int]]
) -> Difference:
    """Compares the records of ``activity``."""
    distinct = set(found)
    return Difference(
        [f"activity {record}" for record in wanted - distinct],
        [f"activity {record}" for record in distinct - wanted],
        len(found) - len(distinct),
    )


def compare_letters(
    wanted: Mapping[Coordinate, bytes], letters: Sequence[DeadLetter], topic: str
) -> Difference:
    """Compares the letters about messages of ``topic``, byte by byte."""
    difference = Difference()
    found: dict[Coordinate, bytes] = {}
    for letter in letters:
        if letter.topic != topic or letter.partition is None or letter.offset is None:
            difference.doubled.append(f"a letter about {letter.topic}: {letter.detail}")
            continue
        place = Coordinate(letter.partition, letter.offset)
        difference.repeated += place in found
        found[place] = letter.payload
    difference.lost = [f"the letter of {place}" for place in wanted.keys() - found.keys()]
    difference.doubled += [
        f"a letter of the good {place}" for place in found.keys() - wanted.keys()
    ]
    difference.doubled += [
        f"the letter of {place} has other bytes"
        for place in wanted.keys() & found.keys()
        if wanted[place] != found[place]
    ]
    return difference

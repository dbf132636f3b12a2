"""The accounts of the generated day: five fictional brands, and the people who write.

One brand, Mirabelle, is also a plum: names of real brands are often common words too.
"""

import random
from datetime import datetime, timedelta
from typing import NamedTuple

from ingestors.generator.phrase_book import Phrases, pick
from schemas.brand import Brand
from schemas.post import Author

CRISIS_BRAND = "velmora"
CRISIS_TAG = "#VelmoraDown"
WORD_BRAND = "mirabelle"
"""The brand whose name is also a common word."""
SOCIAL = ("x", "bluesky")
"""Channels with followers, reposts and quotes."""
_NEW_AUTHOR = 0.35
"""Share of posts by an account that has not written before."""
_KNOWN_AUTHORS = 20_000


class Role(NamedTuple):
    id: str
    name: str
    word: str
    handle: str
    topic: str
    peers: list[str]


ROLES = (
    Role("velmora", "Velmora", "Velmora", "velmora_mobile", "network", ["corvane"]),
    Role("corvane", "Banque Corvane", "Corvane", "banque_corvane", "account", ["velmora"]),
    Role("zephalia", "Zephalia Air", "Zephalia", "zephalia_air", "flight", ["lumirail"]),
    Role("mirabelle", "Mirabelle", "Mirabelle", "mirabelle_market", "store", []),
    Role("lumirail", "Lumirail", "Lumirail", "lumirail", "train", ["zephalia"]),
)
_PLUMS = [
    *("mirabelle plum", "mirabelle plums", "mirabelle tart", "mirabelle tree", "mirabelle jam"),
    *("tarte à la mirabelle", "confiture de mirabelle", "prunier de mirabelle"),
    *("mermelada de mirabelle", "marmellata di mirabelle", "compota de mirabelle"),
]


def brands() -> list[Brand]:
    return [
        Brand(
            id=role.id,
            name=role.name,
            names=[role.word],
            handles=[handle_on(channel, role.handle) for channel in SOCIAL],
            exclude=_PLUMS if role.id == WORD_BRAND else [],
            owned=[f"{channel}:{handle_on(channel, role.handle)}" for channel in SOCIAL],
            peers=role.peers,
        )
        for role in ROLES
    ]


def handle_on(channel: str, handle: str) -> str:
    """The handle in the spelling of the channel: handles of Bluesky are host names."""
    return f"{handle.replace('_', '-')}.example" if channel == "bluesky" else handle


def brand_author(channel: str, role: Role) -> Author:
    return Author(
        id=f"gen-brand-{role.id}",
        handle=handle_on(channel, role.handle),
        name=role.name,
        followers=180_000,
        verified=True,
    )


class Accounts:
    """Authors by preferential attachment: few write much, most write once (a power law)."""

    def __init__(self, rng: random.Random, start: datetime) -> None:
        self._rng = rng
        self._start = start
        self._written: dict[tuple[str, str], list[Author]] = {}
        self._count = 0

    def author(self, channel: str, language: str, book: Phrases) -> Author:
        written = self._written.setdefault((channel, language), [])
        if not written or self._rng.random() < _NEW_AUTHOR:
            author = self.new_author(channel, book)
        else:
            author = written[int(self._rng.random() * len(written))]
        if len(written) < _KNOWN_AUTHORS:
            written.append(author)
        return author

    def new_author(
        self, channel: str, book: Phrases, followers: int | None = None, days: float = 4000
    ) -> Author:
        """A new author, whose account is at most ``days`` old."""
        rng = self._rng
        self._count += 1
        handle = f"{pick(rng, book.handles)}_{pick(rng, book.handles)}{int(rng.random() * 1e4)}"
        name = f"{pick(rng, book.names)} {chr(65 + int(rng.random() * 26))}."
        if channel not in SOCIAL:
            return Author(id=f"gen-{self._count}", handle=handle, name=name)
        if followers is None:
            followers = min(int(12 * (1 - rng.random()) ** -1.15), 4_000_000)
        return Author(
            id=f"gen-{self._count}",
            handle=handle_on(channel, handle),
            name=name,
            followers=followers,
            verified=followers > 100_000 or rng.random() < 0.01,
            created_at=self._start - timedelta(seconds=int(rng.random() * days * 86_400)),
        )

"""Who appears in the generated day: five invented brands, and the people who write.

The brands are fictional, so that no company is spoken ill of. One of them, Mirabelle, is also a
plum, as real brands are also words.
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
"""The brand whose name is a common word, too."""
SOCIAL = ("x", "bluesky")
"""Channels with followers, reposts and quotes."""
_NEW_AUTHOR = 0.35
"""How often someone writes who has not written before; else it is a known one again."""
_KNOWN_AUTHORS = 20_000


class Role(NamedTuple):
    """A brand as the day needs it: its id, how it is written, what it is spoken of for."""

    id: str
    word: str
    handle: str
    topic: str


ROLES = (
    Role("velmora", "Velmora", "velmora_mobile", "network"),
    Role("corvane", "Corvane", "banque_corvane", "account"),
    Role("zephalia", "Zephalia", "zephalia_air", "flight"),
    Role("mirabelle", "Mirabelle", "mirabelle_market", "store"),
    Role("lumirail", "Lumirail", "lumirail", "train"),
)
_NAMES = {"corvane": "Banque Corvane", "zephalia": "Zephalia Air"}
_PEERS = {
    "velmora": ["corvane"],
    "corvane": ["velmora"],
    "zephalia": ["lumirail"],
    "lumirail": ["zephalia"],
}
_PLUMS = [
    *("mirabelle plum", "mirabelle plums", "mirabelle tart", "mirabelle tree", "mirabelle jam"),
    *("tarte à la mirabelle", "confiture de mirabelle", "prunier de mirabelle"),
    *("mermelada de mirabelle", "marmellata di mirabelle", "compota de mirabelle"),
]


def brands() -> list[Brand]:
    """The brands that a generated day speaks of."""
    return [
        Brand(
            id=role.id,
            name=_NAMES.get(role.id, role.word),
            names=[role.word],
            handles=[handle_on(channel, role.handle) for channel in SOCIAL],
            exclude=_PLUMS if role.id == WORD_BRAND else [],
            owned=[f"{channel}:{handle_on(channel, role.handle)}" for channel in SOCIAL],
            peers=_PEERS.get(role.id, []),
        )
        for role in ROLES
    ]


def handle_on(channel: str, handle: str) -> str:
    """A handle as the channel writes it: Bluesky's are host names."""
    return f"{handle.replace('_', '-')}.example" if channel == "bluesky" else handle


def brand_author(channel: str, role: Role) -> Author:
    """The brand's own account."""
    return Author(
        id=f"gen-brand-{role.id}",
        handle=handle_on(channel, role.handle),
        name=_NAMES.get(role.id, role.word),
        followers=180_000,
        verified=True,
    )


class Accounts:
    """The people. Who wrote often writes again: few write much, most write once (a power law)."""

    def __init__(self, rng: random.Random, start: datetime) -> None:
        self._rng = rng
        self._start = start
        self._written: dict[tuple[str, str], list[Author]] = {}
        self._count = 0

    def author(self, channel: str, language: str, book: Phrases) -> Author:
        """Someone who writes in this language there: new, or the author of some earlier post."""
        written = self._written.setdefault((channel, language), [])
        if not written or self._rng.random() < _NEW_AUTHOR:
            author = self.newcomer(channel, book)
        else:
            author = written[int(self._rng.random() * len(written))]
        if len(written) < _KNOWN_AUTHORS:
            written.append(author)
        return author

    def newcomer(
        self, channel: str, book: Phrases, followers: int | None = None, days: float = 4000
    ) -> Author:
        """Someone who has not written before, with an account at most so many days old."""
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

"""The accounts of the generated day: five fictional brands, and the people who write.

One brand, Mirabelle, is also a plum: names of real brands are often common words too.
"""

import random
from datetime import datetime, timedelta
from typing import NamedTuple

from ingestors.generator.homes import Home
from ingestors.generator.phrase_book import Words
from ingestors.generator.slots import pick
from schemas.brand import Brand
from schemas.post import Author

CRISIS_BRAND = "velmora"
CRISIS_TAG = "VelmoraDown"
WORD_BRAND = "mirabelle"
"""The brand whose name is also a common word."""
SOCIAL = ("x", "bluesky")
"""Channels with followers, reposts and quotes."""
_NEW_AUTHOR = 0.35
"""Share of posts by an account that has not written before."""
_TELLS_COUNTRY, _TELLS_PLACE = 0.78, 0.45
"""Shares of accounts that tell their country, and of these, that tell their city."""
_KNOWN_AUTHORS = 20_000
MAX_FOLLOWERS = 95_000
"""Of anybody but the person of the crisis: one complaint of a wider one would be an alert."""


class Role(NamedTuple):
    id: str
    name: str
    word: str
    handle: str
    topic: str
    peers: list[str]
    rivals: tuple[str, ...]
    """Invented brands that nobody monitors."""


ROLES = (
    Role(
        "velmora",
        "Velmora",
        "Velmora",
        "velmora_mobile",
        "network",
        ["corvane"],
        ("Tellorin", "Ondarel"),
    ),
    Role(
        "corvane",
        "Banque Corvane",
        "Corvane",
        "banque_corvane",
        "account",
        ["velmora"],
        ("Adrelis", "Sillonbank"),
    ),
    Role(
        "zephalia",
        "Zephalia Air",
        "Zephalia",
        "zephalia_air",
        "flight",
        ["lumirail"],
        ("Norvelair", "Aerodane"),
    ),
    Role(
        "mirabelle",
        "Mirabelle",
        "Mirabelle",
        "mirabelle_market",
        "store",
        [],
        ("Frezzalis", "Marchalis"),
    ),
    Role(
        "lumirail",
        "Lumirail",
        "Lumirail",
        "lumirail",
        "train",
        ["zephalia"],
        ("Kordarail", "Ferrolane"),
    ),
)
ROLE_OF = {role.id: role for role in ROLES}
_PLUMS = [
    *("mirabelle plum", "mirabelle plums", "mirabelle tart", "mirabelle tree", "mirabelle jam"),
    *("mirabelle brandy", "mirabelle crumble", "cat Mirabelle", "chatte Mirabelle"),
    *("tarte à la mirabelle", "confiture de mirabelle", "prunier de mirabelle"),
    *("mirabelle de Lorraine", "eau-de-vie de mirabelle", "rue de la Mirabelle"),
    *("mermelada de mirabelle", "marmellata di mirabelle", "compota de mirabelle"),
    *("برقوق mirabelle", "مربى mirabelle", "mirabelle आलूबुखारा", "mirabelle आलूबुखारे"),
]
"""Most ways to mean the plum; a few are left out, as in the files that people write."""


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


class Person(NamedTuple):
    author: Author
    home: Home
    country: str | None
    """As the platform states it."""
    place: str | None


def brand_person(channel: str, role: Role, home: Home) -> Person:
    """The brand's own account, which answers people in their language."""
    author = Author(
        id=f"gen-brand-{role.id}",
        handle=handle_on(channel, role.handle),
        name=role.name,
        followers=180_000,
        verified=True,
    )
    return Person(author, home, None, None)


class Accounts:
    """Authors by preferential attachment: few write much, most write once (a power law)."""

    def __init__(self, rng: random.Random, start: datetime) -> None:
        self._rng = rng
        self._start = start
        self._written: dict[tuple[str, str, str], list[Person]] = {}
        self._count = 0

    def person(self, channel: str, home: Home, words: Words) -> Person:
        written = self._written.setdefault((channel, home.language, home.country), [])
        if not written or self._rng.random() < _NEW_AUTHOR:
            person = self.new_person(channel, home, words)
        else:
            person = written[int(self._rng.random() * len(written))]
        if len(written) < _KNOWN_AUTHORS:
            written.append(person)
        return person

    def new_person(
        self,
        channel: str,
        home: Home,
        words: Words,
        followers: int | None = None,
        days: float = 4000,
        bot: bool | None = None,
    ) -> Person:
        """A new author, whose account is at most ``days`` old."""
        rng = self._rng
        self._count += 1
        handle = f"{pick(rng, words.handles)}_{pick(rng, words.handles)}{int(rng.random() * 1e4)}"
        name = f"{pick(rng, words.names)} {chr(65 + int(rng.random() * 26))}."
        country = home.country if bot or rng.random() < _TELLS_COUNTRY else None
        place = pick(rng, words.places[home.country]) if rng.random() < _TELLS_PLACE else None
        author = Author(id=f"gen-{self._count}", handle=handle, name=name)
        if channel in SOCIAL:
            author = self._followed(channel, author, followers, days, bot)
        return Person(author, home, country, place if country else None)

    def _followed(
        self, channel: str, author: Author, followers: int | None, days: float, bot: bool | None
    ) -> Author:
        rng = self._rng
        if followers is None:
            followers = min(int(12 * (1 - rng.random()) ** -1.15), MAX_FOLLOWERS)
        return Author(
            id=author.id,
            handle=handle_on(channel, author.handle or ""),
            name=author.name,
            followers=followers,
            verified=followers > 50_000 or rng.random() < 0.01,
            created_at=self._start - timedelta(seconds=int(rng.random() * days * 86_400)),
            bot=bot,
        )

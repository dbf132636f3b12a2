"""The counts of one minute, and how one that is over takes less memory."""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import astuple


class PostRef(Struct, frozen=True):
    id: str
    at: datetime
    author: str
    reach: int
    score: float | None
    url: str | None
    group: str


class Minute(Struct):
    start: int
    """Minutes since 1970."""
    mentions: int = 0
    discounted: float = 0.0
    copies: int = 0
    reposts: int = 0
    unsaid: int = 0
    """Copies of a longer text, without reposts. People do not write such a text alike by chance."""
    echoes: int = 0
    """Copies of a longer text, and reposts."""
    young: int = 0
    aged: int = 0
    """Posts of accounts with a known age."""
    scored: int = 0
    negative: int = 0
    score_sum: float = 0.0
    score_squares: float = 0.0
    reach: int = 0
    lexicon: int = 0
    distinct: int = 0
    authors: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    countries: dict[str, int] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    entities: dict[str, int] = field(default_factory=dict)
    voices: dict[str, int] = field(default_factory=dict)
    """The sketch of authors of each term and entity: see `voices`."""
    posts: list[PostRef] = field(default_factory=list)


class ClosedMinute(Struct, gc=False, array_like=True):
    """The numbers of a minute that every look needs, and the whole of it as bytes.

    It takes a quarter of the memory of the minute, and is read at the same speed by its numbers.
    """

    start: int
    mentions: int
    scored: int
    negative: int
    lexicon: int
    reach: int
    has_authors: bool
    has_posts: bool
    whole: bytes


AnyMinute = Minute | ClosedMinute


class _Row(Minute, array_like=True):
    """A minute without the names of its fields."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Row)


def closed(minute: Minute) -> ClosedMinute:
    return ClosedMinute(
        minute.start,
        minute.mentions,
        minute.scored,
        minute.negative,
        minute.lexicon,
        minute.reach,
        bool(minute.authors),
        bool(minute.posts),
        _ENCODER.encode(_Row(*astuple(minute))),
    )


def opened(minute: ClosedMinute) -> Minute:
    return Minute(*astuple(_DECODER.decode(minute.whole)))


def names_posts(minute: Minute) -> bool:
    return bool(minute.posts or minute.authors)

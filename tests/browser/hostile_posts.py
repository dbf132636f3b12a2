"""A thousand hostile posts: each payload in each place where strangers write."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.alert import Alert, Evidence, Headline, Lift, ShownPost
from schemas.brand import Brand
from schemas.mention import BrandMatch, Entity, Influence, Match, Mention, MentionUpsert
from schemas.post import Author, Community, Media, Publisher
from tests import make
from tests.browser.hostile_payloads import ELEMENTS, PAYLOADS

MADE: Final = timedelta(seconds=20)
"""Between one hostile post and the next: all are within six hours and a half."""
Fields = dict[str, Any]


def _text(payload: str, number: int) -> Fields:
    return {"text": payload}


def _id(payload: str, number: int) -> Fields:
    return {"id": f"file:{number}:{payload[:110]}"}


def _title(payload: str, number: int) -> Fields:
    return {"title": payload}


def _author(payload: str, number: int) -> Fields:
    return {"author": Author(id=payload[:500])}


def _name(payload: str, number: int) -> Fields:
    return {"author": Author(id=f"h{number}", name=payload)}


def _handle(payload: str, number: int) -> Fields:
    return {"author": Author(id=f"h{number}", handle=payload, url=payload)}


def _hashtag(payload: str, number: int) -> Fields:
    return {"hashtags": [payload[:2_000]]}


def _url(payload: str, number: int) -> Fields:
    return {"url": payload}


def _link(payload: str, number: int) -> Fields:
    return {"links": [payload[:2_000], f"https://a.example/{payload[:1_900]}"]}


def _media(payload: str, number: int) -> Fields:
    return {"media": [Media(type="photo", url=payload, alt=payload), Media(type=payload)]}


def _place(payload: str, number: int) -> Fields:
    return {
        "place": payload[:2_000],
        "country": payload[:200],
        "language": payload,
        "community": Community(id=payload[:500], name=payload[:2_000], url=payload),
        "publisher": Publisher(name=payload[:2_000], domain=payload[:2_000]),
        "about": payload[:500],
        "about_name": payload[:2_000],
    }


def _labels(payload: str, number: int) -> Fields:
    return {
        "source": payload[:64],
        "mentions": [payload[:2_000]],
        "labels": {payload[:500]: payload[:500]},
    }


PLACES: Final[tuple[Callable[[str, int], Fields], ...]] = (
    _text, _id, _title, _author, _name, _handle, _hashtag, _url, _link, _media, _place, _labels,
)  # fmt: skip
"""Ways to put a payload into a post; the entity has its own, beside the first of them."""


def hostile_events(newest: datetime, brand: str = "aeris") -> list[MentionUpsert]:
    """The events, newest last; neighbours have other payloads and other places."""
    count = len(PAYLOADS) * len(PLACES)
    return [_event(number, newest - MADE * (count - 1 - number), brand) for number in range(count)]


def _event(number: int, at: datetime, brand: str) -> MentionUpsert:
    turn, which = divmod(number, len(PAYLOADS))
    payload, place = PAYLOADS[which], PLACES[(which + turn) % len(PLACES)]
    fields = {
        "text": f"Hostile {number}",
        "id": f"file:hostile-{number}",
        "author": Author(id=f"h{number}", name=f"Author {number}", handle=f"h{number}"),
        "created_at": at,
    }
    post = make.post(**fields | place(payload, number))
    mention = Mention(
        post=post,
        brands=[BrandMatch(id=brand, matches=[Match(text=payload[:50], start=0, end=7)])],
        influence=Influence(reach=number),
    )
    if place is _text:
        text = payload[:300]
        mention.entities = [Entity(text=text, name=text, label="ORG", start=0, end=1, id=text)]
    event = make.enriched(mention, at=at)
    assert isinstance(event, MentionUpsert)
    return event


def hostile_alerts(now: datetime) -> list[Alert]:
    """Open alerts of every severity, and a closed one; their words and ids are hostile."""
    alerts = []
    for number, payload in enumerate((*ELEMENTS[:5], PAYLOADS[-11])):
        since = now - timedelta(hours=2 * number + 1)
        alert = make.alert(
            1,
            "close" if number == 5 else "open",
            id=f"aeris-{number}-{payload[:60]}",
            brand="aeris",
            severity=1 + number % 5,
            kind="blind" if number == 4 else "crisis",
            began_at=since,
            raised_at=since + timedelta(minutes=50),
            title=f"Aeris {payload}",
            headline=Headline(name=payload, minutes=15, mentions=90, authors=80, times=8.0),
            evidence=Evidence(
                mentions=90,
                distinct_authors=80,
                lifted=[Lift(term=payload, count=9, expected=1.0, significance=30.0)],
                lifted_entities=[Lift(term=payload, count=9, expected=1.0, significance=30.0)],
                shown=[ShownPost(id=f"file:hostile-{number}", role="first", at=since, url=payload)],
                sources={payload: 5},
                countries={payload[:20]: 4},
                languages={payload[:20]: 4},
            ),
        )
        alerts.append(alert)
    return alerts


def hostile_brands() -> dict[str, Brand]:
    """Brands whose names are hostile; ``velmora`` has an ordinary one."""
    brands = {
        f"brand-{number}": make.brand(f"brand-{number}", name=payload)
        for number, payload in enumerate(ELEMENTS[:4])
    }
    own = {"velmora": make.brand(), "aeris": make.brand("aeris", peers=["velmora", *brands])}
    return own | brands

"""What comes with a post: pictures, links, its community, its publisher, and counts.

All hosts are reserved names (RFC 2606), so that nothing of an invented day is ever fetched.
"""

import random
from collections.abc import Mapping

from ingestors.generator.accounts import SOCIAL, Person, Role
from ingestors.generator.homes import Home
from ingestors.generator.phrase_book import Phrases
from ingestors.generator.slots import pick
from schemas.post import Community, Media, Metrics, Publisher
from schemas.types import Format

COMMUNITY_CHANNELS = ("reddit", "forum")
MEDIA_HOST = "media.example"
MAX_ARTICLES = 40
"""Articles of a language that people still link to."""
_PICTURED = {"x": 0.19, "bluesky": 0.17, "reddit": 0.13, "forum": 0.06, "reviews": 0.1, "news": 0.8}
"""Shares of posts with media, by channel; answers have fewer."""
_CRISIS_PICTURED, _ANSWERS_PICTURED, _DESCRIBED = 0.3, 0.05, 0.75
_KINDS = (("photo", "jpg", 0.82), ("video", "mp4", 0.94), ("animation", "gif", 1.0))
"""Media types, file names and accumulated shares."""
_LINKED, _CRISIS_LINKED, _ELSEWHERE = 0.13, 0.2, 0.03
"""Shares of posts that link to an article on their subject, and to any other one."""


class Attachments:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._articles: dict[tuple[str, str], list[str]] = {}

    def media(
        self, labels: Mapping[str, str], channel: str, answers: bool, number: int, book: Phrases
    ) -> list[Media]:
        rng = self._rng
        share = _CRISIS_PICTURED if "crisis" in labels else _PICTURED[channel]
        if rng.random() >= (_ANSWERS_PICTURED if answers else share):
            return []
        topic = "crisis" if "crisis" in labels else labels["topic"]
        shown = book.pictures.get(topic, book.pictures["other"])
        unfit = "+" if labels["sentiment"] == "negative" else "-"
        fit = [text for text in shown if not text.startswith(unfit)]
        items = []
        for part in range(2 if rng.random() < 0.12 else 1):
            chance = rng.random()
            type_, ending = next((type_, end) for type_, end, upto in _KINDS if chance < upto)
            alt = pick(rng, fit).lstrip("+-") if fit and rng.random() < _DESCRIBED else None
            url = f"https://{MEDIA_HOST}/{number:x}-{part}.{ending}"
            items.append(Media(type=type_, url=url, alt=alt))
        return items

    def publisher(self, home: Home, book: Phrases) -> Publisher:
        name, domain = pick(self._rng, book.words.publishers[home.country]).split(" | ")
        return Publisher(name=name, domain=domain, country=home.country)

    def published(self, labels: Mapping[str, str], language: str, url: str) -> None:
        """From now on people link to this article."""
        articles = self._articles.setdefault((language, _subject(labels)), [])
        articles.append(url)
        del articles[:-MAX_ARTICLES]

    def link(self, labels: Mapping[str, str], home: Home, book: Phrases) -> str | None:
        rng, chance = self._rng, self._rng.random()
        known = self._articles.get((home.language, _subject(labels)))
        if known and chance < (_CRISIS_LINKED if "crisis" in labels else _LINKED):
            return known[-1 - int(rng.random() ** 2 * len(known))]
        if chance > 1 - _ELSEWHERE:
            domain = self.publisher(home, book).domain
            return f"https://{domain}/{1000 + int(rng.random() * 9000)}"
        return None

    def metrics(self, person: Person, channel: str) -> Metrics:
        rng, followers = self._rng, person.author.followers
        if channel in SOCIAL and followers is not None:
            reach = followers**0.6 * rng.random() * 0.1
            views = int(reach * 38) + int(rng.random() * 60) if channel == "x" else None
            return Metrics(
                likes=int(reach),
                reposts=int(reach * 0.2),
                replies=int(reach * 0.1),
                quotes=int(reach * 0.03),
                views=views,
            )
        chance = rng.random()
        if channel in COMMUNITY_CHANNELS:
            score = -int(chance * 120) - 1 if chance < 0.11 else int((1.12 - chance) ** -1.6) - 1
            return Metrics(score=score, replies=int(max(score, 0) * 0.3 * rng.random()))
        return Metrics(likes=int(chance**3 * 9)) if channel == "reviews" else Metrics()


def _subject(labels: Mapping[str, str]) -> str:
    return "crisis" if "crisis" in labels else labels.get("brand", "")


def community(channel: str, topic: str, book: Phrases) -> Community | None:
    if channel not in COMMUNITY_CHANNELS:
        return None
    known = book.words.communities
    id_, name = known.get(topic, known["other"])
    members = 1_200 + sum(map(ord, id_ + channel)) * 7_919 % 90_000
    url = f"https://{channel}.example/c/{id_}"
    return Community(id=id_, name=name, url=url, members=members)


def format_of(channel: str, answers: bool) -> Format:
    if answers and channel not in SOCIAL:
        return "comment"
    return "review" if channel == "reviews" else "article" if channel == "news" else "post"


def reviewed(role: Role, topic: str) -> tuple[str, str]:
    """URL and name of what a review is about: the brand, or its app."""
    if topic == "app":
        return f"https://reviews.example/{role.id}-app", f"{role.name} app"
    return f"https://reviews.example/{role.id}", role.name

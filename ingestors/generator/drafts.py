"""What the people of the generated day say, and the truth about it.

The labels of a draft are what a careful reader would say: the brand that it names, its sentiment
towards that brand, its topic; ``irony`` where the words praise what they mean to blame, ``rival``
where it prefers the brand to another one.
"""

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from ingestors.generator.accounts import (
    CRISIS_BRAND,
    CRISIS_TAG,
    ROLE_OF,
    ROLES,
    SOCIAL,
    WORD_BRAND,
    Role,
    handle_on,
)
from ingestors.generator.finish import finish
from ingestors.generator.homes import Home
from ingestors.generator.phrase_book import Article, Phrases, phrases
from ingestors.generator.slots import Slots, pick

Shares = dict[str, float]
SENTIMENTS: Final[Shares] = {"negative": 0.40, "neutral": 0.32, "positive": 0.28}
CRISIS: Final = {"brand": CRISIS_BRAND, "sentiment": "negative", "topic": "network", "crisis": "1"}
MAX_SHORT_POST: Final = 280
"""Letters of a post on a social channel, but for what is appended."""
_NOISE = {"background": 0.83, "word": 0.06, "rivals": 0.08, "bots": 0.03}
_STARS = {"1": 0.27, "2": 0.14, "3": 0.12, "4": 0.17, "5": 0.30}
_TONES: Final[Shares] = {"neutral": 0.62, "negative": 0.23, "positive": 0.15}
"""Of press articles towards the brand."""
_GENERAL_TOPICS = ("support", "price", "app")
_OPEN_TOPICS = ("network", "account", "flight", "store", "train")
_IRONY, _VERSUS, _UNNAMED, _TAGGED, _CRISIS_TAGGED = 0.11, 0.12, 0.18, 0.11, 0.66
_PHASES: Final[dict[str, Shares]] = {
    "first": {"negative": 0.78, "neutral": 0.22},
    "height": {"negative": 0.88, "neutral": 0.05, "irony": 0.07},
    "late": {"negative": 0.72, "neutral": 0.17, "positive": 0.11},
}
_FIRST_UNTIL, _HEIGHT_UNTIL = 0.3, 4.0
"""Ends of the phases, in units of the time from onset to peak."""
_FOUR_HOURS = 6.0
REPLIES: Final[dict[str, Shares]] = {
    "negative": {"negative": 0.5, "neutral": 0.3, "positive": 0.2},
    "neutral": {"negative": 0.22, "neutral": 0.52, "positive": 0.26},
    "positive": {"negative": 0.25, "neutral": 0.3, "positive": 0.45},
    "remark": {"negative": 0.27, "neutral": 0.48, "positive": 0.25},
    "crisis": {"negative": 0.62, "neutral": 0.3, "positive": 0.08},
    "owned": {"negative": 0.4, "neutral": 0.35, "positive": 0.25},
}
"""Sentiments of answers, by what they answer."""
T = TypeVar("T")


class Draft(NamedTuple):
    text: str
    labels: dict[str, str]
    title: str | None = None
    stars: int | None = None
    about: Role | None = None
    """Whose review it is."""


def chosen(rng: random.Random, shares: Shares) -> str:
    left = rng.random()
    last = ""
    for last, share in shares.items():  # noqa: B007 (the last one, where rounding leaves a rest)
        left -= share
        if left < 0:
            break
    return last


class Deck:
    """Draws the lines of a list without replacement, and all again once none is left.

    Drawn with replacement, one line would come nine times before another comes once.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._left: dict[int, list[Any]] = {}

    def draw(self, choices: Sequence[T], keep: Callable[[T], bool] = lambda _: True) -> T:
        """``keep``: whether a line suits; one that does not stays in the deck, for others."""
        # Lists are those of the phrase book, which stay.
        left = self._left.setdefault(id(choices), [])
        fits = [place for place, choice in enumerate(left) if keep(choice)]
        if not fits:
            left[:] = choices
            fits = [place for place, choice in enumerate(left) if keep(choice)] or [0]
        drawn: T = left.pop(pick(self._rng, fits))
        return drawn


class Drafts:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._deck = Deck(rng)
        self.now: datetime | None = None
        """When the next post is written, for what began minutes ago."""

    def _slots(self, book: Phrases, home: Home, word: str = "", rival: str = "") -> Slots:
        return Slots(self._rng, book.words, home, word, rival, self.now)

    def spelling(self, role: Role, channel: str) -> str:
        chance = self._rng.random()
        if chance < 0.15 and channel in SOCIAL:
            return f"@{handle_on(channel, role.handle)}"
        if chance < 0.22:
            return f"#{role.word}"
        if chance < 0.33 and role.id != WORD_BRAND:
            return role.word.lower()
        return role.name if chance > 0.94 else role.word

    def about_brand(self, channel: str, home: Home, book: Phrases) -> Draft:
        role = pick(self._rng, ROLES)
        if channel == "news":
            return self._press(role, home, book)
        if channel == "reviews":
            return self._review(role, home, book)
        return self._opinion(role, chosen(self._rng, SENTIMENTS), channel, home, book)

    def _opinion(
        self, role: Role, sentiment: str, channel: str, home: Home, book: Phrases
    ) -> Draft:
        rng = self._rng
        topic = role.topic if rng.random() < 0.5 else pick(rng, _GENERAL_TOPICS)
        labels = {"brand": role.id, "sentiment": sentiment, "topic": topic}
        texts, rival = book.topics[topic][sentiment], pick(rng, role.rivals)
        if sentiment == "negative" and rng.random() < _IRONY:
            texts, labels = book.topics[topic]["irony"], {**labels, "irony": "1"}
        elif sentiment == "positive" and topic in book.versus and rng.random() < _VERSUS:
            peer = ROLE_OF[role.peers[0]]
            texts, rival = book.versus[topic], peer.word
            labels |= {"rival": peer.id, "rival_sentiment": "negative"}
        return self._said(texts, labels, role, rival, channel, home, book)

    def _said(
        self,
        texts: tuple[str, ...],
        labels: dict[str, str],
        role: Role,
        rival: str,
        channel: str,
        home: Home,
        book: Phrases,
    ) -> Draft:
        rng, word = self._rng, self.spelling(role, channel)
        core = self._fitting(texts, channel, self._slots(book, home, word, rival))
        tag = pick(rng, book.words.tags[labels["topic"]]) if rng.random() < _TAGGED else None
        text = finish(rng, core, labels["sentiment"], word, tag)
        return Draft(text if rival in text or rival not in core else core, labels)

    def _fitting(self, texts: tuple[str, ...], channel: str, slots: Slots) -> str:
        """A template that fits into the channel, if chance finds one."""
        is_short = channel in SOCIAL
        return slots.fill(
            self._deck.draw(texts, lambda text: len(text) <= MAX_SHORT_POST or not is_short)
        )

    def _review(self, role: Role, home: Home, book: Phrases) -> Draft:
        """Stars first: half of the texts are of a topic, where complaint and praise are clear."""
        rng = self._rng
        stars = int(chosen(rng, _STARS))
        sentiment = "negative" if stars < 3 else "positive" if stars > 3 else "neutral"
        chance = rng.random()
        if chance < _UNNAMED:
            text = self._slots(book, home).fill(self._deck.draw(book.unnamed[stars]))
            labels = {"sentiment": sentiment, "topic": "support"}
            return Draft(finish(rng, text, sentiment), labels, None, stars, role)
        if chance < 0.6 and stars in (1, 5):
            draft = self._opinion(role, sentiment, "reviews", home, book)
        else:
            labels = {"brand": role.id, "sentiment": sentiment, "topic": "support"}
            rival = pick(rng, role.rivals)
            draft = self._said(book.reviews[stars], labels, role, rival, "reviews", home, book)
        return draft._replace(stars=stars, about=role)

    def _press(self, role: Role, home: Home, book: Phrases) -> Draft:
        rng = self._rng
        topic = role.topic if rng.random() < 0.8 else pick(rng, _GENERAL_TOPICS)
        tones = book.press.get(topic) or book.press[role.topic]
        tone = chosen(rng, _TONES)
        tone = tone if tone in tones else "neutral"
        labels = {"brand": role.id, "sentiment": tone, "topic": topic}
        return self.article(self._deck.draw(tones[tone]), labels, role, home, book)

    def article(
        self, article: Article, labels: dict[str, str], role: Role, home: Home, book: Phrases
    ) -> Draft:
        slots = self._slots(book, home, role.word, pick(self._rng, role.rivals))
        return Draft(slots.fill(article.text), labels, slots.fill(article.title))

    def noise(self, channel: str, home: Home, book: Phrases) -> Draft:
        rng = self._rng
        kind = chosen(rng, _NOISE)
        role = pick(rng, ROLES)
        slots = self._slots(book, home, rival=pick(rng, role.rivals))
        if kind == "word":
            return Draft(
                slots.fill(self._deck.draw(book.word)), {"sentiment": "neutral", "topic": "word"}
            )
        if kind == "bots" and channel in SOCIAL:
            return Draft(
                slots.fill(self._deck.draw(book.bots)), {"sentiment": "neutral", "topic": "bot"}
            )
        sentiment = chosen(rng, SENTIMENTS)
        rivals = kind == "rivals"
        text = slots.fill(self._deck.draw((book.rivals if rivals else book.background)[sentiment]))
        labels = {"sentiment": sentiment, "topic": "rival" if rivals else "other"}
        return Draft(finish(rng, text, sentiment), labels)

    def crisis(self, progress: float, channel: str, home: Home, book: Phrases) -> Draft:
        rng, role = self._rng, ROLES[0]
        phase = "first" if progress < _FIRST_UNTIL else "height"
        phase = phase if progress < _HEIGHT_UNTIL else "late"
        kind = chosen(rng, _PHASES[phase])
        labels = {**CRISIS, "sentiment": "negative", "irony": "1"} if kind == "irony" else CRISIS
        labels = labels if kind in ("irony", "negative") else {**CRISIS, "sentiment": kind}
        word = self.spelling(role, channel)
        slots = self._slots(book, home, word, pick(rng, role.rivals))
        slots["d"] = self._passed(progress, book)
        core = self._fitting(book.crisis[phase][kind], channel, slots)
        tag = CRISIS_TAG if rng.random() < _CRISIS_TAGGED else None
        return Draft(finish(rng, core, labels["sentiment"], word, tag), labels)

    def _passed(self, progress: float, book: Phrases) -> str:
        """A duration that the crisis has lasted."""
        known = book.words.durations
        upto = 1 + min(int(max(progress, 0) / _FOUR_HOURS * len(known)), len(known) - 1)
        return pick(self._rng, known[:upto])

    def crisis_article(self, progress: float, home: Home, book: Phrases) -> Draft:
        *news, last = book.crisis_articles
        article = last if progress >= _HEIGHT_UNTIL else pick(self._rng, news)
        return self.article(article, CRISIS, ROLES[0], home, book)

    def reply(
        self,
        kind: str,
        about: dict[str, str],
        role: Role,
        channel: str,
        home: Home,
        progress: float,
    ) -> Draft:
        """An answer in a conversation about the brand; it may not name it.

        ``progress``: of the crisis, as in ``crisis``.
        """
        book = phrases(home.language)
        rng = self._rng
        sentiment = chosen(rng, REPLIES[kind])
        word = self.spelling(role, channel)
        slots = self._slots(book, home, word, pick(rng, role.rivals))
        if kind == "crisis":
            slots["d"] = self._passed(progress, book)
        core = slots.fill(self._deck.draw(book.replies[kind][sentiment]))
        named = word in core
        kept = ("topic", "crisis")
        labels: dict[str, str] = {name: about[name] for name in kept if name in about}
        labels |= {"brand": role.id} if named else {}
        labels["sentiment"] = sentiment
        return Draft(finish(rng, core, sentiment, word if named else ""), labels)

    def chat(self, home: Home, book: Phrases) -> Draft:
        text = self._slots(book, home).fill(self._deck.draw(book.chat))
        return Draft(finish(self._rng, text, "neutral"), {"sentiment": "neutral", "topic": "other"})

    def answer(self, role: Role, home: Home, book: Phrases) -> Draft:
        """By the brand itself."""
        text = self._slots(book, home).fill(self._deck.draw(book.answers))
        return Draft(text, {"sentiment": "neutral", "topic": "support", "owned": role.id})

    def spam(self, home: Home, book: Phrases) -> Draft:
        role = pick(self._rng, ROLES)
        text = self._slots(book, home, role.word).fill(self._deck.draw(book.spam))
        labels = {"brand": role.id, "sentiment": "neutral", "topic": "spam", "copy": "spam"}
        return Draft(text, labels)

"""Writes the posts of the generated day in the order of their moments.

All randomness comes from one generator in one order, so the same seed gives the same day. The
labels of a post hold the truth about it: ``brand``, ``sentiment``, ``topic``, ``crisis``.
"""

import random
from bisect import bisect
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from ingestors.generator.accounts import (
    CRISIS_BRAND,
    CRISIS_TAG,
    ROLES,
    SOCIAL,
    WORD_BRAND,
    Accounts,
    Role,
    brand_author,
    handle_on,
)
from ingestors.generator.phrase_book import Phrases, chatter, dress, fill, phrases, pick
from ingestors.generator.schedule import LANGUAGES, Moment, Schedule
from schemas.ids import microseconds, post_id
from schemas.post import Author, Metrics, Post, PostDelete, PostEvent, PostUpsert
from text.markup import markup_of

NOISE = 0.36
"""Share of ordinary posts without a brand (a third of the day, with the crisis)."""
WORDPLAY = 0.06
"""Share of the noise that has a brand's name as the common word."""
EDITED, DELETED = 0.03, 0.015
"""Shares of posts that are edited or deleted later in the day."""
_RECENT = 150
_LANGUAGES = tuple(LANGUAGES)
_CHANNELS = ("x", "bluesky", "reddit", "forum", "reviews", "news")
_CHANNEL_WEIGHTS = list(accumulate((0.44, 0.17, 0.15, 0.10, 0.09, 0.05)))
_SENTIMENTS = ("negative", "neutral", "positive")
_SENTIMENT_WEIGHTS = list(accumulate((0.40, 0.32, 0.28)))
_GENERAL_TOPICS = ("support", "price", "app")
_TOPIC_TAGS = {
    "support": "customerservice",
    "price": "prices",
    "app": "app",
    "network": "fibre",
    "account": "banking",
    "flight": "travel",
    "store": "groceries",
    "train": "commute",
}
_CRISIS = {"brand": CRISIS_BRAND, "sentiment": "negative", "topic": "network", "crisis": "1"}


class Draft(NamedTuple):
    text: str
    labels: dict[str, str]
    title: str | None = None


class Change(NamedTuple):
    offset_ms: int
    number: int
    post: Post
    deletes: bool


def _choose(rng: random.Random, choices: tuple[str, ...], weights: list[float]) -> str:
    return choices[min(bisect(weights, rng.random() * weights[-1]), len(choices) - 1)]


class Writer:
    def __init__(self, rng: random.Random, seed: int, start: datetime, schedule: Schedule) -> None:
        self._rng = rng
        self._start = start
        self._schedule = schedule
        self._accounts = Accounts(rng, start)
        self._prefix = f"gen-{seed}-{start:%Y%m%d%H%M}"
        self._number = 0
        self._recent: dict[str, list[Post]] = {}
        self._spam: list[Draft] = []
        self._turns = [
            (schedule.influencer_ms, "influencer"),
            (schedule.article_ms, "article"),
            (schedule.apology_ms, "apology"),
        ]

    def write(self, moment: Moment) -> PostEvent:
        self._number += 1
        rng = self._rng
        if self._turns and moment.offset_ms >= self._turns[0][0]:
            return self._turn(moment, self._turns.pop(0)[1])
        language = _choose(rng, _LANGUAGES, self._schedule.languages[moment.step])
        book = phrases(language)
        if self._spam and rng.random() < 0.25:
            return self._copy(moment, language, book)
        channel = _choose(rng, _CHANNELS, _CHANNEL_WEIGHTS)
        if rng.random() < self._schedule.crisis_share[moment.step]:
            return self._crisis(moment, channel, language, book)
        if rng.random() < 0.0008:
            self._start_spam(book)
        answer = self._answer(moment, channel, book, language)
        if answer is not None:
            return answer
        return self._publish(moment, channel, language, self._draft(channel, book))

    def change_after(self, event: PostEvent, moment: Moment) -> Change | None:
        chance = self._rng.random()
        if chance >= EDITED + DELETED or not isinstance(event, PostUpsert) or event.post.repost_of:
            return None
        wait_ms = 20_000 + int(self._rng.expovariate(1 / 900_000))
        deletes = chance < DELETED
        return Change(moment.offset_ms + wait_ms, self._number, event.post, deletes)

    def change(self, change: Change) -> PostEvent:
        when = self._when(change.offset_ms)
        post = change.post
        if change.deletes:
            return PostDelete(
                id=post.id,
                source=post.source,
                version=microseconds(when),
                ingested_at=when,
                created_at=post.created_at,
            )
        note = phrases(post.language or "en").edit
        edited = msgspec.structs.replace(post, text=f"{post.text}\n{note}", edited_at=when)
        return _upsert(edited, when)

    def _when(self, offset_ms: int) -> datetime:
        return self._start + timedelta(milliseconds=offset_ms)

    def _spelling(self, role: Role, channel: str) -> str:
        chance = self._rng.random()
        if chance < 0.15 and channel in SOCIAL:
            return f"@{handle_on(channel, role.handle)}"
        if chance < 0.25:
            return f"#{role.word}"
        if chance < 0.33 and role.id != WORD_BRAND:
            return role.word.lower()
        return role.word

    def _draft(self, channel: str, book: Phrases) -> Draft:
        rng = self._rng
        if channel not in ("reviews", "news") and rng.random() < NOISE / 0.86:
            return self._noise(book)
        role = ROLES[int(rng.random() * len(ROLES))]
        sentiment = _choose(rng, _SENTIMENTS, _SENTIMENT_WEIGHTS)
        topic = role.topic if rng.random() < 0.5 else pick(rng, _GENERAL_TOPICS)
        if channel == "news":
            sentiment = "neutral"
        word = role.word if channel == "news" else self._spelling(role, channel)
        core = fill(rng, book, pick(rng, book.topics[topic][sentiment]), word)
        labels = {"brand": role.id, "sentiment": sentiment, "topic": topic}
        if channel == "news":
            title = core[0].upper() + core[1:]
            return Draft(f"{title}{'' if title[-1] in '?؟' else book.stop}", labels, title)
        text = dress(rng, book, core, sentiment, word)
        if rng.random() < 0.1:
            text = f"{text} #{_TOPIC_TAGS[topic]}"
        if rng.random() < 0.07:
            text = f"{text} https://photos.example/{self._number:x}"
        return Draft(text, labels)

    def _noise(self, book: Phrases) -> Draft:
        rng = self._rng
        if rng.random() < WORDPLAY:
            text = fill(rng, book, pick(rng, book.word))
            return Draft(text, {"sentiment": "neutral", "topic": "word"})
        sentiment = _choose(rng, _SENTIMENTS, _SENTIMENT_WEIGHTS)
        text = chatter(rng, book, sentiment)
        return Draft(text, {"sentiment": sentiment, "topic": "other"})

    def _answer(
        self, moment: Moment, channel: str, book: Phrases, language: str
    ) -> PostEvent | None:
        recent = self._recent.get(channel)
        chance = self._rng.random()
        if not recent or chance >= (0.28 if channel in SOCIAL else 0.3):
            return None
        target = recent[int(self._rng.random() * len(recent))]
        if channel not in SOCIAL:
            return self._reply(moment, target, book, language)
        if chance < 0.14:
            return self._repost(moment, target, language)
        return self._reply(moment, target, book, language, quotes=chance < 0.19)

    def _repost(self, moment: Moment, target: Post, language: str) -> PostEvent:
        draft = Draft(target.text, {**target.labels, "copy": "repost"})
        language = target.language or language
        return self._publish(moment, target.source, language, draft, repost_of=target.id)

    def _reply(
        self, moment: Moment, target: Post, book: Phrases, language: str, quotes: bool = False
    ) -> PostEvent:
        rng = self._rng
        role = next((role for role in ROLES if role.id == target.labels.get("brand")), None)
        if role is None:
            draft = self._noise(book)
            return self._publish(moment, target.source, language, draft, reply_to=target.id)
        if not quotes and target.labels["sentiment"] == "negative" and rng.random() < 0.25:
            return self._brand_answers(moment, target, role)
        sentiment = _choose(rng, _SENTIMENTS, _SENTIMENT_WEIGHTS)
        word = self._spelling(role, target.source)
        core = fill(rng, book, pick(rng, book.replies[sentiment]), word)
        named = word in core  # a reply may be about the brand without naming it
        kept = ("brand", "topic", "crisis") if named else ("topic", "crisis")
        labels = {name: target.labels[name] for name in kept if name in target.labels}
        labels["sentiment"] = sentiment
        draft = Draft(dress(rng, book, core, sentiment, word if named else ""), labels)
        reference: dict[str, Any] = {"quote_of" if quotes else "reply_to": target.id}
        return self._publish(moment, target.source, language, draft, **reference)

    def _brand_answers(self, moment: Moment, target: Post, role: Role) -> PostEvent:
        text = pick(self._rng, phrases(target.language or "en").answers)
        if target.author.handle and target.source in SOCIAL:
            text = f"@{target.author.handle} {text}"
        draft = Draft(text, {"sentiment": "neutral", "topic": "support", "owned": role.id})
        author = brand_author(target.source, role)
        language = target.language or "en"
        return self._publish(moment, target.source, language, draft, author, reply_to=target.id)

    def _crisis(self, moment: Moment, channel: str, language: str, book: Phrases) -> PostEvent:
        rng = self._rng
        recent = self._recent.get(f"crisis {channel}")
        if recent and channel in SOCIAL and rng.random() < 0.3:
            target = recent[int(rng.random() ** 2 * len(recent))]
            return self._repost(moment, target, language)
        channel = "x" if channel in ("reviews", "news") else channel
        role = ROLES[0]
        word = self._spelling(role, channel)
        tag = CRISIS_TAG if rng.random() < 0.7 else ""
        core = fill(rng, book, pick(rng, book.crisis), word, tag).rstrip()
        draft = Draft(dress(rng, book, core, "negative", word), _CRISIS)
        return self._publish(moment, channel, language, draft)

    def _turn(self, moment: Moment, turn: str) -> PostEvent:
        rng = self._rng
        language = "fr" if turn == "article" else "en"
        book = phrases(language)
        role = ROLES[0]
        if turn == "article" and book.article is not None:
            text = fill(rng, book, book.article.text, role.word)
            title = fill(rng, book, book.article.title, role.word)
            draft = Draft(text, _CRISIS, title)
            return self._publish(moment, "news", language, draft)
        if turn == "influencer":
            text = fill(rng, book, book.influencer, f"@{role.handle}", CRISIS_TAG)
            author = self._accounts.new_author("x", book, followers=1_400_000)
            draft = Draft(text, {**_CRISIS, "turn": "influencer"})
            return self._publish(moment, "x", language, draft, author=author)
        text = fill(rng, book, book.apology, role.word, CRISIS_TAG)
        draft = Draft(text, {**_CRISIS, "sentiment": "neutral", "owned": role.id})
        return self._publish(moment, "x", language, draft, author=brand_author("x", role))

    def _start_spam(self, book: Phrases) -> None:
        role = ROLES[int(self._rng.random() * len(ROLES))]
        text = fill(self._rng, book, book.spam, role.word)
        labels = {"brand": role.id, "sentiment": "neutral", "topic": "spam", "copy": "spam"}
        self._spam += [Draft(text, labels)] * (8 + int(self._rng.random() * 25))

    def _copy(self, moment: Moment, language: str, book: Phrases) -> PostEvent:
        """A copy of a spam post by a young account, with another link."""
        draft = self._spam.pop()
        text = f"{draft.text} https://win.example/{int(self._rng.random() * 1e6)}"
        channel = pick(self._rng, SOCIAL)
        author = self._accounts.new_author(channel, book, int(self._rng.random() * 20), days=20)
        return self._publish(moment, channel, language, draft._replace(text=text), author=author)

    def _publish(
        self,
        moment: Moment,
        channel: str,
        language: str,
        draft: Draft,
        author: Author | None = None,
        **reference: Any,
    ) -> PostEvent:
        """``reference`` is at most one of ``reply_to``, ``repost_of`` and ``quote_of``."""
        when = self._when(moment.offset_ms)
        native = f"{self._prefix}-{self._number}"
        author = author or self._accounts.author(channel, language, phrases(language))
        markup = markup_of(draft.text)
        post = Post(
            id=post_id(channel, native),
            source=channel,
            author=author,
            text=draft.text,
            title=draft.title,
            created_at=when,
            url=f"https://{channel}.example/{native}",
            language=language,
            mentions=markup.mentions,
            hashtags=markup.hashtags,
            links=markup.links,
            metrics=self._metrics(author),
            labels=draft.labels,
            **reference,
        )
        if post.repost_of is None:
            self._remember(channel, post)
            if "crisis" in draft.labels:
                self._remember(f"crisis {channel}", post)
        return _upsert(post, when)

    def _metrics(self, author: Author) -> Metrics:
        if author.followers is None:
            return Metrics()
        reach = author.followers**0.6 * self._rng.random() * 0.1
        return Metrics(likes=int(reach), reposts=int(reach * 0.2), replies=int(reach * 0.1))

    def _remember(self, kind: str, post: Post) -> None:
        recent = self._recent.setdefault(kind, [])
        if len(recent) < _RECENT:
            recent.append(post)
        else:
            recent[self._number % _RECENT] = post


def _upsert(post: Post, when: datetime) -> PostEvent:
    return PostUpsert(
        id=post.id,
        source=post.source,
        version=microseconds(when),
        ingested_at=when,
        post=post,
    )

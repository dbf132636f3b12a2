"""Writes the posts of the generated day in the order of their moments.

All randomness comes from one generator in one order, so the same seed gives the same day. The
labels of a post hold the truth about it (``drafts.py``, docs/replay.md).
"""

import random
from bisect import bisect
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final, NamedTuple

import msgspec

from ingestors.generator.accounts import (
    CRISIS_TAG,
    ROLE_OF,
    ROLES,
    SOCIAL,
    Accounts,
    Person,
    Role,
    brand_person,
    handle_on,
)
from ingestors.generator.attachments import (
    Attachments,
    community,
    format_of,
    reviewed,
)
from ingestors.generator.conversations import Conversations, Told
from ingestors.generator.drafts import CRISIS, Draft, Drafts
from ingestors.generator.homes import HOMES, MARKETS, Home, home_of
from ingestors.generator.phrase_book import Phrases, phrases
from ingestors.generator.schedule import Moment, Schedule
from ingestors.generator.slots import Slots, pick
from schemas.ids import microseconds, post_id
from schemas.post import Post, PostDelete, PostEvent, PostUpsert, Rating
from text.markup import markup_of

NOISE: Final = 0.30
"""Share of ordinary posts without a brand (a third of the day, with the crisis)."""
EDITED, DELETED = 0.03, 0.015
"""Shares of posts that are edited or deleted later in the day."""
_CHANNELS = ("x", "bluesky", "reddit", "forum", "reviews", "news")
_CHANNEL_WEIGHTS = list(accumulate((0.44, 0.17, 0.15, 0.10, 0.09, 0.05)))
_NAMES_ASKER, _ASKER_RETURNS, _BRAND_ANSWERS = 0.3, 0.65, 0.25
_CRISIS_REPOSTED, _CRISIS_ANSWERED, _CRISIS_QUOTED, _CRISIS_PRESS = 0.3, 0.37, 0.4, 0.4
"""What a post of the crisis is, accumulated; and the share of press posts that are on it."""


class Change(NamedTuple):
    offset_ms: int
    number: int
    post: Post
    deletes: bool


class Writer:
    def __init__(self, rng: random.Random, seed: int, start: datetime, schedule: Schedule) -> None:
        self._rng = rng
        self._start = start
        self._schedule = schedule
        self._accounts = Accounts(rng, start)
        self._drafts = Drafts(rng)
        self._attachments = Attachments(rng)
        self._conversations = Conversations(rng)
        self._prefix = f"gen-{seed}-{start:%Y%m%d%H%M}"
        self._number = 0
        self._spam: list[tuple[Home, Draft]] = []
        self._turns = [
            (schedule.influencer_ms, "influencer"),
            (schedule.article_ms, "article"),
            (schedule.apology_ms, "apology"),
        ]

    def write(self, moment: Moment) -> PostEvent:
        self._number += 1
        self._drafts.now = self._when(moment.offset_ms)
        rng = self._rng
        if self._turns and moment.offset_ms >= self._turns[0][0]:
            return self._turn(moment, self._turns.pop(0)[1])
        if self._spam and rng.random() < 0.25:
            return self._copy(moment)
        home = self._home(moment)
        book = phrases(home.language)
        reached = rng.random() * _CHANNEL_WEIGHTS[-1]
        channel = _CHANNELS[min(bisect(_CHANNEL_WEIGHTS, reached), len(_CHANNELS) - 1)]
        if rng.random() < self._schedule.crisis_share[moment.step]:
            return self._crisis(moment, channel, home)
        if rng.random() < 0.0008:
            copies = 8 + int(rng.random() * 25)
            self._spam += [(home, self._drafts.spam(home, book))] * copies
        answer = self._answer(moment, channel, home, book)
        return answer or self._original(moment, channel, home, book)

    def change_after(self, event: PostEvent, moment: Moment) -> Change | None:
        chance = self._rng.random()
        if chance >= EDITED + DELETED or not isinstance(event, PostUpsert) or event.post.repost_of:
            return None
        deletes, labels = chance < DELETED, event.post.labels
        if "turn" in labels:  # the story of the day stays whole
            return None
        if not deletes and ("copy" in labels or "owned" in labels or event.post.publisher):
            return None
        wait_ms = 20_000 + int(self._rng.expovariate(1 / 900_000))
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
        # Notes on the brand's silence fit no post that has no brand.
        sentiment = post.labels["sentiment"] if "brand" in post.labels else "neutral"
        note = pick(self._rng, phrases(post.language or "en").edits[sentiment])
        edited = msgspec.structs.replace(post, text=f"{post.text}\n{note}", edited_at=when)
        return _upsert(edited, when)

    def _when(self, offset_ms: int) -> datetime:
        return self._start + timedelta(milliseconds=offset_ms)

    def _home(self, moment: Moment) -> Home:
        reached = self._schedule.homes[moment.step]
        return HOMES[min(bisect(reached, self._rng.random() * reached[-1]), len(HOMES) - 1)]

    def _person(self, channel: str, home: Home) -> Person:
        return self._accounts.person(channel, home, phrases(home.language).words)

    def _original(self, moment: Moment, channel: str, home: Home, book: Phrases) -> PostEvent:
        named = channel in ("reviews", "news") or self._rng.random() >= NOISE / 0.86
        if named:
            draft = self._drafts.about_brand(channel, home, book)
        else:
            draft = self._drafts.noise(channel, home, book)
        if channel == "news":
            return self._article(moment, home, draft)
        bot = draft.labels["topic"] == "bot"
        person = (
            self._accounts.new_person(channel, home, book.words, days=900, bot=True)
            if bot
            else self._person(channel, home)
        )
        return self._publish(moment, channel, person, draft)

    def _article(self, moment: Moment, home: Home, draft: Draft) -> PostEvent:
        publisher = self._attachments.publisher(home, phrases(home.language))
        url = f"https://{publisher.domain}/{self._number}"
        self._attachments.published(draft.labels, home.language, url)
        person = self._person("news", home)._replace(country=home.country, place=None)
        return self._publish(moment, "news", person, draft, publisher=publisher, url=url)

    def _answer(self, moment: Moment, channel: str, home: Home, book: Phrases) -> PostEvent | None:
        """A repost, a quote or a reply, by chance."""
        chance = self._rng.random()
        social = channel in SOCIAL
        if chance >= (0.3 if social else 0.32):
            return None
        if social and chance < 0.13:
            target = self._conversations.any_of("posts", channel, home.language)
            return target and self._repost(moment, target, home)
        target = self._conversations.to_answer(channel, home.language)
        return target and self._reply(moment, target, home, book, quotes=social and chance < 0.17)

    def _repost(self, moment: Moment, target: Told, home: Home) -> PostEvent:
        post = target.post
        draft = Draft(post.text, {**post.labels, "copy": "repost"})
        person = self._person(post.source, home)
        return self._publish(
            moment, post.source, person, draft, repost_of=post.id, media=post.media
        )

    def _reply(
        self, moment: Moment, target: Told, home: Home, book: Phrases, quotes: bool = False
    ) -> PostEvent:
        rng, labels, role, channel = self._rng, target.post.labels, target.role, target.post.source
        progress = self._schedule.crisis_progress(moment.offset_ms)
        person = self._person(channel, home)
        if person.author == target.person.author:  # nobody answers himself
            person = self._accounts.new_person(channel, home, book.words)
        if role is None:
            draft = self._drafts.chat(home, book)
        elif "owned" in labels and "crisis" not in labels:
            draft = self._drafts.reply("owned", labels, role, channel, home, progress)
            if target.asker is not None and rng.random() < _ASKER_RETURNS:
                person = target.asker
        else:
            asks = labels["sentiment"] == "negative" and not quotes
            if asks and "owned" not in labels and rng.random() < _BRAND_ANSWERS:
                return self._brand_answers(moment, target, role)
            kind = "crisis" if "crisis" in labels else _asked(target.post)
            draft = self._drafts.reply(kind, labels, role, channel, home, progress)
        handle = target.post.author.handle
        if handle and not quotes and "owned" not in labels and rng.random() < _NAMES_ASKER:
            draft = draft._replace(text=f"@{handle} {draft.text}")
        return self._publish(moment, channel, person, draft, target, quotes)

    def _brand_answers(self, moment: Moment, target: Told, role: Role) -> PostEvent:
        post, home = target.post, target.person.home
        draft = self._drafts.answer(role, home, phrases(home.language))
        if post.author.handle and post.source in SOCIAL:
            draft = draft._replace(text=f"@{post.author.handle} {draft.text}")
        person = brand_person(post.source, role, home)
        return self._publish(moment, post.source, person, draft, target)

    def _crisis(self, moment: Moment, channel: str, home: Home) -> PostEvent:
        rng = self._rng
        for _ in range(2):  # it is in the markets of the brand that people suffer from it
            if home.country not in MARKETS:
                home = self._home(moment)
        book, chance = phrases(home.language), rng.random()
        progress = self._schedule.crisis_progress(moment.offset_ms)
        if channel == "news" and chance < _CRISIS_PRESS and self._pressed():
            return self._article(moment, home, self._drafts.crisis_article(progress, home, book))
        channel = "x" if channel in ("reviews", "news") else channel
        social = channel in SOCIAL
        if social and chance < _CRISIS_REPOSTED:
            target = self._conversations.loud_of(channel, home.language)
            if target is not None:
                return self._repost(moment, target, home)
        elif _CRISIS_REPOSTED <= chance < (_CRISIS_QUOTED if social else _CRISIS_ANSWERED):
            target = self._conversations.to_answer(channel, home.language, "crisis")
            if target is not None:
                return self._reply(moment, target, home, book, quotes=chance >= _CRISIS_ANSWERED)
        draft = self._drafts.crisis(progress, channel, home, book)
        return self._publish(moment, channel, self._person(channel, home), draft)

    def _pressed(self) -> bool:
        """Whether the press has heard of the crisis."""
        return all(turn != "article" for _, turn in self._turns)

    def _turn(self, moment: Moment, turn: str) -> PostEvent:
        home = home_of("fr", "FR") if turn == "article" else home_of("en", "GB")
        book, role = phrases(home.language), ROLES[0]
        if turn == "article":
            article = book.crisis_articles[0]
            labels = {**CRISIS, "turn": "article"}
            return self._article(
                moment, home, self._drafts.article(article, labels, role, home, book)
            )
        slots = Slots(self._rng, book.words, home, f"@{handle_on('x', role.handle)}")
        text = f"{slots.fill(book.turns[turn])} #{CRISIS_TAG}"
        if turn == "influencer":
            person = self._accounts.new_person("x", home, book.words, followers=1_400_000)
            person = person._replace(country=home.country)
            draft = Draft(text, {**CRISIS, "turn": "influencer"})
        else:
            person = brand_person("x", role, home)
            labels = {"sentiment": "neutral", "owned": role.id, "turn": "apology"}
            draft = Draft(text, {**CRISIS, **labels})
        return self._publish(moment, "x", person, draft)

    def _copy(self, moment: Moment) -> PostEvent:
        """A copy of a spam post by a young account, with another link."""
        home, draft = self._spam.pop()
        text = f"{draft.text} https://win.example/{int(self._rng.random() * 1e6)}"
        channel, words = pick(self._rng, SOCIAL), phrases(home.language).words
        followers = int(self._rng.random() * 20)
        person = self._accounts.new_person(channel, home, words, followers, days=20)
        return self._publish(moment, channel, person, draft._replace(text=text))

    def _publish(
        self,
        moment: Moment,
        channel: str,
        person: Person,
        draft: Draft,
        target: Told | None = None,
        quotes: bool = False,
        **fields: Any,
    ) -> PostEvent:
        """``target`` is what the post answers or quotes; ``fields`` are more fields of the post."""
        when, labels = self._when(moment.offset_ms), draft.labels
        native = f"{self._prefix}-{self._number}"
        id_ = post_id(channel, native)
        book = phrases(person.home.language)
        answers = target is not None and not quotes
        if target is not None:
            fields["quote_of" if quotes else "reply_to"] = target.post.id
        if answers and target is not None:
            fields["thread"] = target.root
            # An answer stays where it answers: in the community, under the review or the article.
            for name in ("community", "about", "about_name", "publisher"):
                fields[name] = getattr(target.post, name)
        elif "repost_of" not in fields:
            fields |= self._placed(id_, channel, draft, book)
        if "repost_of" not in fields:
            fields["media"] = self._attachments.media(labels, channel, answers, self._number, book)
        text = self._linked(draft, channel, person.home, book, fields)
        markup = markup_of(text)
        post = Post(
            id=id_,
            source=channel,
            author=person.author,
            text=text,
            title=draft.title,
            created_at=when,
            language=person.home.language,
            mentions=markup.mentions,
            hashtags=markup.hashtags,
            links=markup.links,
            country=person.country,
            place=person.place,
            format=format_of(channel, answers),
            metrics=self._attachments.metrics(person, channel),
            labels=labels,
            **{"url": f"https://{channel}.example/{native}", **fields},
        )
        if post.repost_of is None and "copy" not in labels:
            self._remember(post, person, draft, target)
        return _upsert(post, when)

    def _placed(self, id_: str, channel: str, draft: Draft, book: Phrases) -> dict[str, Any]:
        """What says where an original stands."""
        topic = draft.labels["topic"]
        placed: dict[str, Any] = {"community": community(channel, topic, book)}
        if channel in ("x", "reddit", "forum"):  # these name the first post in the first post, too
            placed["thread"] = id_
        if draft.stars is not None and draft.about is not None:
            placed["rating"] = Rating(value=float(draft.stars))
            placed["about"], placed["about_name"] = reviewed(draft.about, topic)
        return placed

    def _linked(
        self, draft: Draft, channel: str, home: Home, book: Phrases, fields: dict[str, Any]
    ) -> str:
        """The text, perhaps with the link to an article."""
        if channel in ("news", "reviews") or "copy" in draft.labels or "owned" in draft.labels:
            return draft.text
        if fields.get("reply_to") or draft.labels["topic"] == "bot":
            return draft.text
        link = self._attachments.link(draft.labels, home, book)
        return f"{draft.text} {link}" if link else draft.text

    def _remember(self, post: Post, person: Person, draft: Draft, target: Told | None) -> None:
        subject = draft.labels.get("brand") or draft.labels.get("owned")
        role = ROLE_OF[subject] if subject else draft.about
        if role is None and target is not None:
            role = target.role
        asker = target.person if "owned" in draft.labels and target is not None else None
        self._conversations.remember(Told(post, person, role, asker), person.home.language)


def _asked(post: Post) -> str:
    """What kind of answer the post asks for."""
    sentiment = post.labels["sentiment"]
    asks = sentiment != "neutral" or any(mark in post.text for mark in "?؟")
    return sentiment if asks and post.format != "article" else "remark"


def _upsert(post: Post, when: datetime) -> PostEvent:
    return PostUpsert(
        id=post.id,
        source=post.source,
        version=microseconds(when),
        ingested_at=when,
        post=post,
    )

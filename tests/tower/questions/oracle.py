"""The answers to every question, by counting the mentions one by one: no search engine is involved.

It knows the schemas and the shape of the answers alone. Times are compared to the millisecond, as
the index stores no more.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from queries.language.parser import parse
from queries.matching.document import Document
from schemas.alert import Alert
from schemas.mention import Language, Mention, MentionUpsert
from schemas.types import JsonObject
from sinks.alerts.triage import Triage
from tests.queries.reference import evaluate
from tests.tower.questions import oracle_records
from tests.tower.questions.corpus import Corpus
from tests.tower.questions.oracle_estimate import share
from tower.questions.alert_list import (
    AlertAnswer,
    AlertAsk,
    AlertsAnswer,
    AlertsAsk,
    AlertState,
    ListedAlert,
)
from tower.questions.aspect_opinions import AspectCount, AspectsAnswer, Voice, VoiceAnswer
from tower.questions.author_ranks import AuthorRank, AuthorsAnswer, AuthorsAsk
from tower.questions.mention_list import (
    ListedMention,
    MentionsAnswer,
    MentionsAsk,
    PostsAsk,
    WallAsk,
)
from tower.questions.presence import CountriesAnswer, CountryCount, HoursAnswer
from tower.questions.question import Answer, Ask
from tower.questions.value_counts import ValueCount, ValuesAnswer, ValuesAsk
from tower.questions.volume_series import VolumeAnswer, VolumeAsk, VolumeBucket

TONES = ("negative", "neutral", "positive")
WIDTHS_MIN = (1, 5, 10, 15, 30, 60, 180, 360, 720, 1440, 10_080)
"""Widths of a bucket, minutes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"m": 60, "h": 3600, "d": 86_400}

VALUES: Mapping[str, Callable[[Mention], Iterable[object]]] = {
    "language": lambda one: [one.language.code] if one.language else [],
    "source": lambda one: [one.post.source],
    "country": lambda one: [one.post.country],
    "brand": lambda one: [brand.id for brand in one.brands],
    "entity": lambda one: [entity.name for entity in one.entities],
    "hashtag": lambda one: one.post.hashtags,
    "emotion": lambda one: [one.emotion.label] if one.emotion else [],
    "intent": lambda one: one.intents,
    "kind": lambda one: [one.post.kind],
    "link": lambda one: one.post.links,
    "community": lambda one: [one.post.community.name] if one.post.community else [],
    "format": lambda one: [one.post.format],
    "publisher": lambda one: [one.post.publisher.name] if one.post.publisher else [],
    "rating": lambda one: [one.post.rating.value] if one.post.rating else [],
}


def milliseconds(at: datetime) -> int:
    """Since 1970, rounded down."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True)
class Oracle:
    """``brand``: the one brand that the query of the ask is about, if there is one."""

    corpus: Corpus
    ask: Any
    brand: str | None = None

    def __post_init__(self) -> None:
        assert isinstance(self.ask, Ask)

    # --- the scope ---------------------------------------------------------------------------

    @property
    def length(self) -> timedelta:
        last = self.ask.last or "24h"
        return timedelta(seconds=int(last[:-1]) * _UNITS[last[-1]])

    @property
    def until(self) -> datetime:
        if self.ask.until is not None:
            return self.ask.until  # type: ignore[no-any-return]
        tick = 10 if self.length <= timedelta(days=2) else 60
        seconds = int(self.corpus.now.timestamp()) // tick * tick
        return datetime.fromtimestamp(seconds, self.corpus.now.tzinfo)

    @property
    def since(self) -> datetime:
        return self.ask.since or self.until - self.length

    def fits(self, mention: Mention) -> bool:
        if not self.ask.q.strip():
            return True
        return evaluate(parse(self.ask.q), Document(mention)).matches

    def between(
        self, since: datetime, until: datetime, whatever_query: bool = False
    ) -> list[MentionUpsert]:
        first, end = milliseconds(since), milliseconds(until)
        return [
            event
            for event in self.corpus.mentions
            if first <= milliseconds(event.mention.post.created_at) < end
            and (whatever_query or self.fits(event.mention))
        ]

    @property
    def found(self) -> list[MentionUpsert]:
        return self.between(self.since, self.until)

    def tones(self, events: Iterable[MentionUpsert]) -> dict[str, Any]:
        """Towards the brand of the query, else towards any that is listened for."""
        wanted = {self.brand} if self.brand else set(self.corpus.brands)
        counts = Counter(tone for event in events for tone in _tones_of(event.mention, wanted))
        return {tone: counts[tone] for tone in TONES}

    def share(self, events: Iterable[MentionUpsert]) -> Any:
        by_language: defaultdict[str, list[MentionUpsert]] = defaultdict(list)
        for event in events:
            language = event.mention.language
            by_language[language.code if language else ""].append(event)
        counts = {code: self.tones(events) for code, events in by_language.items()}
        return share(
            {
                code: (tones["negative"], sum(tones.values()))
                for code, tones in counts.items()
                if sum(tones.values())
            }
        )

    def width_s(self, most: int) -> int:
        """The smallest width with at most ``most`` buckets, wherever the window begins."""
        length = (self.until - self.since).total_seconds()
        fitting = [minutes * 60 for minutes in WIDTHS_MIN if length <= minutes * 60 * (most - 1)]
        return fitting[0] if fitting else WIDTHS_MIN[-1] * 60

    def starts(self, width_s: int) -> list[datetime]:
        at = int(self.since.timestamp()) // width_s * width_s
        starts = []
        while at < self.until.timestamp():
            starts.append(datetime.fromtimestamp(at, self.since.tzinfo))
            at += width_s
        return starts

    # --- the questions -----------------------------------------------------------------------

    def volume(self) -> VolumeAnswer:
        assert isinstance(self.ask, VolumeAsk)
        events, width_s = self.found, self.width_s(self.ask.most)
        length = self.until - self.since
        earlier = self.between(self.since - length, self.since)
        starts, wide = self.starts(width_s), width_s * 1000
        by_bucket = _by_bucket(events, wide)
        before = Counter(_time(event) // wide for event in earlier)
        shift = milliseconds(self.until) - milliseconds(self.since)
        newest = max((_time(event) for event in events), default=None)
        return VolumeAnswer(
            step_s=width_s,
            mentions=len(events),
            authors=_authors(events),
            texts=_texts(events),
            reach=sum(_reach(event.mention) for event in events),
            negative=self.share(events),
            before=len(earlier),
            week_before=len(
                self.between(self.since - timedelta(days=7), self.until - timedelta(days=7))
            ),
            newest=None
            if newest is None
            else datetime.fromtimestamp(newest / 1000, self.since.tzinfo),
            series=[self._bucket(at, by_bucket[milliseconds(at) // wide]) for at in starts],
            usual=[before[(milliseconds(at) - shift) // wide] for at in starts] if earlier else [],
            towards=self.brand,
        )

    def _bucket(self, at: datetime, events: list[MentionUpsert]) -> VolumeBucket:
        tones = self.tones(events)
        return VolumeBucket(
            at=at,
            mentions=len(events),
            authors=_authors(events),
            texts=_texts(events),
            scored=sum(tones.values()),
            negative=tones["negative"],
        )

    def mentions(self) -> MentionsAnswer:
        """The first page."""
        assert isinstance(self.ask, MentionsAsk)
        listed = self.listed()
        return MentionsAnswer(total=len(listed), mentions=listed[: self.ask.size])

    def listed(self) -> list[ListedMention]:
        """All of them, in order."""
        return [_listed(event) for event in sorted(self.found, key=_ORDERS[self.ask.order])]

    def wall(self) -> MentionsAnswer:
        assert isinstance(self.ask, WallAsk)
        events = sorted(self.found, key=_ORDERS[self.ask.order])
        groups: defaultdict[str | None, list[MentionUpsert]] = defaultdict(list)
        for event in events:
            groups[event.mention.duplicate_group].append(event)
        cards: dict[tuple[str, str], ListedMention] = {}
        for event in events:
            copies = groups[event.mention.duplicate_group]
            if event.mention.duplicate_group is None:
                copies = [event]
            elif event is not copies[0]:
                continue
            post = event.mention.post
            cards.setdefault((post.source, post.author.id), _listed(event, copies))
        return MentionsAnswer(total=len(events), mentions=list(cards.values())[: self.ask.size])

    def posts(self) -> MentionsAnswer:
        """Whenever they were, and whatever the query is."""
        assert isinstance(self.ask, PostsAsk)
        known = {event.id: _listed(event) for event in self.corpus.mentions}
        listed = [known[id_] for id_ in json.loads(self.ask.ids) if id_ in known]
        return MentionsAnswer(total=len(listed), mentions=listed)

    def values(self) -> ValuesAnswer:
        assert isinstance(self.ask, ValuesAsk)
        events, of = self.found, VALUES[self.ask.field]
        having: defaultdict[Any, list[MentionUpsert]] = defaultdict(list)
        for event in events:
            for value in {value for value in of(event.mention) if value is not None}:
                having[value].append(event)
        ranked = sorted(having.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        return ValuesAnswer(
            field=self.ask.field,
            mentions=len(events),
            without=sum(all(value is None for value in of(event.mention)) for event in events),
            distinct=len(having),
            values=[
                ValueCount(value=str(value), mentions=len(those), **self.tones(those))
                for value, those in ranked[: self.ask.size]
            ],
        )

    def aspects(self) -> AspectsAnswer:
        events = self.found
        counts = Counter(pair for event in events for pair in _aspects_of(event.mention))
        found = [
            AspectCount(
                aspect=aspect,
                negative=counts[aspect, "negative"],
                neutral=counts[aspect, "neutral"],
                positive=counts[aspect, "positive"],
            )
            for aspect in {aspect for aspect, _ in counts}
        ]
        found.sort(key=lambda one: (-one.negative, -one.mentions, one.aspect))
        return AspectsAnswer(mentions=len(events), aspects=found)

    def voice(self) -> VoiceAnswer:
        brands, within = self.corpus.brands, self.found
        names = list(brands)[:20]
        if self.brand is not None:
            within = self.between(self.since, self.until, whatever_query=True)
            own = brands.get(self.brand)
            names = [self.brand, *(own.peers if own else [])][:6]
        voices = [self._voice(name, within) for name in names]
        return VoiceAnswer(brands=sorted(voices, key=lambda one: (-one.mentions, one.brand)))

    def _voice(self, name: str, within: list[MentionUpsert]) -> Voice:
        events = [event for event in within if name in {b.id for b in event.mention.brands}]
        tones = Counter(tone for event in events for tone in _tones_of(event.mention, {name}))
        aspects = Counter(
            aspect
            for event in events
            for aspect, tone in _aspects_of(event.mention)
            if tone == "negative"
        )
        brand = self.corpus.brands.get(name)
        return Voice(
            brand=name,
            name=brand.name if brand else name,
            mentions=len(events),
            negative=tones["negative"],
            neutral=tones["neutral"],
            positive=tones["positive"],
            authors=_authors(events),
            reach=sum(_reach(event.mention) for event in events),
            aspects=dict(aspects),
        )

    def authors(self) -> AuthorsAnswer:
        assert isinstance(self.ask, AuthorsAsk)
        by_author: defaultdict[str, list[MentionUpsert]] = defaultdict(list)
        for event in sorted(self.found, key=_ORDERS["newest"]):
            by_author[event.mention.post.author.id].append(event)
        ranks = [self._rank(events) for events in by_author.values()]
        if self.ask.by == "reach":
            ranks.sort(key=lambda one: (-one.reach, -one.mentions, one.id))
        else:
            ranks.sort(key=lambda one: (-one.mentions, -one.reach, one.id))
        return AuthorsAnswer(distinct=len(by_author), authors=ranks[: self.ask.size])

    def _rank(self, events: list[MentionUpsert]) -> AuthorRank:
        post = events[0].mention.post
        return AuthorRank(
            id=post.author.id,
            handle=post.author.handle,
            name=post.author.name,
            source=post.source,
            url=post.author.url,
            verified=post.author.verified,
            mentions=len(events),
            reach=max(_reach(event.mention) for event in events),
            engagement=sum(_engagement(event.mention) for event in events),
            **self.tones(events),
        )

    def countries(self) -> CountriesAnswer:
        events, width_s = self.found, self.width_s(48)
        starts, wide = self.starts(width_s), width_s * 1000
        by_country: defaultdict[str, list[MentionUpsert]] = defaultdict(list)
        for event in events:
            if event.mention.post.country is not None:
                by_country[event.mention.post.country].append(event)
        countries = []
        for country, those in sorted(by_country.items(), key=lambda p: (-len(p[1]), p[0])):
            cells = _by_bucket(those, wide)
            countries.append(
                CountryCount(
                    country=country,
                    mentions=len(those),
                    **self.tones(those),
                    share=self.share(those),
                    cells=[len(cells[milliseconds(at) // wide]) for at in starts],
                )
            )
        return CountriesAnswer(
            mentions=len(events),
            unknown=len(events) - sum(map(len, by_country.values())),
            step_s=width_s,
            starts=starts,
            countries=countries,
        )

    def hours(self) -> HoursAnswer:
        zone = ZoneInfo(self.ask.tz)
        cells = [[0] * 24 for _ in range(7)]
        negative = [[0] * 24 for _ in range(7)]
        since = max(self.since, self.until - timedelta(days=62))
        for event in self.between(since, self.until):
            local = event.mention.post.created_at.astimezone(zone)
            cells[local.weekday()][local.hour] += 1
            negative[local.weekday()][local.hour] += self.tones([event])["negative"]
        return HoursAnswer(cells=cells, negative=negative)

    def alerts(self) -> AlertsAnswer:
        assert isinstance(self.ask, AlertsAsk)
        brand = self.ask.brand or self.brand
        meeting = [
            _listed_alert(source)
            for source in self.corpus.alerts
            if datetime.fromisoformat(source["began_at"]) < self.until
            and (
                datetime.fromisoformat(source["raised_at"]) >= self.since
                or source["status"] != "close"
            )
            and brand in (None, source["brand"])
        ]
        kept = [one for one in meeting if self.ask.standing in ("all", one.standing)]
        standings = ("open", "acknowledged", "closed")
        kept.sort(
            key=lambda one: (
                standings.index(one.standing),
                -one.alert.severity,
                -milliseconds(one.alert.raised_at),
                one.alert.id,
            )
        )
        return AlertsAnswer(total=len(kept), alerts=kept[: self.ask.size])

    def alert(self) -> AlertAnswer:
        assert isinstance(self.ask, AlertAsk)
        found = (each for each in self.corpus.alerts if each["id"] == self.ask.id)
        return AlertAnswer(found=next(map(_listed_alert, found), None))

    def answer(self, question: str) -> Answer:
        """The answer to a question of this name."""
        ways: Mapping[str, Callable[[], Answer]] = {
            "volume": self.volume,
            "mentions": self.mentions,
            "wall": self.wall,
            "values": self.values,
            "aspects": self.aspects,
            "voice": self.voice,
            "authors": self.authors,
            "countries": self.countries,
            "hours": self.hours,
            "alerts": self.alerts,
            "alerts/{id}": self.alert,
            "posts": self.posts,
            "lifts": partial(oracle_records.lifts, self),
            "clauses": partial(oracle_records.clauses, self),
            "tabs": partial(oracle_records.tabs, self),
            "coverage": partial(oracle_records.coverage, self),
            "latencies": partial(oracle_records.latencies, self),
            "erasures": partial(oracle_records.erasures, self),
        }
        return ways[question]()


def _time(event: MentionUpsert) -> int:
    return milliseconds(event.mention.post.created_at)


def _reach(mention: Mention) -> int:
    return mention.influence.reach if mention.influence else 0


def _engagement(mention: Mention) -> int:
    return mention.influence.engagement if mention.influence else 0


_ORDERS: Mapping[str, Callable[[MentionUpsert], tuple[int, str]]] = {
    "newest": lambda event: (-_time(event), event.id),
    "oldest": lambda event: (_time(event), event.id),
    "widest": lambda event: (-_reach(event.mention), event.id),
    "most_engaged": lambda event: (-_engagement(event.mention), event.id),
}


def _by_bucket(events: Iterable[MentionUpsert], wide: int) -> defaultdict[int, list[MentionUpsert]]:
    by_bucket: defaultdict[int, list[MentionUpsert]] = defaultdict(list)
    for event in events:
        by_bucket[_time(event) // wide].append(event)
    return by_bucket


def _authors(events: Iterable[MentionUpsert]) -> int:
    return len({event.mention.post.author.id for event in events})


def _texts(events: Sequence[MentionUpsert]) -> int:
    groups = [event.mention.duplicate_group for event in events]
    return len({group for group in groups if group is not None}) + groups.count(None)


def _tones_of(mention: Mention, brands: set[str]) -> set[str]:
    return {
        brand.sentiment.label
        for brand in mention.brands
        if brand.sentiment is not None and brand.id in brands
    }


def _aspects_of(mention: Mention) -> set[tuple[str, str]]:
    return {
        (aspect.label, aspect.sentiment.label)
        for aspect in mention.aspects
        if aspect.sentiment is not None
    }


def _listed(event: MentionUpsert, copies: Sequence[MentionUpsert] = ()) -> ListedMention:
    mention = event.mention
    language = mention.language
    shown = msgspec.structs.replace(
        mention,
        post=msgspec.structs.replace(mention.post, language=None),
        language=language and Language(code=language.code, confidence=language.confidence),
        duplicate_keys=[],
        provenance={},
    )
    return ListedMention(
        version=event.version,
        at=mention.post.created_at,
        mention=shown,
        copies=max(1, len(copies)),
        copy_authors=max(1, _authors(copies)),
    )


def _listed_alert(source: JsonObject) -> ListedAlert:
    desk = msgspec.convert(source.get("desk") or {}, Triage)
    graver = desk.closed_severity is not None and source["severity"] > desk.closed_severity
    if source["status"] == "close" or (desk.closed_by is not None and not graver):
        standing = "closed"
    else:
        standing = "open" if desk.acknowledged_by is None else "acknowledged"
    states = [msgspec.convert(state, AlertState) for state in source.get("states", [])]
    return ListedAlert(
        alert=msgspec.convert(source, Alert),
        standing=standing,  # type: ignore[arg-type]
        desk=desk,
        states=states,
    )

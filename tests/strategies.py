"""Hypothesis strategies for every message: valid ones, and posts as hostile as a feed can be."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from schemas.activity import Activity
from schemas.alert import Alert, Evidence, Signal
from schemas.brand import AlertPolicy, Brand
from schemas.checkpoint import Checkpoint
from schemas.dead_letter import DeadLetter, Reason
from schemas.delivery import AlertDelivery
from schemas.detector_state import DetectorSnapshot
from schemas.mention import (
    Aspect,
    BrandMatch,
    Emotion,
    Entity,
    Flag,
    Influence,
    Language,
    Match,
    Mention,
    MentionDelete,
    MentionErasure,
    MentionEvent,
    MentionUpsert,
    Sentiment,
    Target,
)
from schemas.post import (
    Author,
    Media,
    Metrics,
    Post,
    PostDelete,
    PostErasure,
    PostEvent,
    PostUpsert,
)
from schemas.types import (
    AspectLabel,
    EmotionLabel,
    EntityLabel,
    IntentLabel,
    Kind,
    SentimentLabel,
    Tier,
)

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
"""Any text that JSON can hold."""
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
"""Any Python string, lone surrogates included."""
SHORT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-9.5))])
TIMES = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=ZONES,
)
COUNTS = st.integers(0, 2**53)
VERSIONS = st.integers(0, 2**63 - 1)
SHARES = st.floats(0, 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=3)


def labels(literal: Any) -> st.SearchStrategy[Any]:
    """One of the values of a ``Literal``."""
    return st.sampled_from(get_args(literal))


IDS = st.tuples(st.sampled_from(["x", "bluesky", "file"]), SHORT).map(":".join)
AUTHORS = st.builds(
    Author,
    id=SHORT,
    handle=maybe(TEXT),
    name=maybe(TEXT),
    followers=maybe(COUNTS),
    verified=maybe(st.booleans()),
    created_at=maybe(TIMES),
)
MEDIA = st.builds(Media, type=TEXT, url=maybe(TEXT), alt=maybe(TEXT))
METRICS = st.builds(
    Metrics,
    likes=maybe(COUNTS),
    reposts=maybe(COUNTS),
    replies=maybe(COUNTS),
    quotes=maybe(COUNTS),
    views=maybe(COUNTS),
)


def posts(
    ids: st.SearchStrategy[str] = IDS, texts: st.SearchStrategy[str] = TEXT
) -> st.SearchStrategy[Post]:
    """Posts that the schema allows."""
    return st.builds(
        Post,
        id=ids,
        source=SHORT,
        author=AUTHORS,
        text=texts,
        created_at=TIMES,
        url=maybe(TEXT),
        title=maybe(TEXT),
        language=maybe(TEXT),
        edited_at=maybe(TIMES),
        claimed_at=maybe(TIMES),
        reply_to=maybe(IDS),
        repost_of=maybe(IDS),
        quote_of=maybe(IDS),
        mentions=some(TEXT),
        hashtags=some(TEXT),
        links=some(TEXT),
        media=some(MEDIA),
        place=maybe(TEXT),
        country=maybe(st.sampled_from(["FR", "IN", "JP"])),
        metrics=METRICS,
        truncated=st.booleans(),
        labels=st.dictionaries(TEXT, TEXT, max_size=2),
    )


SENTIMENTS = st.builds(
    Sentiment,
    label=labels(SentimentLabel),
    score=st.floats(-1, 1),
    negative=SHARES,
    neutral=SHARES,
    positive=SHARES,
)
MATCHES = st.builds(Match, text=TEXT, start=maybe(COUNTS), end=maybe(COUNTS))
ASPECTS = st.builds(
    Aspect,
    label=labels(AspectLabel),
    text=TEXT,
    start=COUNTS,
    end=COUNTS,
    sentiment=maybe(SENTIMENTS),
)
FLAGS = st.builds(Flag, label=st.booleans(), probability=SHARES)
MENTIONS = st.builds(
    Mention,
    post=posts(),
    language=maybe(st.builds(Language, code=TEXT, confidence=SHARES)),
    brands=some(
        st.builds(
            BrandMatch,
            id=TEXT,
            matches=some(MATCHES),
            confidence=maybe(SHARES),
            sentiment=maybe(SENTIMENTS),
        )
    ),
    entities=some(
        st.builds(
            Entity,
            text=TEXT,
            label=labels(EntityLabel),
            start=COUNTS,
            end=COUNTS,
            name=maybe(TEXT),
            id=maybe(TEXT),
        )
    ),
    sentiment=maybe(SENTIMENTS),
    targets=some(st.builds(Target, text=TEXT, sentiment=maybe(SENTIMENTS))),
    aspects=some(ASPECTS),
    intents=some(labels(IntentLabel)),
    emotion=maybe(st.builds(Emotion, label=labels(EmotionLabel), confidence=SHARES)),
    irony=maybe(FLAGS),
    toxicity=maybe(FLAGS),
    duplicate_group=maybe(SHORT),
    duplicate_keys=some(SHORT),
    influence=maybe(
        st.builds(
            Influence,
            reach=COUNTS,
            engagement=COUNTS,
            amplified=st.booleans(),
            account_age_days=maybe(COUNTS),
        )
    ),
    tier=maybe(labels(Tier)),
    provenance=st.dictionaries(TEXT, TEXT, max_size=2),
)


def _upsert(post: Post, version: int, ingested_at: datetime) -> PostEvent:
    return PostUpsert(
        id=post.id,
        source=post.source,
        version=version,
        ingested_at=ingested_at,
        post=post,
    )


UPSERTS = st.builds(_upsert, posts(), VERSIONS, TIMES)
DELETES = st.builds(
    PostDelete,
    id=IDS,
    source=SHORT,
    version=VERSIONS,
    ingested_at=TIMES,
    created_at=maybe(TIMES),
)
ERASURES = st.builds(
    PostErasure,
    id=IDS,
    source=SHORT,
    version=VERSIONS,
    ingested_at=TIMES,
    author_id=SHORT,
)
POST_EVENTS = UPSERTS | DELETES | ERASURES


def _mention_event(mention: Mention, version: int, at: datetime, done: datetime) -> MentionEvent:
    return MentionUpsert(
        id=mention.post.id,
        source=mention.post.source,
        version=version,
        ingested_at=at,
        enriched_at=done,
        mention=mention,
    )


def _passed_on(event: PostDelete | PostErasure, done: datetime) -> MentionEvent:
    fields = msgspec.structs.asdict(event) | {"enriched_at": done}
    return MentionDelete(**fields) if isinstance(event, PostDelete) else MentionErasure(**fields)


MENTION_EVENTS = st.builds(_mention_event, MENTIONS, VERSIONS, TIMES, TIMES) | st.builds(
    _passed_on, DELETES | ERASURES, TIMES
)
ACTIVITIES = st.builds(
    Activity,
    brand=SHORT,
    post_id=IDS,
    version=VERSIONS,
    at=TIMES,
    ingested_at=TIMES,
    source=SHORT,
    author=TEXT,
    kind=st.sampled_from(get_args(Kind)),
    sentiment=maybe(st.sampled_from(get_args(SentimentLabel))),
    score=maybe(st.floats(-1, 1)),
    reach=COUNTS,
    language=maybe(TEXT),
    country=maybe(TEXT),
    duplicate_group=maybe(TEXT),
    duplicate_keys=some(SHORT),
    intents=some(labels(IntentLabel)),
    emotion=maybe(labels(EmotionLabel)),
    account_age_days=maybe(COUNTS),
)
SIGNALS = st.builds(
    Signal,
    name=TEXT,
    observed=FLOATS,
    baseline=FLOATS,
    unit=TEXT,
    significance=maybe(st.floats(0, allow_infinity=False)),
)
ALERTS = st.builds(
    Alert,
    id=SHORT,
    brand=SHORT,
    version=VERSIONS,
    status=st.sampled_from(["open", "update", "close"]),
    severity=st.integers(1, 5),
    began_at=TIMES,
    raised_at=TIMES,
    title=TEXT,
    signals=some(SIGNALS),
    evidence=st.builds(
        Evidence, posts=some(IDS), terms=some(TEXT), mentions=COUNTS, duplicate_share=maybe(SHARES)
    ),
)
ALERT_DELIVERIES = st.builds(
    AlertDelivery,
    channel=SHORT,
    alert_id=SHORT,
    version=VERSIONS,
    status=st.sampled_from(["open", "update", "close"]),
    at=TIMES,
    repeat=maybe(TEXT),
)
DEAD_LETTERS = st.builds(
    DeadLetter,
    service=TEXT,
    reason=st.sampled_from(get_args(Reason)),
    detail=TEXT,
    at=TIMES,
    payload=st.binary(max_size=60),
    key=maybe(st.binary(max_size=20)),
    topic=maybe(TEXT),
    partition=maybe(COUNTS),
    offset=maybe(COUNTS),
    source=maybe(TEXT),
    replays=COUNTS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda inner: some(inner) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
CHECKPOINTS = st.builds(
    Checkpoint,
    source_id=SHORT,
    position=st.dictionaries(TEXT, JSON, max_size=3),
    saved_at=TIMES,
    posts=COUNTS,
)
BRANDS = st.builds(
    Brand,
    id=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True),
    name=SHORT,
    names=some(TEXT),
    handles=some(TEXT),
    exclude=some(TEXT),
    query=maybe(TEXT),
    languages=some(TEXT),
    owned=some(TEXT),
    peers=some(TEXT),
    alerts=st.builds(
        AlertPolicy,
        sensitivity=st.floats(0.01, 10),
        minimum_volume=st.integers(1, 1000),
        quiet_hours=maybe(TEXT),
        channels=st.dictionaries(TEXT, some(TEXT), max_size=2),
        mute_until=maybe(TIMES),
    ),
)

DETECTOR_STATES = st.builds(
    DetectorSnapshot,
    brand=SHORT,
    partition=COUNTS,
    offset=COUNTS,
    saved_at=TIMES,
    format=COUNTS,
    state=st.binary(max_size=200),
    kind=st.sampled_from(["brand", "partition"]),
)

MESSAGES: dict[str, st.SearchStrategy[Any]] = {
    "posts": POST_EVENTS,
    "mentions": MENTION_EVENTS,
    "activity": ACTIVITIES,
    "alerts": ALERTS,
    "alert-deliveries": ALERT_DELIVERIES,
    "dead-letters": DEAD_LETTERS,
    "checkpoints": CHECKPOINTS,
    "brands": BRANDS,
    "detector-state": DETECTOR_STATES,
}
"""Topic to what may travel on it."""

# Long strings are made by repetition: drawing them letter by letter would take all the time.
_LONG = st.builds(
    lambda text, times: text * times,
    st.text(alphabet=st.characters(exclude_categories=()), min_size=1, max_size=8),
    st.integers(1, 2_000),
)
HOSTILE_TEXT = ANY_TEXT | _LONG
HOSTILE_TIMES = st.datetimes(timezones=ZONES) | st.sampled_from(
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2090, 1, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ]
)
HOSTILE_POSTS = st.builds(
    Post,
    id=st.builds(lambda text: f"file:{text}"[:512], ANY_TEXT.filter(bool)),
    source=st.just("file"),
    author=st.builds(
        Author,
        id=HOSTILE_TEXT.filter(bool),
        handle=maybe(HOSTILE_TEXT),
        name=maybe(HOSTILE_TEXT),
        created_at=maybe(HOSTILE_TIMES),
    ),
    text=HOSTILE_TEXT,
    created_at=HOSTILE_TIMES,
    url=maybe(HOSTILE_TEXT),
    title=maybe(HOSTILE_TEXT),
    language=maybe(HOSTILE_TEXT),
    edited_at=maybe(HOSTILE_TIMES),
    claimed_at=maybe(HOSTILE_TIMES),
    reply_to=maybe(HOSTILE_TEXT),
    repost_of=maybe(HOSTILE_TEXT),
    quote_of=maybe(HOSTILE_TEXT),
    mentions=st.lists(HOSTILE_TEXT, max_size=3) | HOSTILE_TEXT.map(lambda text: [text] * 300),
    hashtags=st.lists(HOSTILE_TEXT, max_size=3),
    links=st.lists(HOSTILE_TEXT, max_size=3),
    media=st.lists(
        st.builds(Media, type=HOSTILE_TEXT, url=maybe(HOSTILE_TEXT), alt=maybe(HOSTILE_TEXT)),
        max_size=3,
    ),
    place=maybe(HOSTILE_TEXT),
    country=maybe(HOSTILE_TEXT),
    labels=st.dictionaries(ANY_TEXT, HOSTILE_TEXT, max_size=3),
)
"""Posts with everything that a platform should not send and one day will."""

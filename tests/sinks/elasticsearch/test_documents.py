"""What is written for a mention: where, under which version, and with which fields."""

import json
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

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
    MentionEvent,
    MentionUpsert,
    Sentiment,
    Target,
)
from schemas.post import Author, Community, Media, Metrics, Post, Publisher, Rating
from sinks.elasticsearch.documents import from_document, to_document, tombstone, upsert
from sinks.elasticsearch.indices.mappings import MENTION_PROPERTIES
from tests import make
from tests.schemas.field_paths import field_paths
from tests.sinks.elasticsearch import events
from tests.sinks.elasticsearch.events import AT, INDEX, LATER, NAMES, SNOWFLAKE
from tests.strategies import MENTION_EVENTS
from text.tokens import TOKENIZER_VERSION

UPSERTS = MENTION_EVENTS.filter(
    lambda event: (
        isinstance(event, MentionUpsert)
        and not any("=" in key for key in event.mention.post.labels)
    )
)
"""An = in the key of a label would end the key early."""
JANUARY = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BAD = Sentiment(label="negative", score=-0.5, negative=0.6, neutral=0.3, positive=0.1)
GOOD = Sentiment(label="positive", score=0.5, negative=0.1, neutral=0.3, positive=0.6)
ODILE = Author(
    id="17", handle="odile", name="Odilé", followers=3, verified=True, created_at=AT,
    url="https://f.example/odile", bot=False,
)  # fmt: skip
FORUM = Community(id="c/9", name="Le Café", url="https://f.example/c/9", members=40)
VELMORA = Match(text="Velmora", field="title", start=0, end=7)


def full() -> MentionEvent:
    """A mention with every field set."""
    post = Post(
        id="file:1",
        source="file",
        author=ODILE,
        text="Velmora à Nantes #velmora_ko",
        title="Encore une Panné",
        created_at=AT,
        url="https://f.example/É",
        language="fr",
        edited_at=AT,
        claimed_at=AT,
        reply_to="file:0",
        repost_of="file:2",
        quote_of="file:3",
        copied_from=["18"],
        mentions=["a"],
        hashtags=["b"],
        links=["https://l.example"],
        media=[Media(type="photo", url="https://m.example", alt="alt")],
        place="Nantes",
        country="FR",
        thread="file:0",
        format="review",
        community=FORUM,
        about="app:1",
        about_name="Velmora Mobile",
        rating=Rating(value=8, best=10, worst=0),
        publisher=Publisher(name="Le Journal", domain="journal.example", country="FR"),
        keep_until=LATER,
        metrics=Metrics(
            likes=1, reposts=2, replies=3, quotes=4, views=5, score=-6, dislikes=7, saves=8
        ),
        truncated=True,
        labels={"topic": "network"},
    )
    mention = Mention(
        post=post,
        language=Language(code="fr", confidence=0.9),
        brands=[BrandMatch(id="velmora", matches=[VELMORA], confidence=0.9, sentiment=BAD)],
        entities=[Entity(text="Nantes", label="LOC", start=10, end=16, name="Nantes", id="Q12191")],
        sentiment=BAD,
        aspects=[Aspect(label="delay", text="Panne", start=0, end=5, sentiment=BAD)],
        intents=["complaint"],
        emotion=Emotion(label="anger", confidence=0.7),
        irony=Flag(label=False, probability=0.1),
        toxicity=Flag(label=True, probability=0.8),
        targets=[Target(text="Nantes", sentiment=GOOD)],
        duplicate_group="0f3a55c2b8d94e10",
        duplicate_keys=["1b9e27c40d5a83f6"],
        influence=Influence(reach=3, engagement=10, amplified=True, account_age_days=1),
        tier="accurate",
        provenance={"brands": "names-1"},
    )
    return make.enriched(mention, 7)


def written(event: MentionEvent) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(upsert(event, NAMES).document)
    return body


def unmapped(body: dict[str, Any], properties: dict[str, Any], path: str = "") -> set[str]:
    """Paths of the body that the mapping does not name; those under ``enabled: false`` are free."""
    missing = set()
    for name, value in body.items():
        mapping = properties.get(name)
        if mapping is None:
            missing.add(path + name)
        elif "properties" in mapping:
            for inner in value if isinstance(value, list) else [value]:
                missing |= unmapped(inner, mapping["properties"], f"{path}{name}.")
    return missing


def test_every_field_is_mapped_and_every_mapped_field_is_written() -> None:
    body = written(full())
    assert unmapped(body, MENTION_PROPERTIES) == set()
    assert body.keys() == MENTION_PROPERTIES.keys() - {"deleted_at", "tokens"}
    for name in ("words", "values"):
        assert body[name].keys() == MENTION_PROPERTIES[name]["properties"].keys()


ELSEWHERE = {
    "language.code": "language",
    "language.confidence": "language_confidence",
    "brands": "brand_matches",
}
"""Fields of a mention with another name in the index, also for what is below them."""
NOT_INDEXED = {"post", "post.language", "duplicate_keys"}
"""The post is spread out, its language hint is replaced by the detected language, and the keys of
copies follow from the text."""


def indexed_as(path: str) -> str:
    path = path.removeprefix("post.")
    for name, here in ELSEWHERE.items():
        if path == name or path.startswith(f"{name}."):
            return here + path.removeprefix(name)
    return path


def test_no_field_of_a_mention_is_forgotten() -> None:
    """A new field fails here until it is in the mapping and in the document."""
    body = written(full())
    for path in sorted(field_paths(Mention) - NOT_INDEXED):
        value: Any = body
        mapping: dict[str, Any] = {"properties": MENTION_PROPERTIES}
        for name in indexed_as(path).split("."):
            value = (value[0] if isinstance(value, list) else value).get(name)
            assert value is not None, f"{path} is not written; set it in full()"
            if mapping.get("enabled", True):
                assert name in mapping.get("properties", {}), f"{path} has no mapping"
                mapping = mapping["properties"][name]


@given(MENTION_EVENTS.filter(lambda event: isinstance(event, MentionUpsert)))
@settings(max_examples=50)
def test_any_mention_is_a_document_that_the_mapping_knows(event: MentionEvent) -> None:
    body = written(event)
    assert unmapped(body, MENTION_PROPERTIES) == set()
    assert (body["id"], body["version"]) == (event.id, event.version)
    assert None not in body.values() and [] not in body.values()


@given(UPSERTS)
@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
def test_an_event_comes_back_from_its_document(event: MentionEvent) -> None:
    """Without the platform's language hint and what follows from the text."""
    mention = event.mention
    assert mention is not None
    post = replace(mention.post, language=None)
    bare = replace(mention, post=post, duplicate_keys=[])
    assert from_document(written(event)) == replace(event, mention=bare)


def test_a_document_of_an_older_mapping_comes_back_with_its_keys() -> None:
    older = written(full()) | {"duplicate_keys": ["1b9e27c40d5a83f6"]}
    assert from_document(older).mention.duplicate_keys == ["1b9e27c40d5a83f6"]


def test_the_fields_are_flat_where_analysts_filter() -> None:
    body = written(full())
    assert body["brands"] == ["velmora"]
    assert (body["language"], body["language_confidence"]) == ("fr", 0.9)
    assert (body["kind"], body["labels"], body["truncated"]) == ("quote", ["topic=network"], True)
    assert body["author"]["followers"] == 3
    assert body["sentiment"]["label"] == "negative"
    (entity,) = body["entities"]
    assert (entity["text"], entity["name"], entity["id"]) == ("Nantes", "Nantes", "Q12191")
    assert (body["intents"], body["tier"]) == (["complaint"], "accurate")
    assert (body["irony"]["label"], body["toxicity"]["label"]) == (False, True)


def test_sentiments_stay_with_their_brands_and_aspects() -> None:
    brands = {"velmora": BAD, "mirabelle": GOOD, "volta": None}
    aspects = [("delay", BAD), ("delay", BAD), ("staff", GOOD), ("price", None)]
    mention = make.mention(
        "a",
        brands=[BrandMatch(id=id_, sentiment=read) for id_, read in brands.items()],
        aspects=[
            Aspect(label=label, text=label, start=0, end=1, sentiment=read)
            for label, read in aspects
        ],
    )
    body = to_document(replace(events.upsert(), mention=mention))
    assert body["brands"] == ["velmora", "mirabelle", "volta"]
    assert body["brand_sentiment"] == ["mirabelle=positive", "velmora=negative"]
    assert body["aspect_sentiment"] == ["delay=negative", "staff=positive"]


def test_the_words_are_those_of_each_text_on_its_own() -> None:
    words = written(full())["words"]
    assert words["title"] == "encore une panne"
    assert words["title_exact"] == "Encore . Panné"
    assert (words["text"], words["text_accented"]) == ("velmora a nantes #velmora_ko", ". à . .")
    assert words["text_exact"] == "Velmora à Nantes ."
    assert words["url_accented"] == [". . é", ". ."]
    assert words["url"] == ["f example e", "l example"]
    assert words["author_name"] == "odile"
    # A text without accents needs no field of them.
    words = written(events.upsert(text="no accents"))["words"]
    assert words == {"text": "no accents", "text_exact": ". ."}


def test_the_values_are_normal() -> None:
    assert written(full())["values"] == {
        "author": ["17", "odile"],
        "source": ["file"],
        "site": ["example", "f.example"],
        "country": ["fr"],
        "hashtags": ["b"],
        "tag": ["ko", "velmora"],
        "tokenizer": [str(TOKENIZER_VERSION)],
        "mentions": ["a"],
        "entity": ["nantes", "q12191"],
        "community": ["c/9", "le cafe"],
        "thread": ["file:0"],
        "about": ["app:1", "velmora mobile"],
        "publisher": ["journal.example", "le journal"],
    }


@pytest.mark.parametrize(
    ("rating", "share"),
    [
        (Rating(value=1), 0),
        (Rating(value=4), 0.75),
        (Rating(value=8, best=10, worst=0), 0.8),
        (Rating(value=2, best=3, worst=0), 0.6675),
    ],
)
def test_a_rating_is_kept_as_given_and_as_a_share_of_its_scale(
    rating: Rating, share: float
) -> None:
    body = written(events.upsert(rating=rating))
    scale = {"value": rating.value, "best": rating.best, "worst": rating.worst}
    assert body["rating"] == {**scale, "share": share}


def test_what_is_absent_is_left_out() -> None:
    assert to_document(events.upsert()).keys() == {
        "id", "source", "version", "kind", "author", "text", "words", "values", "created_at",
        "ingested_at", "enriched_at", "metrics", "provenance",
    }  # fmt: skip


def test_an_operation_is_two_lines_under_an_external_version() -> None:
    event = replace(events.upsert(text="a\nb\r\u2028c"), version=7)
    action, body = upsert(event, NAMES).lines()
    external = {"version": 7, "version_type": "external_gte"}
    assert json.loads(action) == {"index": {"_index": INDEX, "_id": "file:1", **external}}
    assert json.loads(body)["text"] == "a\nb\r\u2028c"


@pytest.mark.parametrize(
    ("id_", "created_at", "month"),
    [
        ("file:1", JANUARY, "2026.01"),
        ("file:1", JANUARY + SECOND, "2026.02"),
        # UTC decides, whatever the offset of the time.
        ("file:1", datetime.fromisoformat("2026-02-01T01:00+02:00"), "2026.01"),
        # The id comes first, since a delete has it too.
        (SNOWFLAKE, JANUARY, "2022.06"),
        # An implausible id does not count.
        ("bluesky:a/7zzzzzzzzzzzz", JANUARY, "2026.01"),
        ("bluesky:a/2222222222222", JANUARY, "2026.01"),
        # The first and last day of the calendar.
        ("file:1", datetime.fromisoformat("0001-01-01T00:00+14:00"), "before-2015"),
        ("file:1", datetime.fromisoformat("9999-12-31T23:00-12:00"), "9999.12"),
    ],
)
def test_the_month_decides_the_index(id_: str, created_at: datetime, month: str) -> None:
    event = events.upsert(id_, created_at=created_at)
    assert upsert(event, NAMES).index == f"tocsin-mentions-{month}"


def test_old_dates_share_one_index() -> None:
    months = [
        datetime(year, month, 1, tzinfo=UTC) for year in range(1990, 2016) for month in range(1, 13)
    ]
    indices = {upsert(events.upsert(created_at=when), NAMES).index for when in months}
    before, *monthly = sorted(indices, reverse=True)
    assert before == "tocsin-mentions-before-2015"
    assert sorted(monthly) == [f"tocsin-mentions-2015.{month:02d}" for month in range(1, 13)]
    assert fnmatchcase(before, NAMES.mentions_pattern)
    first = datetime(2015, 1, 1, tzinfo=UTC)
    assert (NAMES.mentions_of(first - SECOND), NAMES.mentions_of(first)) == (before, monthly[-1])


def test_a_delete_finds_the_month_of_its_post() -> None:
    encoded = NAMES.index_of(events.upsert(SNOWFLAKE))
    assert encoded == "tocsin-mentions-2022.06"
    assert NAMES.index_of(events.delete(SNOWFLAKE)) == encoded
    assert NAMES.index_of(events.delete(SNOWFLAKE, created_at=JANUARY)) == encoded
    assert NAMES.index_of(events.delete("file:1", created_at=JANUARY)) == INDEX
    assert NAMES.index_of(events.delete("file:1")) is None


def test_a_tombstone_holds_nothing_of_the_post() -> None:
    written = tombstone("file:1", "file", 8, INDEX, LATER)
    assert (written.id, written.index, written.version) == ("file:1", INDEX, 8)
    assert written.deletes
    body = json.loads(written.document)
    post = {"id": "file:1", "source": "file", "version": 8}
    assert body == {**post, "deleted_at": "2026-01-02T03:04:06Z"}
    assert unmapped(body, MENTION_PROPERTIES) == set()

"""Names, mappings and aliases of the indices; ``setup`` applies them.

The mappings are closed (``dynamic: false``): an unlisted field stays in ``_source`` and cannot blow
up the mapping. They need nothing but the core of Elasticsearch.
"""

import contextlib
from datetime import UTC, datetime
from functools import lru_cache

from queries.elasticsearch.index_fields import (
    ACCENTED,
    EXACT,
    GAP,
    TEXT_PATHS,
    TOKENIZER,
    VALUE_PATHS,
    VALUES,
    WORDS,
)
from runtime.settings import ElasticsearchSettings
from schemas.bounds import plausible
from schemas.ids import microseconds, time_of
from schemas.mention import MentionDelete, MentionUpsert
from schemas.post import Metrics
from schemas.types import JsonObject

FIRST_MONTHLY_YEAR = 2015
"""Earlier event times share one index, or an account with made-up dates could create hundreds."""
VERSION = 8
"""Raised with every change of a mapping; stored in the ``_meta`` of each index."""
PRIORITY = 500
"""Of our index templates: the highest priority of all that match shapes an index."""

CERTAIN_IDS = ("x",)
"""Platforms whose clients cannot choose ids, so the time within is certain."""

_KEYWORD = {"type": "keyword", "ignore_above": 2048}
_DATE = {"type": "date"}
_LONG = {"type": "long"}
_TEXT = {"type": "text"}
# The tokens of text.tokens joined by spaces, so the index reads text as the stream does.
_TOKENS = {"type": "text", "analyzer": "whitespace", "norms": False}
_ADDRESSES = {**_TOKENS, "position_increment_gap": GAP}
# Looked up, never aggregated or sorted.
_VALUE = {"type": "keyword", "doc_values": False}
_STORED = {"type": "keyword", "ignore_above": 2048, "index": False, "doc_values": False}
_OFF = {"type": "object", "enabled": False}
# Averaged and sorted by, seldom a filter, which then reads the column of all documents.
_FLOAT = {"type": "float", "index": False}
_DOUBLE = {"type": "double", "index": False}
_SHARE = {"type": "double"}
_BOOLEAN = {"type": "boolean"}
_OFFSET = {"type": "integer", "index": False, "doc_values": False}


def _object(**properties: JsonObject) -> JsonObject:
    return {"properties": properties}


_SENTIMENT = _object(label=_KEYWORD, score=_FLOAT, negative=_FLOAT, neutral=_FLOAT, positive=_FLOAT)
_FLAG = _object(label=_BOOLEAN, probability=_FLOAT)
_WORDS = {
    path.removeprefix(f"{WORDS}.") + form: _ADDRESSES if name == "url" else _TOKENS
    for name, path in TEXT_PATHS.items()
    for form in ("", ACCENTED, EXACT)
}
_QUERY_VALUES = {
    path.removeprefix(f"{VALUES}."): _VALUE
    for path in (*VALUE_PATHS.values(), TOKENIZER)
    if path.startswith(f"{VALUES}.")
}

MENTION_PROPERTIES: JsonObject = {
    "id": _KEYWORD,
    "source": _KEYWORD,
    "version": _LONG,
    "kind": _KEYWORD,
    "url": _STORED,
    "author": _object(
        id=_KEYWORD,
        handle=_KEYWORD,
        name={"type": "text", "fields": {"keyword": _KEYWORD}},
        followers=_LONG,
        verified=_BOOLEAN,
        created_at={**_DATE, "index": False},
        url=_STORED,
        bot=_BOOLEAN,
    ),
    "title": _TEXT,
    "text": _TEXT,
    # In documents before version 3, which have no words and values.
    "tokens": _TOKENS,
    WORDS: _object(**_WORDS),
    VALUES: _object(**_QUERY_VALUES),
    "created_at": _DATE,
    "edited_at": _DATE,
    "claimed_at": _DATE,
    "ingested_at": _DATE,
    "enriched_at": _DATE,
    "deleted_at": _DATE,
    "language": _KEYWORD,
    "language_confidence": _FLOAT,
    # Ids to filter by. The details are in brand_matches and, as pairs, in brand_sentiment, since a
    # flat object would mix the brands of one post.
    "brands": _KEYWORD,
    "brand_matches": _OFF,
    "brand_sentiment": _KEYWORD,
    "entities": _object(
        text=_KEYWORD, label=_KEYWORD, start=_OFFSET, end=_OFFSET, name=_KEYWORD, id=_KEYWORD
    ),
    "sentiment": _SENTIMENT,
    "aspects": _object(
        label=_KEYWORD, text=_KEYWORD, start=_OFFSET, end=_OFFSET, sentiment=_SENTIMENT
    ),
    "aspect_sentiment": _KEYWORD,
    "intents": _KEYWORD,
    "emotion": _object(label=_KEYWORD, confidence=_FLOAT),
    "irony": _FLAG,
    "toxicity": _FLAG,
    "targets": _object(text=_KEYWORD, sentiment=_SENTIMENT),
    "duplicate_group": _KEYWORD,
    "influence": _object(reach=_LONG, engagement=_LONG, amplified=_BOOLEAN, account_age_days=_LONG),
    "tier": _KEYWORD,
    "hashtags": _KEYWORD,
    "mentions": _KEYWORD,
    "links": _KEYWORD,
    "media": _object(type=_KEYWORD, url=_STORED, alt=_TEXT),
    "place": _KEYWORD,
    "country": _KEYWORD,
    "reply_to": _KEYWORD,
    "repost_of": _KEYWORD,
    "quote_of": _KEYWORD,
    "thread": _KEYWORD,
    "copied_from": _KEYWORD,
    "format": _KEYWORD,
    "community": _object(id=_KEYWORD, name=_KEYWORD, url=_STORED, members=_LONG),
    "about": _KEYWORD,
    "about_name": _KEYWORD,
    # As given; ``share``: from 0 at the worst mark to 1 at the best, so scales can be compared.
    "rating": _object(value=_DOUBLE, best=_DOUBLE, worst=_DOUBLE, share=_SHARE),
    "publisher": _object(name=_KEYWORD, domain=_KEYWORD, country=_KEYWORD),
    "keep_until": _DATE,
    "metrics": _object(**dict.fromkeys(Metrics.__struct_fields__, _LONG)),
    "truncated": _BOOLEAN,
    "labels": _KEYWORD,
    "provenance": _OFF,
}
ALERT_PROPERTIES: JsonObject = {
    "id": _KEYWORD,
    "brand": _KEYWORD,
    "version": _LONG,
    "status": _KEYWORD,
    "severity": {"type": "byte"},
    "began_at": _DATE,
    "raised_at": _DATE,
    "title": _TEXT,
    "signals": _OFF,
    "evidence": _OFF,
    # Hashes of the authors in the evidence, by which an erasure finds it.
    "authors": _KEYWORD,
    "headline": _OFF,
    "kind": _KEYWORD,
    "channels": _KEYWORD,
    "muted": _BOOLEAN,
    "found_afterwards": _BOOLEAN,
    # The past states and the work of people: see sinks.alerts.store.
    "states": _OFF,
    "desk": _object(
        acknowledged_by=_KEYWORD,
        acknowledged_at=_DATE,
        assignee=_KEYWORD,
        closed_by=_KEYWORD,
        closed_at=_DATE,
        closed_severity={"type": "byte"},
        verdict=_KEYWORD,
        verdict_by=_KEYWORD,
        verdict_at=_DATE,
        history=_OFF,
    ),
}

ERASURE_PROPERTIES: JsonObject = {
    "source": _KEYWORD,
    "author_id": _KEYWORD,
    "version": _LONG,
    "erased_at": _DATE,
    "done_at": _DATE,
    "expunged_at": _DATE,
}
COVERAGE_PROPERTIES: JsonObject = {
    "id": _KEYWORD,
    "version": _LONG,
    "source": _KEYWORD,
    "part": _KEYWORD,
    "state": _KEYWORD,
    "why": _KEYWORD,
    "told_by": _KEYWORD,
    "told_at": _DATE,
    "from": _DATE,
    "to": _DATE,
    "made_up_at": _DATE,
    "lost": _LONG,
    "detail": _STORED,
}
REPORT_PROPERTIES: JsonObject = {
    "id": _KEYWORD,
    "kind": _KEYWORD,
    "brand": _KEYWORD,
    "made_by": _KEYWORD,
    "made_at": _DATE,
    "since": _DATE,
    "until": _DATE,
    # Hashes of the authors in it, by which an erasure finds it.
    "authors": _KEYWORD,
    "parameters": _OFF,
    "sections": _OFF,
    "deliveries": _OFF,
}
REMOVAL_PROPERTIES: JsonObject = {"key": _KEYWORD, "version": _LONG, "deleted_at": _DATE}
TAB_PROPERTIES: JsonObject = {"person": _KEYWORD, "changed_at": _DATE, "tabs": _OFF}

NOT_DELETED: JsonObject = {"bool": {"must_not": [{"exists": {"field": "deleted_at"}}]}}
"""The filter of the read alias: everything but tombstones."""


class IndexNames:
    """The names of indices, aliases and templates, with the prefix of the settings."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self.mentions = settings.index_prefix + "mentions"
        """The read alias, without tombstones."""
        self.mentions_pattern = self.mentions + "-*"
        self.alerts = settings.index_prefix + "alerts"
        self.erasures = settings.index_prefix + "erasures"
        self.removals = settings.index_prefix + "removals"
        """Hashed ids of deleted posts that no other index has."""
        self.coverage = settings.index_prefix + "coverage"
        """When each source was heard: the records of the topic ``coverage``."""
        self.tabs = settings.index_prefix + "tabs"
        """The saved queries of each person of the control tower."""
        self.reports = settings.index_prefix + "reports"
        self.fixed = (
            self.alerts,
            self.erasures,
            self.removals,
            self.coverage,
            self.tabs,
            self.reports,
        )
        self.templates = (self.mentions, *self.fixed)

    def index_of(self, event: MentionUpsert | MentionDelete) -> str | None:
        """The index of the month of the post, or None for a delete without a time.

        The time within the id comes first, since a delete has it too. Clients of other platforms
        than X choose their ids, so there it counts only if the state is not older than it.
        """
        encoded = time_of(event.id)
        if (
            encoded is not None
            and plausible(encoded, event.ingested_at)
            and (event.source in CERTAIN_IDS or microseconds(encoded) <= event.version)
        ):
            return self.mentions_of(encoded)
        if isinstance(event, MentionUpsert):
            return self.mentions_of(event.mention.post.created_at)
        return None if event.created_at is None else self.mentions_of(event.created_at)

    def is_certain(self, event: MentionUpsert) -> bool:
        """Whether no other state of the post can be in another index.

        An edit of a post whose first state was older than the time within its id has another
        month, so the index of an edit is uncertain.
        """
        encoded = time_of(event.id)
        if encoded is None or not plausible(encoded, event.ingested_at):
            return False
        first = event.mention.post.edited_at is None and microseconds(encoded) <= event.version
        return event.source in CERTAIN_IDS or first

    def mentions_of(self, when: datetime) -> str:
        """The index of the month (UTC) of an event time; old times share one index."""
        with contextlib.suppress(OverflowError):  # the first and last day of the calendar
            when = when.astimezone(UTC)
        return _month_of(self.mentions, when.year, when.month)


@lru_cache(maxsize=1_024)
def _month_of(mentions: str, year: int, month: int) -> str:
    if year < FIRST_MONTHLY_YEAR:
        return f"{mentions}-before-{FIRST_MONTHLY_YEAR}"
    return f"{mentions}-{year:04d}.{month:02d}"


def mappings(properties: JsonObject) -> JsonObject:
    """A closed mapping with its version."""
    return {"dynamic": False, "_meta": {"tocsin": VERSION}, "properties": properties}


def templates(settings: ElasticsearchSettings) -> dict[str, JsonObject]:
    """Composable index templates by name."""
    names = IndexNames(settings)
    index = {
        "number_of_shards": settings.shards,
        "number_of_replicas": settings.replicas,
        # Set, or an index that is not searched for a while stops refreshing.
        "refresh_interval": "1s",
    }
    alias = {names.mentions: {"filter": NOT_DELETED}}
    # Half the bytes of the stored documents, for no more time of the processor.
    packed = {"codec": "best_compression"}
    # The others are kept or purged: only months of mentions grow old.
    policy = {"lifecycle": {"name": settings.ilm_policy}} if settings.ilm_policy else {}
    return {
        name: {
            "index_patterns": [pattern],
            "priority": PRIORITY,
            "_meta": {"tocsin": VERSION},
            "template": {
                "settings": {"index": {**index, **extra}},
                "mappings": mappings(properties),
                "aliases": aliases,
            },
        }
        for name, pattern, properties, aliases, extra in (
            (
                names.mentions,
                names.mentions_pattern,
                MENTION_PROPERTIES,
                alias,
                {**packed, **policy},
            ),
            (names.alerts, names.alerts, ALERT_PROPERTIES, {}, {}),
            (names.erasures, names.erasures, ERASURE_PROPERTIES, {}, {}),
            (names.removals, names.removals, REMOVAL_PROPERTIES, {}, {}),
            (names.coverage, names.coverage, COVERAGE_PROPERTIES, {}, {}),
            (names.tabs, names.tabs, TAB_PROPERTIES, {}, {}),
            (names.reports, names.reports, REPORT_PROPERTIES, {}, {}),
        )
    }

"""Brands that nobody mentions, as far as the index knows, and sources that no post has.

A brand whose query or languages can never match says nothing for ever, and so does one that
everybody is content with. Only a person can tell them apart, so each is named with what was read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from brands.brand_query import query_of
from brands.registry import Published, published_brands
from queries.tools.value_lint import doubtful_values, source_doubt
from runtime.clock import utc_now
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from schemas.brand import Brand
from schemas.errors import ServiceUnavailable, TocsinError
from schemas.types import JsonObject
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from sinks.elasticsearch.indices.mappings import IndexNames
from tocsin.checkup.check_runner import Noted, Skipped

HOURS: Final = 24
"""The time without a mention from which a brand is named."""
MAX_BRANDS: Final = 1_000
"""Brands that are looked at in one search."""
_MAX_NAMED: Final = 8
_MAX_ASKED: Final = 100
"""Silent brands of which the newest mention is asked for, all in one request."""
_MAX_SOURCES: Final = 200
_ANSWER_S: Final = 4.0


class Mentions(NamedTuple):
    """What the index holds."""

    where: str
    """The alias that was asked."""
    recent: int
    """Mentions of any brand since the beginning of the window."""
    heard: Collection[str]
    """Brands with a mention since then."""
    latest: Mapping[str, datetime | None]
    """Of the others that were asked for, the newest mention before; None: there is none."""
    sources: Collection[str]
    """What posts have in ``source``."""


def mentions_search(brands: Sequence[str], since: datetime) -> JsonObject:
    return {
        "size": 0,
        "track_total_hits": False,
        "query": {"match_all": {}},
        "aggs": {
            "recent": {
                "filter": {"range": {"created_at": {"gte": since.isoformat()}}},
                "aggs": {
                    "brands": {
                        "terms": {"field": "brands", "size": MAX_BRANDS, "include": list(brands)}
                    }
                },
            },
            "sources": {"terms": {"field": "source", "size": _MAX_SOURCES}},
        },
    }


def latest_search(brand: str) -> JsonObject:
    """The newest mention of a brand: not every engine has a maximum of dates."""
    return {
        "size": 1,
        "query": {"bool": {"filter": [{"term": {"brands": brand}}]}},
        "sort": [{"created_at": "desc"}],
        "_source": ["created_at"],
    }


def mentions_of(index: str, answer: Mapping[str, Any]) -> Mentions:
    """What an answer of :func:`mentions_search` says; raises ServiceUnavailable without counts."""
    found = answer.get("aggregations")
    if not found:
        raise ServiceUnavailable(f"{index} answered without counts")
    heard = [str(bucket["key"]) for bucket in found["recent"]["brands"]["buckets"]]
    sources = [str(bucket["key"]) for bucket in found["sources"]["buckets"]]
    return Mentions(index, int(found["recent"]["doc_count"]), heard, {}, sources)


def read_mentions(brands: Sequence[str], since: datetime) -> Mentions:
    """Ask the index; raises :class:`TocsinError` if it does not answer."""
    settings = load(ElasticsearchSettings)
    settings = settings.model_copy(
        update={"request_timeout_s": min(_ANSWER_S, settings.request_timeout_s)}
    )
    index = IndexNames(settings).mentions
    with connect(settings) as client, elasticsearch_errors(settings):
        answer = client.search(index=index, **mentions_search(brands[:MAX_BRANDS], since))
        found = mentions_of(index, answer.body)
        silent = [brand for brand in brands[:MAX_BRANDS] if brand not in found.heard]
        lines = [line for brand in silent[:_MAX_ASKED] for line in ({}, latest_search(brand))]
        answers = client.msearch(index=index, searches=lines).body["responses"] if lines else []
    latest: dict[str, datetime | None] = {}
    for brand, told in zip(silent, answers, strict=False):
        if "error" not in told:
            hits = told["hits"]["hits"]
            times = [datetime.fromisoformat(hit["_source"]["created_at"]) for hit in hits]
            latest[brand] = max(times, default=None)
    return found._replace(latest=latest)


def silent_brands(
    published: Mapping[str, Published], mentions: Mentions, since: datetime
) -> list[str]:
    """The brands without a mention since then; the longest silent first.

    A brand that is newer than that, and was never mentioned, is left out.
    """
    latest, never = mentions.latest, datetime.min.replace(tzinfo=UTC)
    silent = [
        name
        for name, each in list(published.items())[:MAX_BRANDS]
        if name not in mentions.heard and (latest.get(name) is not None or each.at < since)
    ]
    return sorted(silent, key=lambda name: (name not in latest, latest.get(name) or never, name))


def silence_text(silent: Sequence[str], mentions: Mentions, hours: int) -> str:
    """``no mention in 24 hours in tocsin-mentions: corvane (none ever), velmora (last …)``."""
    named = ", ".join(_with_time(name, mentions) for name in silent[:_MAX_NAMED])
    more = f" and {len(silent) - _MAX_NAMED:,} more" if len(silent) > _MAX_NAMED else ""
    return f"no mention in {hours} hours in {mentions.where}: {named}{more}"


def _with_time(name: str, mentions: Mentions) -> str:
    if name not in mentions.latest:
        return name
    when = mentions.latest[name]
    return f"{name} (none ever)" if when is None else f"{name} (last {when:%Y-%m-%d %H:%M} UTC)"


def unknown_sources(brands: Iterable[Brand], sources: Collection[str]) -> list[str]:
    """A sentence for each value of ``source:`` and ``owned`` that no post of the index has."""
    told = []
    for brand in brands:
        for doubt in doubtful_values(query_of(brand), sources):
            told.append(f"{brand.id}: {doubt.message}; {doubt.hint}")
        for account in brand.owned:
            source = account.partition(":")[0]
            hint = source_doubt(source, sources)
            if hint is not None:
                told.append(f"{brand.id}: owned has {account}, and no post has that source; {hint}")
    return told


def check_mentions(hours: int = HOURS) -> str:
    """For the doctor: the brands without a mention, and values that no post has."""
    published = published_brands(load(KafkaSettings))
    since = utc_now() - timedelta(hours=hours)
    try:
        mentions = read_mentions(list(published), since)
    except TocsinError:
        # Another check tells why.
        raise Skipped("not checked, since no index of mentions answers") from None
    return mentions_sentence(published, mentions, hours, since)


def mentions_sentence(
    published: Mapping[str, Published], mentions: Mentions, hours: int, since: datetime
) -> str:
    """What was read; raises :class:`Noted` if somebody should look at a brand."""
    if not mentions.recent:
        last = max(filter(None, mentions.latest.values()), default=None)
        when = f", the last one at {last:%Y-%m-%d %H:%M} UTC" if last else ""
        raise Noted(
            f"no brand at all was mentioned in {hours} hours in {mentions.where}{when}; see "
            "'sources' and 'coverage' first"
        )
    notes = []
    if silent := silent_brands(published, mentions, since):
        notes.append(
            f"{silence_text(silent, mentions, hours)}; try their queries with 'tocsin query "
            "preview QUERY --index', and 'tocsin brands check' for names and languages"
        )
    brands = [each.brand for each in published.values() if each.brand is not None]
    notes += unknown_sources(brands, mentions.sources)[:_MAX_NAMED]
    if notes:
        raise Noted("; ".join(notes))
    return (
        f"each of {len(published)} brands had one in {hours} hours; {mentions.recent:,} in "
        f"{mentions.where}"
    )


def silence_of_kept(published: Mapping[str, Published], kept: Collection[str]) -> str | None:
    """For ``brands apply``: a sentence on the brands that stay, None if there is nothing to say."""
    stay = {name: published[name] for name in kept if name in published}
    since = utc_now() - timedelta(hours=HOURS)
    if all(each.at >= since for each in stay.values()):
        return None
    try:
        mentions = read_mentions(list(stay), since)
    except TocsinError as error:
        # The rest of the sentence is for those who need the index.
        reason = str(error).partition(" (")[0]
        return f"whether these brands are mentioned was not looked at: {reason}"
    if mentions.recent:
        silent = silent_brands(stay, mentions, since)
        return silence_text(silent, mentions, HOURS) if silent else None
    return f"no brand at all was mentioned in {HOURS} hours in {mentions.where}"

"""Elasticsearch: its version, its templates, its clock, its disks, and the coverage in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch

from processors.detector.state.baseline import USUAL_VARIATION, minimum_volume
from runtime.clock import utc_now
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from schemas.brand import Brand
from schemas.codec import BRAND
from schemas.errors import InvalidMessage, TocsinError
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from sinks.elasticsearch.coverage.coverage_history import coverage_history
from sinks.elasticsearch.coverage.timeline import Timeline, sentence, trouble
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import check
from tocsin.checkup.check_runner import Noted, Skipped

_ANSWER_S = 4.0
_MAX_SKEW_S = 5.0
COUNTED = timedelta(days=28)
"""Of mentions, for the minimum volume of alerts."""
MAX_BRANDS = 1_000
MAX_TIMES = 4
"""A minimum volume this much above that of the brand's own volume is hardly ever reached."""
_NAMED = 5
_NEARLY_FULL = 0.85
"""Elasticsearch's low watermark; at 0.95 it blocks writes."""


@contextmanager
def _client() -> Iterator[tuple[ElasticsearchSettings, Elasticsearch]]:
    settings = load(ElasticsearchSettings)
    settings = settings.model_copy(
        update={"request_timeout_s": min(_ANSWER_S, settings.request_timeout_s)}
    )
    with connect(settings) as client, elasticsearch_errors(settings):
        yield settings, client


def check_elasticsearch() -> str:
    with _client() as (settings, client):
        # From the node: a minimal server does not answer at its root. A server of another major
        # version refuses the header of our requests, which elasticsearch_errors tells.
        nodes = client.nodes.info(node_id="_local", metric="_none")["nodes"]
        server = str(next(iter(nodes.values()))["version"])
        health = client.cluster.health()["status"]
    if health == "red":
        raise TocsinError(f"{server} answers, but its health is red; see its logs")
    return f"{server}, health {health}, at {settings.url}"


def check_indices() -> str:
    with _client() as (settings, client):
        check(client, settings)
    return "templates have the current version"


def check_clocks() -> str:
    with _client() as (_, client):
        stats: Any = client.nodes.stats(node_id="_local", metric="os")
    node = next(iter(stats["nodes"].values()))
    there = datetime.fromtimestamp(node["timestamp"] / 1000, tz=utc_now().tzinfo)
    skew = abs((utc_now() - there).total_seconds())
    if skew > _MAX_SKEW_S:
        raise TocsinError(
            f"this clock and Elasticsearch's differ by {skew:.0f} s, so dates and latencies are "
            "wrong; run NTP on both"
        )
    return "this clock and Elasticsearch's agree"


def check_blocks() -> str:
    """No index of ours refuses writes, whoever blocked it."""
    with _client() as (settings, client):
        answer: Any = client.indices.get_settings(
            index=f"{settings.index_prefix}*",
            name="index.blocks.*",
            expand_wildcards="all",
            ignore_unavailable=True,
        )
        resolved: Any = client.indices.resolve_index(
            name=f"{settings.index_prefix}*", expand_wildcards="all"
        )
    blocked = blocked_indices(answer)
    closed = closed_indices(resolved)
    if closed:
        raise TocsinError(
            f"{len(closed)} closed: {', '.join(closed[:5])}; their messages wait, and no search "
            "over all months is answered: POST INDEX/_open, or take them out of their alias"
        )
    if not blocked:
        return "no index refuses writes"
    named = ", ".join(f"{name} ({', '.join(why)})" for name, why in sorted(blocked.items())[:5])
    raise TocsinError(
        f"{len(blocked)} refuse writes: {named}; Elasticsearch takes read_only_allow_delete away "
        "itself once its disk has room, other blocks were set by somebody: PUT INDEX/_settings "
        'with {"index.blocks.BLOCK": null}'
    )


def blocked_indices(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """Index to the blocks that stop its writes, of an answer of ``_settings``."""
    found: dict[str, list[str]] = {}
    for index, answer in settings.items():
        blocks = answer.get("settings", {}).get("index", {}).get("blocks", {})
        names = sorted(name for name in _WRITE_BLOCKS if str(blocks.get(name)).lower() == "true")
        if names:
            found[index] = names
    return found


def closed_indices(resolved: Mapping[str, Any]) -> list[str]:
    """The indices that are closed, of an answer of ``_resolve/index``."""
    found = resolved.get("indices", [])
    return sorted(each["name"] for each in found if "closed" in each.get("attributes", ()))


_WRITE_BLOCKS = ("read_only", "read_only_allow_delete", "write")


def check_disks() -> str:
    """How full the nodes are, before they block writes."""
    with _client() as (_, client):
        stats: Any = client.nodes.stats(metric="fs")
    fullest = 0.0
    for node in stats["nodes"].values():
        total = node.get("fs", {}).get("total", {})
        if total.get("total_in_bytes"):
            free = total.get("available_in_bytes", 0) / total["total_in_bytes"]
            fullest = max(fullest, 1.0 - free)
    text = f"Elasticsearch's fullest disk is {fullest:.0%} full"
    if fullest >= _NEARLY_FULL:
        raise Noted(f"{text}; at 95% it blocks writes: delete old months or add a disk")
    return text


def check_coverage() -> str:
    """What was heard of each source in the last day."""
    now = utc_now()
    with _client() as (settings, client):
        names, since = IndexNames(settings), now - timedelta(days=1)
        history = coverage_history(client, names, since, now, now)
    return coverage_text(history.timelines)


def coverage_text(timelines: Sequence[Timeline]) -> str:
    """The sentence of the last day; raises :class:`Noted` for a source that was not all heard."""
    if not timelines:
        raise Skipped("nothing is known of the last day; an ingestor tells it once it runs")
    odd = [
        line
        for line in timelines
        if trouble(line) is not None or any(one.state == "gap" for one in line.stretches)
    ]
    if odd:
        named = "; ".join(sentence(line) for line in odd[:5])
        raise Noted(f"in the last day, {named}; see 'tocsin coverage'")
    return "in the last day, " + "; ".join(sentence(line) for line in timelines[:5])


def check_alert_volumes() -> str:
    """From how many mentions on each brand can be in crisis, by the mentions of the last weeks."""
    from brands.registry import current_brands

    now = utc_now()
    brands: list[Brand] = []
    for value in islice(current_brands(load(KafkaSettings)).values(), MAX_BRANDS):
        with suppress(InvalidMessage):
            brands.append(BRAND.decode(value))
    between = {"gte": (now - COUNTED).isoformat(), "lt": now.isoformat()}
    with _client() as (settings, client):
        answer: Any = client.search(
            index=IndexNames(settings).mentions,
            ignore_unavailable=True,
            size=0,
            query={"range": {"created_at": between}},
            aggs={"brands": {"terms": {"field": "brands", "size": MAX_BRANDS}}},
        )
    if not (found := answer.get("aggregations")):
        raise Skipped("no mention is in the index yet")
    buckets = found["brands"]["buckets"]
    return alert_volumes_text(brands, {one["key"]: one["doc_count"] for one in buckets})


def alert_volumes_text(brands: Sequence[Brand], mentions: Mapping[str, int]) -> str:
    """The sentence; ``mentions``: of ``COUNTED``, by brand.

    Raises :class:`Noted` for a minimum that the brand hardly ever reaches.
    """
    if not brands:
        raise Skipped("no brands are published")
    minutes = COUNTED / timedelta(minutes=1)
    told, unreached = [], []
    for brand in sorted(brands, key=lambda brand: (mentions.get(brand.id, 0), brand.id)):
        rate = mentions.get(brand.id, 0) / minutes
        own = minimum_volume(rate, USUAL_VARIATION)
        wanted = brand.alerts.minimum_volume
        told.append(f"{brand.id} {wanted or own}")
        if wanted is not None and wanted > MAX_TIMES * max(own, 5 * rate):
            unreached.append(f"{brand.id} needs {wanted}, its own volume would ask for {own}")
    if unreached:
        raise Noted(
            f"{'; '.join(unreached[:_NAMED])}: such an alert may never open; lower "
            "minimum_volume, or leave it out"
        )
    rest = f", and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return f"mentions in 5 minutes that a crisis needs: {', '.join(told[:_NAMED])}{rest}"

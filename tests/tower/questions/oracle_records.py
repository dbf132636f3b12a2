"""Answers by counting, continued: what is said more, clauses, tabs, and what the system tells."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import log
from typing import TYPE_CHECKING, Any

from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.language.parser import parse
from queries.matching.document import Document
from queries.tools.clause_effects import Clauses
from schemas.coverage import CoverageInterval
from schemas.mention import Mention, MentionUpsert
from sinks.elasticsearch.coverage.timeline import Timeline, cells, timelines
from tests.queries.reference import evaluate
from tower.questions.query_clauses import ClauseEffect, ClausesAnswer
from tower.questions.records.coverage_states import (
    CoverageAnswer,
    CoverageStretch,
    SourceCoverage,
)
from tower.questions.records.erasure_list import ErasureEntry, ErasuresAnswer
from tower.questions.records.latencies import LatenciesAnswer, SourceLatency
from tower.questions.records.tab_counts import TabCount, TabsAnswer, TabsAsk
from tower.questions.term_lifts import LiftedTerm, LiftsAnswer, LiftsAsk

if TYPE_CHECKING:
    from tests.tower.questions.oracle import Oracle

HOUR = timedelta(hours=1)


# --- what is said more --------------------------------------------------------------------------


def lifts(oracle: "Oracle") -> LiftsAnswer:
    """Terms that are more frequent than in the week before by more than chance."""
    assert isinstance(oracle.ask, LiftsAsk)
    events = oracle.found
    earlier = oracle.between(oracle.since - timedelta(days=7), oracle.since)
    if len(earlier) < 50:
        return LiftsAnswer(mentions=len(events), before=len(earlier))
    now, usual = _terms(events), _terms(earlier)
    best: dict[str, LiftedTerm] = {}
    for (field, term), count in sorted(now.items(), key=_in_turn):
        expected = len(events) * usual[field, term] / len(earlier)
        if count < 3 or count <= expected:
            continue
        ratio = _ratio(count, len(events), usual[field, term], len(earlier))
        significance = ratio - 2 * log(len(now))
        same = best.get(term.casefold().lstrip("#"))
        if significance >= 10.83 and (same is None or same.mentions < count):
            best[term.casefold().lstrip("#")] = LiftedTerm(
                field=field,
                term=term,
                mentions=count,
                expected=round(expected, 2),
                significance=round(significance, 2),
            )
    ranked = sorted(best.values(), key=lambda one: (-one.significance, one.term))
    return LiftsAnswer(
        mentions=len(events),
        before=len(earlier),
        tried=len(now),
        terms=ranked[: oracle.ask.size],
    )


def _terms(events: Iterable[MentionUpsert]) -> Counter[tuple[str, str]]:
    """Mentions by field and term."""
    return Counter(pair for event in events for pair in set(_terms_of(event.mention)))


def _terms_of(mention: Mention) -> Iterable[tuple[str, str]]:
    yield from (("entity", one.name) for one in mention.entities if one.name is not None)
    yield from (("hashtag", hashtag) for hashtag in mention.post.hashtags)
    yield from (("link", link) for link in mention.post.links)


def _in_turn(item: tuple[tuple[str, str], int]) -> tuple[int, int, str]:
    (field, term), count = item
    return ("entity", "hashtag", "link").index(field), -count, term


def _ratio(count: int, of: int, usually: int, of_usual: int) -> float:
    """Twice the log of how much likelier two shares are than one (Dunning 1993)."""
    together = (count + usually) / (of + of_usual)
    ratio = count * log(count / of / together)
    return 2 * (ratio + (usually * log(usually / of_usual / together) if usually else 0.0))


# --- queries ------------------------------------------------------------------------------------


def clauses(oracle: "Oracle") -> ClausesAnswer:
    """With and without each clause; which clauses there are is the subject of other tests."""
    if not oracle.ask.q.strip():
        return ClausesAnswer()
    events = oracle.between(oracle.since, oracle.until, whatever_query=True)
    documents = [Document(event.mention) for event in events]
    parts = Clauses(parse(oracle.ask.q), 30)
    counts = {
        name: sum(evaluate(node, document).matches for document in documents)
        for name, node in parts.queries.items()
    }
    return ClausesAnswer(
        mentions=len(events),
        matches=len(oracle.found),
        clauses=[
            ClauseEffect(
                clause=format_query(effect.clause),
                kind=effect.kind,
                level=effect.level,
                adds=effect.adds,
                removes=effect.removes,
                measured=effect.without is not None,
            )
            for effect in parts.effects(counts)
        ],
    )


def tabs(oracle: "Oracle") -> TabsAnswer:
    assert isinstance(oracle.ask, TabsAsk)
    events = oracle.between(oracle.since, oracle.until, whatever_query=True)
    late = oracle.between(max(oracle.since, oracle.until - HOUR), oracle.until, whatever_query=True)
    return TabsAnswer(tabs=[_tab(text, events, late) for text in json.loads(oracle.ask.queries)])


def _tab(text: str, events: list[MentionUpsert], late: list[MentionUpsert]) -> TabCount:
    if not text.strip():
        return TabCount(query=text, mentions=len(events), recent=len(late))
    try:
        node = parse(text)
    except QueryError:
        return TabCount(query=text, wrong=True)
    counts = [
        sum(evaluate(node, Document(event.mention)).matches for event in some)
        for some in (events, late)
    ]
    return TabCount(query=text, mentions=counts[0], recent=counts[1])


# --- what the system tells ----------------------------------------------------------------------


def coverage(oracle: "Oracle") -> CoverageAnswer:
    """The records that touch the window; how they fold into lines is tested elsewhere."""
    since, until, now = oracle.since, oracle.until, oracle.corpus.now
    mentions = Counter(
        event.mention.post.source for event in oracle.between(since, until, whatever_query=True)
    )
    records = [one for one in oracle.corpus.coverage if _touches(one, since, until)]
    records.sort(key=lambda one: (-_ms(one.from_), one.id))
    lines = timelines(records, since, until, now)
    sources = [_source(line, since, until, now, mentions[line.source]) for line in lines]
    worst = ["gap", "blind", "away", "late", "listening", None]
    told = {one.source for one in lines}
    return CoverageAnswer(
        sources=sorted(sources, key=lambda one: (worst.index(one.state), one.source)),
        untold={name: count for name, count in mentions.items() if name not in told},
    )


def _touches(record: CoverageInterval, since: datetime, until: datetime) -> bool:
    if _ms(record.from_) >= _ms(until):
        return False
    if record.to is not None:
        return _ms(record.to) >= _ms(since)
    return _ms(record.told_at) >= _ms(since - timedelta(days=7))


def _source(
    line: Timeline, since: datetime, until: datetime, now: datetime, mentions: int
) -> SourceCoverage:
    last = line.stretches[-1]
    ends = last.until == min(until, now)
    return SourceCoverage(
        source=line.source,
        part=line.part,
        state=last.state if ends else None,
        why=last.why if ends else None,
        begun=last.since if ends else None,
        heard=min(1.0, line.heard),
        known=min(1.0, line.known),
        lost=line.lost,
        mentions=mentions,
        cells=cells(line, since, until, 24),
        stretches=[
            CoverageStretch(
                since=one.since,
                until=one.until,
                state=one.state,
                why=one.why,
                detail=one.detail,
                lasts=one.lasts,
            )
            for one in line.stretches
        ],
    )


def latencies(oracle: "Oracle") -> LatenciesAnswer:
    """Of the 200 that were enriched last."""
    ordered = sorted(oracle.found, key=lambda event: (-_ms(event.enriched_at), event.id))
    by_source: defaultdict[str, list[MentionUpsert]] = defaultdict(list)
    for event in ordered[:200]:
        by_source[event.mention.post.source].append(event)
    return LatenciesAnswer(
        sources=[_latency(name, events) for name, events in sorted(by_source.items())]
    )


def _latency(name: str, events: list[MentionUpsert]) -> SourceLatency:
    read = [_seconds(one.mention.post.created_at, one.ingested_at) for one in events]
    enriched = [_seconds(one.ingested_at, one.enriched_at) for one in events]
    return SourceLatency(
        source=name,
        mentions=len(events),
        read_s=_quantile(read, 50),
        read_worst_s=_quantile(read, 95),
        enriched_s=_quantile(enriched, 50),
        enriched_worst_s=_quantile(enriched, 95),
    )


def _seconds(begin: datetime, end: datetime) -> float:
    return max(0.0, (end - begin).total_seconds())


def _quantile(values: list[float], percent: int) -> float:
    """The smallest value that so many percent are not above."""
    return round(
        min(
            value
            for value in values
            if sum(other <= value for other in values) * 100 >= percent * len(values)
        ),
        3,
    )


def erasures(oracle: "Oracle") -> ErasuresAnswer:
    newest_first = sorted(
        oracle.corpus.erasures,
        key=lambda one: (-_ms(datetime.fromisoformat(one["erased_at"])), -one["version"]),
    )
    return ErasuresAnswer(total=len(newest_first), erasures=[_entry(one) for one in newest_first])


def _entry(source: Mapping[str, Any]) -> ErasureEntry:
    times = {
        name: datetime.fromisoformat(source[name])
        for name in ("done_at", "expunged_at")
        if name in source
    }
    return ErasureEntry(
        source=source["source"],
        author_id=source["author_id"],
        asked_at=datetime.fromisoformat(source["erased_at"]),
        **times,
    )


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)

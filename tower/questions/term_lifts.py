"""What is said more than before: names, hashtags and links of a window against the time before it.

The significance is Dunning's log-likelihood ratio (1993), computed here, since not every engine
aggregates significant terms. It is lowered for the number of terms that were tried.
"""

import math
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from processors.detector.signals.novelty import log_likelihood
from schemas.types import Count, JsonObject
from tower.questions.question import (
    Answer,
    Ask,
    Question,
    Response,
    Row,
    Scope,
    Search,
    buckets,
    top_terms,
    total,
)
from tower.questions.scope import value_clause

BASELINE: Final = timedelta(days=7)
MIN_COUNT: Final = 3
MIN_BEFORE: Final = 50
"""Mentions before, below which there is nothing to compare with."""
MIN_SIGNIFICANCE: Final = 10.83
"""One in a thousand by chance, for one term."""
_FETCHED: Final = 200
_FIELDS: Final = {
    "entity": ("entities.name", "entity"),
    "hashtag": ("hashtags", "hashtags"),
    "link": ("links", None),
}


class LiftsAsk(Ask, frozen=True, kw_only=True):
    size: Annotated[int, Meta(ge=1, le=100)] = 12


class LiftedTerm(Struct, kw_only=True):
    field: Annotated[str, Meta(description="entity, hashtag or link.")]
    term: str
    mentions: Count
    expected: Annotated[float, Meta(description="Expected, from its share in the time before.")]
    significance: Annotated[float, Meta(description="Log-likelihood ratio, less the tries.")]
    clause: str | None = None


class LiftsAnswer(Answer, kw_only=True):
    mentions: Count = 0
    before: Annotated[Count, Meta(description="Mentions in the seven days before.")] = 0
    tried: Annotated[Count, Meta(description="Terms that were compared.")] = 0
    terms: list[LiftedTerm] = []


def searches(ask: LiftsAsk, scope: Scope) -> list[Search]:
    aggs: JsonObject = {name: top_terms(path, _FETCHED) for name, (path, _) in _FIELDS.items()}
    earlier = scope.query_alone(scope.since - BASELINE, scope.since)
    shape = {"size": 0, "track_total_hits": True, "aggs": aggs}
    return [
        Search("mentions", {**shape, "query": scope.within()}),
        Search("mentions", {**shape, "query": earlier}),
    ]


def read(ask: LiftsAsk, scope: Scope, responses: list[Response]) -> LiftsAnswer:
    """A term that the fetched terms of the time before lack counts as unheard of there."""
    now, earlier = responses
    mentions, before = total(now), total(earlier)
    if before < MIN_BEFORE:
        return LiftsAnswer(mentions=mentions, before=before)
    found: dict[str, LiftedTerm] = {}
    tried = sum(len(buckets(now, name)) for name in _FIELDS)
    for name, (_, clause) in _FIELDS.items():
        usual = {str(bucket["key"]): bucket["doc_count"] for bucket in buckets(earlier, name)}
        for bucket in buckets(now, name):
            term, count = str(bucket["key"]), int(bucket["doc_count"])
            lifted = _lifted(name, term, count, usual.get(term, 0), mentions, before, tried)
            if lifted is None:
                continue
            lifted.clause = None if clause is None else value_clause(clause, term)
            # A hashtag is often an entity too: it counts once.
            folded = term.casefold().lstrip("#")
            if folded not in found or found[folded].mentions < count:
                found[folded] = lifted
    ranked = sorted(found.values(), key=lambda one: (-one.significance, one.term))
    return LiftsAnswer(mentions=mentions, before=before, tried=tried, terms=ranked[: ask.size])


def _lifted(
    field: str, term: str, count: int, usually: int, mentions: int, before: int, tried: int
) -> LiftedTerm | None:
    """None: it is rare, not more frequent than before, or may be so by chance."""
    expected = mentions * usually / before
    if count < MIN_COUNT or count <= expected:
        return None
    surprise = log_likelihood(count, mentions, usually, before)
    significance = surprise - 2 * math.log(max(tried, 1))
    if significance < MIN_SIGNIFICANCE:
        return None
    return LiftedTerm(
        field=field,
        term=term,
        mentions=count,
        expected=round(expected, 2),
        significance=round(significance, 2),
    )


def rows(answer: LiftsAnswer) -> Iterable[Row]:
    for one in answer.terms:
        yield (one.field, one.term, one.mentions, one.expected, one.significance)


LIFTS = Question(
    name="lifts",
    summary="Names, hashtags and links that are said more than in the seven days before.",
    ask=LiftsAsk,
    answer=LiftsAnswer,
    searches=searches,
    read=read,
    columns=("field", "term", "mentions", "expected", "significance"),
    rows=rows,
)

"""Enrichment: from post events to mention events and activity, as one pure function of a batch.

The stream, ``tocsin annotate`` and back-tests all call :meth:`Enricher.enrich`. It keeps nothing
between batches, reads no clock, and gives the same result however the posts are cut into batches.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from processors.annotator import Annotator
from processors.fingerprint import duplicate_group
from runtime import metrics
from schemas.activity import Activity
from schemas.ids import author_hash
from schemas.mention import Mention, MentionEvent
from schemas.post import PostEvent
from schemas.types import Op


@dataclass(frozen=True, slots=True)
class Enriched:
    """What became of a batch; ``mentions`` is in the order of the posts that it came from."""

    mentions: list[MentionEvent]
    activity: list[Activity]
    unmatched: int


class Enricher:
    """Runs the annotators in order, the heavy ones only on posts that name a brand.

    ``keep_unmatched`` passes posts without a brand on as well; ``prefilter`` off lets the heavy
    annotators read those too (offline use).
    """

    def __init__(
        self,
        annotators: Sequence[Annotator],
        *,
        keep_unmatched: bool = False,
        prefilter: bool = True,
    ) -> None:
        self.annotators = tuple(annotators)
        self.keep_unmatched = keep_unmatched
        self.prefilter = prefilter

    def enrich(self, events: Sequence[PostEvent], at: datetime) -> Enriched:
        """Enrich a batch; ``at`` is the time to write down as that of enrichment."""
        upserts = [event for event in events if event.post is not None]
        annotated = self._annotate([Mention(post=event.post) for event in upserts if event.post])
        by_event = {id(event): mention for event, mention in zip(upserts, annotated, strict=True)}
        mentions: list[MentionEvent] = []
        activity: list[Activity] = []
        unmatched = 0
        for event in events:
            mention = by_event.get(id(event))
            if mention is None:
                mentions.append(
                    _mention_event(
                        event,
                        event.op,
                        at,
                        created_at=event.created_at,
                        author_id=event.author_id,
                    )
                )
            elif mention.brands or self.keep_unmatched:
                mentions.append(_mention_event(event, "upsert", at, mention=mention))
                activity.extend(_activity(event, mention))
            else:
                unmatched += 1
                if mention.post.edited_at is not None:
                    # It may have named a brand before the edit: take that state away.
                    created_at = mention.post.created_at
                    mentions.append(_mention_event(event, "delete", at, created_at=created_at))
        return Enriched(mentions, activity, unmatched)

    def _annotate(self, batch: list[Mention]) -> list[Mention]:
        for annotator in self.annotators:
            chosen = batch
            if annotator.heavy and self.prefilter:
                chosen = [mention for mention in batch if mention.brands]
            if not chosen:
                continue
            began = time.perf_counter()
            annotator.annotate(chosen)
            spent = time.perf_counter() - began
            metrics.PROCESS_ANNOTATOR_SECONDS.labels(annotator.name).inc(spent)
            for mention in chosen:
                mention.provenance[annotator.name] = annotator.version
        return batch


def _mention_event(
    event: PostEvent,
    op: Op,
    at: datetime,
    *,
    mention: Mention | None = None,
    created_at: datetime | None = None,
    author_id: str | None = None,
) -> MentionEvent:
    """The event on ``mentions`` that follows from one on ``posts``."""
    return MentionEvent(
        op=op,
        id=event.id,
        source=event.source,
        version=event.version,
        ingested_at=event.ingested_at,
        enriched_at=at,
        mention=mention,
        created_at=created_at,
        author_id=author_id,
    )


def _activity(event: PostEvent, mention: Mention) -> list[Activity]:
    if not mention.brands:
        return []
    post, sentiment = mention.post, mention.sentiment
    author = author_hash(post.source, post.author.id)
    group = duplicate_group(post.text)
    return [
        Activity(
            brand=brand.id,
            post_id=post.id,
            version=event.version,
            at=post.created_at,
            ingested_at=event.ingested_at,
            source=post.source,
            author=author,
            kind=post.kind,
            sentiment=None if sentiment is None else sentiment.label,
            score=None if sentiment is None else sentiment.score,
            reach=post.author.followers or 0,
            language=None if mention.language is None else mention.language.code,
            country=post.country,
            duplicate_group=group,
        )
        for brand in mention.brands
    ]

"""Enrichment: post events to mention events and activity records, a pure function of a batch.

The stream, ``tocsin annotate`` and back-tests all call :meth:`Enricher.enrich`. It has no state
and reads no clock; its result does not depend on how posts are cut into batches.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from processors.enrichment.activity_records import activity_of
from processors.enrichment.annotators.base import Annotator
from runtime import metrics
from runtime.collector import paused_collector
from schemas.activity import Activity
from schemas.bounds import MAX_READ
from schemas.mention import (
    Mention,
    MentionDelete,
    MentionErasure,
    MentionEvent,
    MentionUpsert,
    Target,
)
from schemas.post import PostDelete, PostErasure, PostEvent, PostUpsert
from schemas.types import Tier
from text.tokens import LONG

BRANDS: Final = "brands"
"""The annotator that decides which posts are mentions."""
SKIPPED: Final = "skipped"
"""Version in a mention's provenance where an accurate annotator skipped it, in the fast tier."""
MARKS_EDITS: Final = ("bluesky", "x")
"""Sources whose edited posts have a date of edit. A file that is read again may have another text
for the same post, without any date."""
IN_PART: Final = " (first part)"
"""After the version in a mention's provenance where the text is longer than annotators read."""
WARM_LANGUAGES: Final = ("fr", "en")
"""Languages whose models are loaded before the first post."""


@dataclass(frozen=True, slots=True)
class Enriched:
    """The result of a batch; ``mentions`` has the order of its events."""

    mentions: list[MentionEvent]
    activity: list[Activity]
    unmatched: int


class Enricher:
    """Runs the annotators in order, heavy ones only on posts that name a brand.

    The ``accurate`` ones run last, on the same posts, unless the batch is ``fast``.
    ``keep_unmatched`` also passes on posts without a brand. Without ``prefilter``, heavy
    annotators read those too (offline use).
    """

    def __init__(
        self,
        annotators: Sequence[Annotator],
        *,
        accurate: Sequence[Annotator] = (),
        keep_unmatched: bool = False,
        prefilter: bool = True,
    ) -> None:
        self.annotators = tuple(annotators)
        self.accurate = tuple(accurate)
        self.keep_unmatched = keep_unmatched
        self.prefilter = prefilter

    def warm(self) -> None:
        """Load the models now rather than at first use."""
        with paused_collector():
            for annotator in (*self.annotators, *self.accurate):
                annotator.warm(WARM_LANGUAGES)

    def enrich(
        self,
        events: Sequence[PostEvent],
        at: datetime,
        tier: Tier = "accurate",
        targets: Mapping[str, Sequence[str]] = MappingProxyType({}),
        *,
        stored: bool = False,
    ) -> Enriched:
        """Enrich a batch; ``at`` is the time of enrichment to record.

        ``targets``: post id to phrases that get a sentiment of their own, as brands do. ``stored``:
        an index may have earlier states of the posts, so those that may have named a brand before
        and do not now are deleted there.
        """
        upserts = [event for event in events if isinstance(event, PostUpsert)]
        batch = [
            Mention(post=event.post, targets=[Target(text=t) for t in targets.get(event.id, ())])
            for event in upserts
        ]
        annotated = zip(batch, self._read(upserts, batch, tier), strict=True)
        mentions: list[MentionEvent] = []
        activity: list[Activity] = []
        unmatched = 0
        for event in events:
            if not isinstance(event, PostUpsert):
                mentions.append(_passed_on(event, at))
                continue
            mention, records = next(annotated)
            if mention.brands or self.keep_unmatched:
                mentions.append(MentionUpsert(mention=mention, **_envelope(event, at)))
                activity.extend(records)
                continue
            unmatched += 1
            if may_have_matched(event, stored):
                mentions.append(_unmatched(event, at))
        return Enriched(mentions, activity, unmatched)

    def _read(
        self, upserts: Sequence[PostUpsert], batch: Sequence[Mention], tier: Tier
    ) -> list[list[Activity]]:
        """Annotate the batch; returns the records of each post.

        A long text is read alone, so that all its readers share its tokens: they keep those of
        one long text at a time.
        """
        records: list[list[Activity]] = [[] for _ in batch]
        long = [at for at, mention in enumerate(batch) if len(mention.post.text) > LONG]
        short = [at for at, mention in enumerate(batch) if len(mention.post.text) <= LONG]
        for places in (short, *([place] for place in long)):
            self._annotate([batch[place] for place in places], tier)
            for place in places:
                event = upserts[place]
                records[place] = activity_of(event.version, event.ingested_at, batch[place])
        return records

    def _annotate(self, batch: Sequence[Mention], tier: Tier) -> None:
        matched = False
        if not self.keep_unmatched:
            batch = self._likely(batch)
        for annotator in self.annotators:
            # Once brands are known, posts that will be dropped are not read.
            self._run(annotator, batch, annotator.heavy or (matched and not self.keep_unmatched))
            matched = matched or annotator.name == BRANDS
        if not self.accurate:
            return
        read = [mention for mention in batch if mention.brands or not self.prefilter]
        for mention in read:
            mention.tier = tier
        metrics.PROCESS_ENRICHED.labels(tier).inc(len(read))
        for annotator in self.accurate:
            if tier == "accurate":
                self._run(annotator, batch, True)
                continue
            for mention in read:
                mention.provenance[annotator.name] = SKIPPED

    def _likely(self, batch: Sequence[Mention]) -> Sequence[Mention]:
        """Without the posts that will be dropped: not even their language is read."""
        for annotator in self.annotators:
            began = time.perf_counter()
            batch = annotator.likely(batch)
            spent = time.perf_counter() - began
            metrics.PROCESS_ANNOTATOR_SECONDS.labels(annotator.name).inc(spent)
        return batch

    def _run(self, annotator: Annotator, batch: Sequence[Mention], only_named: bool) -> None:
        chosen = batch
        if only_named and self.prefilter:
            chosen = [mention for mention in batch if mention.brands]
        if not chosen:
            return
        began = time.perf_counter()
        annotator.annotate(chosen)
        spent = time.perf_counter() - began
        metrics.PROCESS_ANNOTATOR_SECONDS.labels(annotator.name).inc(spent)
        for mention in chosen:
            in_part = not annotator.whole and len(mention.post.text) > MAX_READ
            mention.provenance[annotator.name] = annotator.version + (IN_PART if in_part else "")


def may_have_matched(event: PostUpsert, stored: bool) -> bool:
    """Whether an earlier state of the post may have named a brand, and so be a mention."""
    unmarked = stored and event.source not in MARKS_EDITS
    return event.post.edited_at is not None or unmarked


def _unmatched(event: PostUpsert, at: datetime) -> MentionDelete:
    post = event.post
    return MentionDelete(
        created_at=post.created_at,
        unmatched=True,
        edited=post.edited_at is not None,
        **_envelope(event, at),
    )


def awaited(event: PostUpsert, at: datetime) -> MentionDelete:
    """Tells the sink that a state of the post is a dead letter, which may be replayed.

    Deletes of posts that were never mentions are dropped there, but for these.
    """
    return MentionDelete(**{**_envelope(event, at), "version": 0})


def _envelope(event: PostEvent, at: datetime) -> dict[str, Any]:
    return {
        "id": event.id,
        "source": event.source,
        "version": event.version,
        "ingested_at": event.ingested_at,
        "enriched_at": at,
    }


def _passed_on(event: PostDelete | PostErasure, at: datetime) -> MentionEvent:
    if isinstance(event, PostDelete):
        return MentionDelete(created_at=event.created_at, **_envelope(event, at))
    return MentionErasure(author_id=event.author_id, **_envelope(event, at))

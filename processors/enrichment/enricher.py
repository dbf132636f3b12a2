"""Enrichment: from post events to mention events and activity, as one pure function of a batch.

The stream, ``tocsin annotate`` and back-tests all call :meth:`Enricher.enrich`. It keeps nothing
between batches, reads no clock, and gives the same result however the posts are cut into batches.
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
from schemas.activity import Activity
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

BRANDS: Final = "brands"
"""The annotator that decides which posts go on."""
SKIPPED: Final = "skipped"
"""In a mention's provenance: the accurate model did not read it, since the batch went fast."""
WARM_LANGUAGES: Final = ("fr", "en")
"""Languages whose models a stream processor loads before it reads its first post."""


@dataclass(frozen=True, slots=True)
class Enriched:
    """What became of a batch; ``mentions`` is in the order of the posts that it came from."""

    mentions: list[MentionEvent]
    activity: list[Activity]
    unmatched: int


class Enricher:
    """Runs the annotators in order, the heavy ones only on posts that name a brand.

    ``accurate`` ones come after them, on those same posts, unless the batch is read ``fast``.
    ``keep_unmatched`` passes posts without a brand on as well; ``prefilter`` off lets the heavy
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
        """Load what is otherwise loaded at first use, so that the first batch is in time."""
        for annotator in (*self.annotators, *self.accurate):
            annotator.warm(WARM_LANGUAGES)

    def enrich(
        self,
        events: Sequence[PostEvent],
        at: datetime,
        tier: Tier = "accurate",
        targets: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> Enriched:
        """Enrich a batch; ``at`` is the time to write down as that of enrichment.

        ``targets``: post id to what the sentiment towards is asked for, beside its brands.
        """
        upserts = [event for event in events if isinstance(event, PostUpsert)]
        batch = [
            Mention(post=event.post, targets=[Target(text=t) for t in targets.get(event.id, ())])
            for event in upserts
        ]
        annotated = iter(self._annotate(batch, tier))
        mentions: list[MentionEvent] = []
        activity: list[Activity] = []
        unmatched = 0
        for event in events:
            if not isinstance(event, PostUpsert):
                mentions.append(_follow(event, at))
                continue
            mention = next(annotated)
            if mention.brands or self.keep_unmatched:
                mentions.append(MentionUpsert(mention=mention, **_change(event, at)))
                activity.extend(activity_of(event.version, event.ingested_at, mention))
                continue
            unmatched += 1
            if mention.post.edited_at is not None:
                # It may have named a brand before the edit: take that state away.
                created_at = mention.post.created_at
                mentions.append(MentionDelete(created_at=created_at, **_change(event, at)))
        return Enriched(mentions, activity, unmatched)

    def _annotate(self, batch: list[Mention], tier: Tier) -> list[Mention]:
        matched = False
        for annotator in self.annotators:
            # Once the brands are known, what goes no further need not be read further.
            self._run(annotator, batch, annotator.heavy or (matched and not self.keep_unmatched))
            matched = matched or annotator.name == BRANDS
        if not self.accurate:
            return batch
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
        return batch

    def _run(self, annotator: Annotator, batch: list[Mention], only_named: bool) -> None:
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
            mention.provenance[annotator.name] = annotator.version


def _change(event: PostEvent, at: datetime) -> dict[str, Any]:
    """What an event on ``mentions`` takes over from the one on ``posts``."""
    return {
        "id": event.id,
        "source": event.source,
        "version": event.version,
        "ingested_at": event.ingested_at,
        "enriched_at": at,
    }


def _follow(event: PostDelete | PostErasure, at: datetime) -> MentionEvent:
    if isinstance(event, PostDelete):
        return MentionDelete(created_at=event.created_at, **_change(event, at))
    return MentionErasure(author_id=event.author_id, **_change(event, at))

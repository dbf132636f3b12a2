"""Enrichment: post events to mention events and activity records, a pure function of a batch.

The stream, ``tocsin annotate`` and back-tests all call :meth:`Enricher.enrich`. It has no state
and reads no clock; its result does not depend on how posts are cut into batches, but for which of
them are chosen where the accurate annotators may not read all.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from processors.enrichment.activity_records import activity_of
from processors.enrichment.annotators.base import Annotator
from processors.enrichment.encoder_choice import ALL, Choice
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
from text.tokens import LONG

BRANDS: Final = "brands"
"""The annotator that decides which posts are mentions."""
SKIPPED: Final = "skipped"
"""Version in a mention's provenance where an accurate annotator was to skip it."""
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
    accurate: int = 0
    """Posts that the accurate annotators read."""
    accurate_s: float = field(default=0.0, compare=False)
    """Time that they took, seconds."""


class Enricher:
    """Runs the annotators in order, heavy ones only on posts that name a brand.

    The ``accurate`` ones run last, on those of the same posts that the choice takes.
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
        choice: Choice = ALL,
        targets: Mapping[str, Sequence[str]] = MappingProxyType({}),
        *,
        stored: bool = False,
    ) -> Enriched:
        """Enrich a batch; ``at`` is the time of enrichment to record, ``choice`` which posts the
        accurate annotators read.

        ``targets``: post id to phrases that get a sentiment of their own, as brands do. ``stored``:
        an index may have earlier states of the posts, so those that may have named a brand before
        and do not now are deleted there.
        """
        upserts = [event for event in events if isinstance(event, PostUpsert)]
        batch = [
            Mention(post=event.post, targets=[Target(text=t) for t in targets.get(event.id, ())])
            for event in upserts
        ]
        read = self._read(upserts, batch, choice)
        annotated = zip(batch, read.activity, strict=True)
        mentions: list[MentionEvent] = []
        activity: list[Activity] = []
        unmatched = 0
        for event in events:
            if not isinstance(event, PostUpsert):
                mentions.append(_passed_on(event, at))
                continue
            mention, own = next(annotated)
            if mention.brands or self.keep_unmatched:
                mentions.append(MentionUpsert(mention=mention, **_envelope(event, at)))
                activity.extend(own)
                continue
            unmatched += 1
            if may_have_matched(event, stored):
                mentions.append(_unmatched(event, at))
        return Enriched(mentions, activity, unmatched, read.accurate, read.accurate_s)

    def _read(
        self, upserts: Sequence[PostUpsert], batch: Sequence[Mention], choice: Choice
    ) -> "_Read":
        """Annotate the batch.

        A long text is read alone, so that all its readers share its tokens: they keep those of
        one long text at a time. The choice is among all posts: the accurate annotators come after.
        """
        read = _Read([[] for _ in batch])
        waits = bool(self.accurate) and choice.limit != 0
        for places in _groups(batch):
            self._annotate([batch[place] for place in places])
            if not waits:
                read.record(places, upserts, batch)
        if self.accurate:
            self._refine(batch, choice, read)
        if waits:
            read.record(range(len(batch)), upserts, batch)
        return read

    def _annotate(self, batch: Sequence[Mention]) -> None:
        matched = False
        if not self.keep_unmatched:
            batch = self._likely(batch)
        for annotator in self.annotators:
            # Once brands are known, posts that will be dropped are not read.
            if annotator.heavy or (matched and not self.keep_unmatched):
                self._run(annotator, self._named(batch))
            else:
                self._run(annotator, batch)
            matched = matched or annotator.name == BRANDS

    def _likely(self, batch: Sequence[Mention]) -> Sequence[Mention]:
        """Without the posts that will be dropped: not even their language is read."""
        for annotator in self.annotators:
            began = time.perf_counter()
            batch = annotator.likely(batch)
            spent = time.perf_counter() - began
            metrics.PROCESS_ANNOTATOR_SECONDS.labels(annotator.name).inc(spent)
        return batch

    def _refine(self, batch: Sequence[Mention], choice: Choice, read: "_Read") -> None:
        """Run the accurate annotators on the posts of the choice."""
        named = self._named(batch)
        chosen = choice.chosen(named)
        for place, mention in enumerate(named):
            mention.tier = "accurate" if place in chosen else "fast"
        for tier, count in (("accurate", len(chosen)), ("fast", len(named) - len(chosen))):
            metrics.PROCESS_ENRICHED.labels(tier).inc(count)
        for reason, count in Counter(chosen.values()).items():
            metrics.PROCESS_ENCODER_CHOSEN.labels(reason).inc(count)
        read.accurate = len(chosen)
        for annotator in self.accurate:
            read.accurate_s += self._run(annotator, [named[place] for place in chosen])
            for mention in named:
                if mention.tier == "fast":
                    mention.provenance[annotator.name] = SKIPPED

    def _named(self, batch: Sequence[Mention]) -> Sequence[Mention]:
        """The posts that name a brand; all of them without a prefilter."""
        return [mention for mention in batch if mention.brands] if self.prefilter else batch

    def _run(self, annotator: Annotator, posts: Sequence[Mention]) -> float:
        """Returns the time it takes, seconds."""
        if not posts:
            return 0.0
        began = time.perf_counter()
        annotator.annotate(posts)
        spent = time.perf_counter() - began
        metrics.PROCESS_ANNOTATOR_SECONDS.labels(annotator.name).inc(spent)
        for mention in posts:
            in_part = not annotator.whole and len(mention.post.text) > MAX_READ
            mention.provenance[annotator.name] = annotator.version + (IN_PART if in_part else "")
        return spent


@dataclass(slots=True)
class _Read:
    """What the annotators made of a batch."""

    activity: list[list[Activity]]
    """The records of each post."""
    accurate: int = 0
    accurate_s: float = 0.0

    def record(
        self, places: Iterable[int], upserts: Sequence[PostUpsert], batch: Sequence[Mention]
    ) -> None:
        """The activity of the posts at these places, which are read."""
        for place in places:
            event = upserts[place]
            self.activity[place] = activity_of(event.version, event.ingested_at, batch[place])


def _groups(batch: Sequence[Mention]) -> Iterator[Sequence[int]]:
    """The places of the short texts together, and of each long one alone."""
    yield [at for at, mention in enumerate(batch) if len(mention.post.text) <= LONG]
    yield from ([at] for at, mention in enumerate(batch) if len(mention.post.text) > LONG)


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

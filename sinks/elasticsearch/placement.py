"""Decides which documents a batch of mentions writes, given what the indices hold. Pure.

A post is in one index, in its newest state, or deleted:

1. An upsert is written unless a later state, a delete or an erasure covers it. Copies of the post
   in other indices are deleted.
2. A delete replaces the newest copy by a tombstone and deletes the others. Reposts that repeat
   the words of the post are replaced, too.
3. A delete of a post that the index does not have is recorded only where the post may still come:
   see :data:`ORDERED`. So is an edit that names no brand; other posts that name none are not, since
   they are the most of a stream. If the post may be in a month that cannot be searched, its
   tombstone is for that month, where it waits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.ids import author_hash, microseconds, time_of
from schemas.mention import MentionDelete, MentionUpsert
from sinks.elasticsearch.documents import Operation, moved, removal, tombstone, upsert
from sinks.elasticsearch.indices.mappings import IndexNames

ORDERED = ("bluesky",)
"""Sources that say of each post first that it exists, and later that it is deleted. One topic keeps
that order, since its key is the id. So a post comes after its delete only if it was a dead letter,
and those are recorded (version 0). Rows of files have any order, and so do deletes of X, which come
from files alone."""
EDITED_IN_ORDER = (*ORDERED, "x")
"""Sources that send a post before its edits."""
NEVER_REUSED = ("bluesky",)
"""Sources that never give the id of a deleted account to another one: an erasure has no end."""
UNKNOWN = 2**63
"""The time of reading of what does not have one, as tombstones."""
AWAITED = 0
"""The version of a delete that deletes nothing and announces a dead letter."""

Event = MentionUpsert | MentionDelete


class Copy(NamedTuple):
    """The state of a post in one index."""

    place: str
    """The name of the index."""
    version: int
    ingested: int = UNKNOWN
    """Microseconds since 1970."""
    dead: bool = False
    id: str = ""

    @property
    def is_ahead(self) -> bool:
        """Whether its version is later than the time it was read, so no measure of its age."""
        return not self.dead and self.version > self.ingested


class Erased(NamedTuple):
    """An erasure of an author: which states it covers."""

    version: int
    erased: int
    """Microseconds since 1970."""

    def covers(self, source: str, version: int, ingested: int) -> bool:
        return source in NEVER_REUSED or version <= self.version or ingested <= self.erased


@dataclass(slots=True)
class Known:
    """What the indices hold of the posts and authors of a batch."""

    copies: dict[str, list[Copy]] = field(default_factory=dict)
    """By post id; posts without a copy are left out."""
    removed: dict[str, int] = field(default_factory=dict)
    """Post id to the version of its recorded delete."""
    erased: Mapping[str, Erased] = field(default_factory=dict)
    """By the hash of the author (``schemas.ids.author_hash``)."""
    reposts: Mapping[str, Sequence[Copy]] = field(default_factory=dict)
    """Post id to the reposts that repeat its words."""
    hidden: Sequence[str] = ()
    """The months that could not be searched."""


@dataclass(slots=True)
class Settled:
    operations: list[Operation] = field(default_factory=list)
    superseded: int = 0
    """Events that change nothing, since the index knows better."""
    strangers: int = 0
    """Deletes of posts that were never in the index."""


def is_located(event: Event, names: IndexNames) -> bool:
    """Whether copies of the post may be in an index that the event does not tell."""
    return isinstance(event, MentionDelete) or not names.is_certain(event)


def settle(events: Iterable[Event], known: Known, names: IndexNames) -> Settled:
    """The operations of events in their order; keeps ``known`` up to date."""
    settled = Settled()
    for event in events:
        if isinstance(event, MentionUpsert):
            _upsert(event, known, names, settled)
        else:
            _delete(event, known, names, settled)
    return settled


def authors_of(event: MentionUpsert) -> list[str]:
    """The hashes of everybody whose words the post has."""
    post = event.mention.post
    return [author_hash(post.source, id_) for id_ in (post.author.id, *post.copied_from)]


def _upsert(event: MentionUpsert, known: Known, names: IndexNames, settled: Settled) -> None:
    if is_superseded(event, known):
        settled.superseded += 1
        return
    copies = known.copies.get(event.id, [])
    version, ingested = event.version, microseconds(event.ingested_at)
    written = upsert(event, names)
    settled.operations.append(written)
    settled.operations += [
        moved(event.id, version, copy.place, written.origin)
        for copy in copies
        if copy.place != written.index
    ]
    known.copies[event.id] = [Copy(written.index, version, ingested, id=event.id)]


def is_superseded(event: MentionUpsert, known: Known) -> bool:
    """Whether a later state, a delete or an erasure covers the upsert."""
    version, ingested = event.version, microseconds(event.ingested_at)
    newest = max((copy.version for copy in known.copies.get(event.id, [])), default=-1)
    erased = [known.erased.get(author) for author in authors_of(event)] if known.erased else ()
    return (
        max(newest, known.removed.get(event.id, -1)) > version
        or _original_is_deleted(event, known)
        or any(one is not None and one.covers(event.source, version, ingested) for one in erased)
    )


def _original_is_deleted(event: MentionUpsert, known: Known) -> bool:
    """Whether the post repeats the words of a post that its author has deleted."""
    post = event.mention.post
    if not post.copied_from or post.repost_of is None:
        return False
    copies = known.copies.get(post.repost_of, [])
    return known.removed.get(post.repost_of, AWAITED) > AWAITED or (
        bool(copies) and all(copy.dead for copy in copies)
    )


def _delete(event: MentionDelete, known: Known, names: IndexNames, settled: Settled) -> None:
    copies = known.copies.get(event.id, [])
    if event.version == AWAITED:
        if not copies and event.id not in known.removed:
            _record(event, known, names, settled)
        return
    if not event.unmatched:
        _delete_reposts(event, known, settled)
    if not copies:
        if event.unmatched and not _may_precede(event, known):
            return
        if places := _hidden_places(event, known, names):
            _delete_unseen(event, places, known, settled)
        elif _was_never_here(event, known):
            settled.strangers += 1
        else:
            _record(event, known, names, settled)
        return
    version = max([event.version, *(_floor(copy, event) for copy in copies)])
    if any(copy.version > version for copy in copies):
        settled.superseded += 1
        return
    kept, *others = sorted(copies, key=lambda copy: (copy.dead, -copy.version))
    origin = event.id, event.version
    settled.operations.append(
        tombstone(event.id, event.source, version, kept.place, event.enriched_at, origin)
    )
    settled.operations += [moved(event.id, version, copy.place, origin) for copy in others]
    known.copies[event.id] = [Copy(kept.place, version, dead=True, id=event.id)]


def _hidden_places(event: MentionDelete, known: Known, names: IndexNames) -> Sequence[str]:
    """The months that could not be searched and may have the post."""
    month = names.index_of(event)
    return [place for place in known.hidden if month in (None, place)]


def _delete_unseen(
    event: MentionDelete, places: Sequence[str], known: Known, settled: Settled
) -> None:
    origin = event.id, event.version
    settled.operations += [
        tombstone(event.id, event.source, event.version, place, event.enriched_at, origin)
        for place in places
    ]
    known.copies[event.id] = [
        Copy(place, event.version, dead=True, id=event.id) for place in places
    ]


def _was_never_here(event: MentionDelete, known: Known) -> bool:
    """Whether the post was no mention, and will be none.

    Most deletes are such, so they must cost nothing. Nearly all record keys of Bluesky hold a time;
    others are few, and clients may use them again.
    """
    in_order = event.source in ORDERED and time_of(event.id) is not None
    return in_order and event.id not in known.removed


def _may_precede(event: MentionDelete, known: Known) -> bool:
    """Whether an earlier state, with a brand, may come after this one without a brand."""
    return event.id in known.removed or (event.edited and event.source not in EDITED_IN_ORDER)


def _floor(copy: Copy, event: MentionDelete) -> int:
    """The version from which on the delete wins over a copy that it certainly means.

    A client with a fast clock makes versions that no delete of the next hours reaches. Such a
    copy is compared by the time of reading.
    """
    read_before = copy.ingested <= microseconds(event.ingested_at)
    means = copy.is_ahead and read_before and not event.unmatched
    return copy.version + 1 if means else 0


def _delete_reposts(event: MentionDelete, known: Known, settled: Settled) -> None:
    origin = event.id, event.version
    settled.operations += [
        tombstone(copy.id, event.source, copy.version + 1, copy.place, event.enriched_at, origin)
        for copy in known.reposts.get(event.id, ())
    ]


def _record(event: MentionDelete, known: Known, names: IndexNames, settled: Settled) -> None:
    version = max(event.version, known.removed.get(event.id, 0))
    known.removed[event.id] = version
    origin = event.id, event.version
    settled.operations.append(removal(event.id, version, names, event.enriched_at, origin))

"""Finds which posts of the index are gone from Bluesky: what a gap of the stream has hidden.

A post that is left out of an answer is gone, if its account is there. An account that is deleted or
taken down is erased with all its posts. The other states of an account can end, so its posts stay.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Protocol

from ingestors.bluesky.posts import COLLECTION, SOURCE
from ingestors.bluesky.public_api import MAX_URIS
from schemas.ids import microseconds, post_id
from schemas.post import PostDelete, PostErasure, PostEvent


@dataclass(frozen=True, slots=True)
class IndexedPost:
    """What the index holds of a post; ``id`` is ours."""

    id: str
    author_id: str
    version: int
    created_at: datetime

    @property
    def uri(self) -> str:
        did, _, rkey = self.id.partition(":")[2].rpartition("/")
        return f"at://{did}/{COLLECTION}/{rkey}"


class Platform(Protocol):
    def present(self, uris: Sequence[str]) -> set[str]:
        """Those of the posts that are there."""

    def account_state(self, did: str) -> str:
        """``active``, ``unknown``, ``erased``, or a state that can end."""


@dataclass
class Findings:
    checked: int = 0
    deleted: int = 0
    erased: int = 0
    missing: int = 0
    """Posts that an answer left out, for whatever reason."""
    kept: int = 0
    """Posts that are not shown now, of accounts whose state can end."""
    last: datetime | None = None
    """The time of the last post that was checked."""
    states: dict[str, str] = field(default_factory=dict)
    """State of each account that was asked for."""


def reconcile(
    posts: Iterable[IndexedPost], platform: Platform, now: datetime, findings: Findings
) -> Iterator[list[PostEvent]]:
    """The events of what is gone, after each call; ``findings`` counts along."""
    remaining = iter(posts)
    while chunk := list(islice(remaining, MAX_URIS)):
        present = platform.present([post.uri for post in chunk])
        events: list[PostEvent] = []
        for post in chunk:
            if post.uri not in present:
                findings.missing += 1
                event = _event_of(post, platform, now, findings)
                events += [event] if event is not None else []
        findings.checked += len(chunk)
        findings.last = chunk[-1].created_at
        yield events


def _event_of(
    post: IndexedPost, platform: Platform, now: datetime, findings: Findings
) -> PostEvent | None:
    did = post.author_id
    is_new = did not in findings.states
    if is_new:
        findings.states[did] = platform.account_state(did)
    state = findings.states[did]
    version = max(microseconds(now), post.version + 1)
    if state == "erased":
        if not is_new:
            return None
        findings.erased += 1
        return PostErasure(
            id=post_id(SOURCE, did),
            source=SOURCE,
            version=version,
            ingested_at=now,
            author_id=did,
        )
    if state in ("active", "unknown"):
        findings.deleted += 1
        return PostDelete(
            id=post.id,
            source=SOURCE,
            version=version,
            ingested_at=now,
            created_at=post.created_at,
        )
    findings.kept += 1
    return None

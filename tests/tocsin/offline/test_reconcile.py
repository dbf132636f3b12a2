"""Deletes that fell into a gap are found by holding the index against Bluesky."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from elasticsearch import Elasticsearch

from ingestors.bluesky.public_api import PublicApi
from ingestors.bluesky.reconciliation import Findings, IndexedPost
from runtime.settings import ElasticsearchSettings
from schemas.codec import POST_EVENT
from schemas.errors import ServiceUnavailable
from schemas.ids import microseconds
from schemas.mention import MentionUpsert
from schemas.post import PostDelete, PostErasure, PostEvent
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.lookup import refresh
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.ingestors.bluesky.bluesky_feed import DID, NOW, OTHER
from tests.ingestors.reading import FakeTime
from tests.servers.bluesky_api import BlueskyApi
from tests.servers.elasticsearch import ElasticsearchServer
from tests.servers.http import Answer
from tocsin.offline.reconcile import TooManyGone, indexed_posts, reconcile_index


@pytest.fixture
def server() -> Iterator[BlueskyApi]:
    with BlueskyApi(accounts={DID: "active"}) as running:
        yield running


def indexed(count: int, did: str = DID, version: int = 7) -> list[IndexedPost]:
    return [
        IndexedPost(f"bluesky:{did}/3k{n}", did, version, NOW - timedelta(days=9, seconds=-n))
        for n in range(count)
    ]


def run(
    server: BlueskyApi,
    posts: Sequence[IndexedPost],
    findings: Findings | None = None,
    *,
    send: bool = True,
    max_gone: float = 0.2,
) -> list[PostEvent]:
    sent: list[PostEvent] = []
    clock = FakeTime()
    reconcile_index(
        iter(posts),
        PublicApi(server.url, server.url, sleep=clock.sleep, monotonic=clock.timer),
        lambda: NOW,
        Findings() if findings is None else findings,
        send=sent.extend if send else None,
        max_gone=max_gone,
    )
    return sent


def test_what_is_gone_is_deleted_and_the_rest_stays(server: BlueskyApi) -> None:
    posts = indexed(60)
    server.posts = {post.uri for post in posts[3:]}
    findings = Findings()
    events = run(server, posts, findings)
    assert [event.id for event in events] == [post.id for post in posts[:3]]
    assert all(isinstance(event, PostDelete) for event in events)
    assert {event.version for event in events} == {microseconds(NOW)}
    assert POST_EVENT.decode(POST_EVENT.encode(events[0])) == events[0]
    assert (findings.checked, findings.deleted, findings.erased) == (60, 3, 0)
    assert server.calls.count("app.bsky.feed.getPosts") == 3
    assert server.calls.count("com.atproto.sync.getRepoStatus") == 1


def test_a_delete_wins_over_a_version_ahead(server: BlueskyApi) -> None:
    ahead = microseconds(NOW) + 10**12
    (event,) = run(server, indexed(1, version=ahead))
    assert event.version > ahead


@pytest.mark.parametrize("state", ["deleted", "takendown"])
def test_an_account_that_is_gone_is_erased_once(server: BlueskyApi, state: str) -> None:
    posts = [*indexed(20), *indexed(3, OTHER)]
    server.posts = {post.uri for post in posts[:20]}
    server.accounts[OTHER] = state
    (event,) = run(server, posts)
    assert isinstance(event, PostErasure)
    assert event.author_id == OTHER


@pytest.mark.parametrize("state", ["suspended", "deactivated", "throttled"])
def test_posts_of_a_paused_account_stay(server: BlueskyApi, state: str) -> None:
    server.accounts[DID] = state
    findings = Findings()
    assert run(server, indexed(3), findings) == []
    assert findings.kept == 3


def test_a_trial_only_counts(server: BlueskyApi) -> None:
    findings = Findings()
    assert run(server, indexed(3), findings, send=False) == []
    assert findings.deleted == 3


@pytest.mark.parametrize("count", [10, 25, 199, 500])
def test_a_platform_that_shows_nothing_empties_no_index(server: BlueskyApi, count: int) -> None:
    with pytest.raises(TooManyGone, match="--max-gone"):
        run(server, indexed(count))
    assert len(run(server, indexed(count), max_gone=1.0)) == count


def test_an_interrupted_run_says_how_far_it_came(server: BlueskyApi) -> None:
    posts = indexed(100)
    server.posts = {post.uri for post in posts}

    def then_it_is_away() -> Iterator[IndexedPost]:
        yield from posts[:50]
        server.faults = [Answer(503)] * 10
        yield from posts[50:]

    findings = Findings()
    with pytest.raises(ServiceUnavailable):
        run(server, then_it_is_away(), findings)  # type: ignore[arg-type]
    assert server.fired > 0
    assert findings.last == posts[49].created_at


def test_the_index_gives_its_posts_of_bluesky_by_their_time() -> None:
    settings = ElasticsearchSettings(index_prefix="t-")
    names = IndexNames(settings)
    posts = [
        *(make.post("x", id=f"bluesky:{DID}/3k{n}", author=DID, created_at=NOW + timedelta(days=n))
          for n in (2, 0, 1)),
        make.post("x", id="x:1", created_at=NOW + timedelta(days=1)),
    ]  # fmt: skip
    with ElasticsearchServer() as server:
        client = Elasticsearch(server.url, max_retries=0)
        events = [make.enriched(make.mention(post), 5) for post in posts]
        write(
            client, [upsert(event, names) for event in events if isinstance(event, MentionUpsert)]
        )
        refresh(client, names)
        found = list(indexed_posts(client, names, NOW, NOW + timedelta(days=2)))
    assert [(post.id, post.version, post.author_id) for post in found] == [
        (f"bluesky:{DID}/3k0", 5, DID),
        (f"bluesky:{DID}/3k1", 5, DID),
    ]
    assert found[0].uri == f"at://{DID}/app.bsky.feed.post/3k0"

"""Erasing an author: every post and every copy, nothing else, and again for late posts."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from elasticsearch import Elasticsearch as Client
from structlog.testing import capture_logs

from schemas.ids import author_hash
from schemas.post import Author
from sinks.elasticsearch.alert_redaction import authors_in
from sinks.elasticsearch.documents import upsert as upsert_of
from sinks.elasticsearch.erasure import (
    Erasure,
    ErasureIncomplete,
    carry_out,
    count,
    erase,
    finish,
    oldest_unfinished,
    redact,
    redact_unlisted,
    remember,
    sweep,
)
from sinks.elasticsearch.writes.bulk import write
from tests.servers.elasticsearch import Document, Failure, Items
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch.events import AT, INDEX, NAMES, SNOWFLAKE, upsert

ERASURE = Erasure("file", "17", 9)
BLOCKED = (403, "cluster_block_exception", "index [..] blocked by: [FORBIDDEN/8/write (api)]")
BUSY = (429, "es_rejected_execution_exception")


def index(
    client: Client, *ids: str, author: str = "17", version: int = 1, at: datetime = AT, **post: Any
) -> None:
    events = [
        msgspec.structs.replace(
            upsert(id_, version, author=Author(id=author), **post), ingested_at=at
        )
        for id_ in ids
    ]
    write(client, [upsert_of(event, NAMES) for event in events])


def with_field(field: str, server: Server) -> set[str]:
    return {id_ for (_, id_), document in server.documents.items() if field in document.source}


living = partial(with_field, "text")
dead = partial(with_field, "deleted_at")


def test_all_that_the_author_wrote_becomes_tombstones(client: Client, server: Server) -> None:
    index(client, "file:1", "file:2", SNOWFLAKE)
    index(client, "file:3", author="18")
    assert erase(client, NAMES, ERASURE, AT, AT) == 2
    assert dead(server) == {"file:1", "file:2"}
    assert living(server) == {"file:3", SNOWFLAKE}
    assert server.sources(INDEX)["file:1"] == {
        "id": "file:1",
        "source": "file",
        "version": 9,
        "deleted_at": "2026-01-02T03:04:05Z",
    }
    assert erase(client, NAMES, ERASURE, AT, AT) == 0
    assert dead(server) == {"file:1", "file:2"}


def test_what_was_written_after_the_erasure_stays_and_no_older_state_comes_back(
    client: Client, server: Server
) -> None:
    index(client, "file:1", version=10, at=AT + timedelta(seconds=1))
    index(client, "file:2", version=9)
    assert erase(client, NAMES, ERASURE, AT, AT) == 1
    index(client, "file:2", version=3)
    assert living(server) == {"file:1"}


def test_more_than_a_page_is_erased(client: Client, server: Server) -> None:
    index(client, *(f"file:{number}" for number in range(1_201)))
    assert erase(client, NAMES, ERASURE, AT, AT) == 1_201
    assert living(server) == set()


@pytest.mark.parametrize("fault", [Failure(503), Failure(429), Items({"file:1": BUSY})])
def test_an_incomplete_erasure_is_an_error(
    client: Client, server: Server, fault: Failure | Items
) -> None:
    index(client, "file:1")
    server.faults = [fault]
    with pytest.raises(ErasureIncomplete):
        erase(client, NAMES, ERASURE, AT, AT)
    assert erase(client, NAMES, ERASURE, AT, AT) == 1


def test_a_refused_tombstone_does_not_stop_the_others(client: Client, server: Server) -> None:
    index(client, *(f"file:{number}" for number in range(501)))
    server.faults = [Items({"file:1": (400, "document_parsing_exception")})]
    with capture_logs() as logs:
        assert erase(client, NAMES, ERASURE, AT, AT) == 500
    assert living(server) == {"file:1"}
    (entry,) = logs
    assert (entry["log_level"], entry["id"]) == ("error", "file:1")
    assert "document_parsing_exception" in entry["why"]
    # The next sweep tries it again.
    assert erase(client, NAMES, ERASURE, AT, AT) == 1


def test_a_version_ahead_of_the_clock_is_covered_by_the_time_of_reading(
    client: Client, server: Server
) -> None:
    index(client, "file:1", version=10**17)
    assert erase(client, NAMES, ERASURE, AT, AT) == 1
    index(client, "file:1", version=10**17)
    assert living(server) == set()


def test_an_account_id_that_is_never_reused_has_no_later_posts(
    client: Client, server: Server
) -> None:
    index(client, "bluesky:a/1", version=10**17, at=AT + timedelta(days=1))
    assert erase(client, NAMES, Erasure("bluesky", "17", 9), AT, AT) == 1
    assert living(server) == set()


def test_copies_of_the_words_under_other_ids_go_too(client: Client, server: Server) -> None:
    index(client, "file:1", author="18", copied_from=["17"], repost_of="file:9")
    index(client, "file:2", author="18", copied_from=["19"], repost_of="file:8")
    assert count(client, NAMES, "file", "17") == 1
    assert erase(client, NAMES, ERASURE, AT, AT) == 1
    assert living(server) == {"file:2"}


def test_one_blocked_month_does_not_stop_the_others(client: Client, server: Server) -> None:
    index(client, *(f"file:{n}" for n in range(600)), created_at=AT - timedelta(days=90))
    index(client, "file:new")
    server.blocked = {"tocsin-mentions-2025.10": BLOCKED}
    with pytest.raises(ErasureIncomplete, match="2025.10") as error:
        erase(client, NAMES, ERASURE, AT, AT)
    assert error.value.erased == 1
    assert "file:new" not in living(server)


def alert(**evidence: Any) -> dict[str, Any]:
    document = {"id": "a1", "raised_at": "2026-01-02T03:04:05Z", "evidence": evidence}
    return {**document, "authors": authors_in(document)}


DID = "did:plc:abcdefghijklmnop"


def test_alerts_lose_the_author_in_their_evidence(client: Client, server: Server) -> None:
    mine, other = author_hash("bluesky", DID), author_hash("bluesky", "other")
    url = f"https://bsky.app/profile/{DID}/post/3k"
    client.index(
        index=NAMES.alerts,
        id="a1",
        document=alert(
            shown=[
                {"id": f"bluesky:{DID}/3k", "author": mine, "url": url},
                {"id": "bluesky:other/3k", "author": other},
            ],
            carriers=[{"author": mine, "url": url}, {"author": other, "mentions": 2}],
            lifted=[{"term": f"bsky.app/profile/{DID}/post/3k"}, {"term": "refund"}],
        ),
    )
    assert redact(client, NAMES, [Erasure("bluesky", DID, 9)]) == 1
    left = server.sources(NAMES.alerts)["a1"]
    assert DID not in str(left) and mine not in str(left)
    assert left["authors"] == [other]
    assert [entry["term"] for entry in left["evidence"]["lifted"]] == ["refund"]
    assert redact(client, NAMES, [Erasure("bluesky", DID, 9)]) == 0


def test_alerts_of_older_versions_are_redacted_by_id(client: Client, server: Server) -> None:
    document = alert(shown=[{"id": f"bluesky:{DID}/3k"}])
    del document["authors"]
    client.index(index=NAMES.alerts, id="a1", document=document)
    assert redact(client, NAMES, [Erasure("bluesky", DID, 9)]) == 0
    assert redact_unlisted(client, NAMES, Erasure("bluesky", DID, 9)) == 1
    assert DID not in str(server.sources(NAMES.alerts))


def test_an_erasure_that_an_index_refused_is_finished_later(client: Client, server: Server) -> None:
    index(client, "file:1")
    remember(client, NAMES, ERASURE, AT)
    server.blocked = {INDEX: BLOCKED}
    with pytest.raises(ErasureIncomplete):
        carry_out(client, NAMES, ERASURE, AT, AT)
    client.indices.refresh(index="*")
    assert oldest_unfinished(client, NAMES) == AT
    with pytest.raises(ErasureIncomplete):
        finish(client, NAMES, AT)
    server.blocked = {}
    assert finish(client, NAMES, AT + timedelta(hours=1)) == 1
    client.indices.refresh(index="*")
    assert oldest_unfinished(client, NAMES) is None
    (record,) = server.sources(NAMES.erasures).values()
    assert record["done_at"] == (AT + timedelta(hours=1)).isoformat()


def test_an_erasure_of_an_older_version_is_done_once_and_found_by_the_hash(
    client: Client, server: Server
) -> None:
    document = {**ERASURE._asdict(), "erased_at": AT.isoformat()}
    client.index(index=NAMES.erasures, id="file:17", document=document)
    finish(client, NAMES, AT)
    ((id_, record),) = server.sources(NAMES.erasures).items()
    assert (id_, record["done_at"]) == (ERASURE.hash, AT.isoformat())


def test_a_later_erasure_of_an_author_is_not_taken_back(client: Client, server: Server) -> None:
    for version in (9, 5):
        remember(client, NAMES, Erasure("file", "17", version), AT)
    (record,) = server.sources(NAMES.erasures).values()
    assert record["version"] == 9


def test_a_sweep_of_many_authors_is_a_few_requests(client: Client, server: Server) -> None:
    for author in range(1_500):
        erasure = Erasure("file", str(author), 9)
        done = {"erased_at": AT.isoformat(), "done_at": AT.isoformat()}
        record = Document({**erasure._asdict(), **done}, 9, visible=True)
        server.documents[NAMES.erasures, erasure.hash] = record
    index(client, "file:1", "file:2", author="1400")
    searches, refreshes = server.searches, server.refreshes
    assert sweep(client, NAMES, AT, keep_days=8) == 2
    # Two pages of records, and for each one search of posts, of alerts and of reports (one in a
    # thousand authors); the page with posts is searched again.
    assert server.searches - searches <= 12
    assert server.refreshes - refreshes <= 8


def test_a_post_that_has_a_later_state_by_now_is_left(client: Client, server: Server) -> None:
    index(client, "file:1")
    server.faults = [Items({"file:1": (409, "version_conflict_engine_exception")})]
    assert erase(client, NAMES, ERASURE, AT, AT) == 0


def test_late_posts_of_recent_erasures_are_swept(client: Client, server: Server) -> None:
    for author in ("17", "18"):
        remember(client, NAMES, Erasure("file", author, 9), AT)
    client.indices.refresh(index=NAMES.erasures)
    assert erase(client, NAMES, ERASURE, AT, AT) == 0
    index(client, "file:1", version=3)
    index(client, "file:2", author="18", version=3)
    assert sweep(client, NAMES, AT + timedelta(days=9), keep_days=8) == 0
    assert living(server) == {"file:1", "file:2"}
    assert sweep(client, NAMES, AT + timedelta(days=1), keep_days=8) == 2
    assert living(server) == set()


def test_any_author_can_be_remembered_once(client: Client, server: Server) -> None:
    long = "n" * 2_047
    authors = ["17", "did:plc:invented", "🍊" * 400, f"{long}a", f"{long}b", "a/b c"]
    for author in authors * 2:
        remember(client, NAMES, Erasure("file", author, 9), AT)
    sources = server.sources(NAMES.erasures).values()
    assert sorted(source["author_id"] for source in sources) == sorted(authors)

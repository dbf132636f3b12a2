"""A post is in one index, in its newest state or deleted, in whatever order its states come."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from elasticsearch import Elasticsearch as Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.settings import ElasticsearchSettings
from schemas.ids import microseconds
from schemas.mention import MentionDelete, MentionEvent
from schemas.post import Author
from sinks.elasticsearch import erasure
from sinks.elasticsearch.connection import connect
from tests.make import AT
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch.events import NAMES, SNOWFLAKE, delete, upsert
from tests.sinks.elasticsearch.settled_index import SettledIndex

TID = "bluesky:did:plc:a/3mbhcqgfbzz2a"
"""Its time is early in 2026."""
FEBRUARY = "bluesky:did:plc:a/3mdykyfq22222"
"""Its time is February 2026; a client may choose it in January."""
NOVEMBER = datetime(2025, 11, 5, tzinfo=UTC)
NOW = microseconds(AT)


@pytest.fixture
def index(client: Client, server: Server) -> SettledIndex:
    return SettledIndex(client, server)


def changed(event: MentionEvent, **fields: Any) -> MentionEvent:
    return msgspec.structs.replace(event, **fields)


def unmatched(id_: str = "file:1", version: int = 2) -> MentionEvent:
    return changed(delete(id_, version), unmatched=True)


def month(id_: str, version: int, at: datetime, text: str = "Velmora") -> MentionEvent:
    return upsert(id_, version, created_at=at, text=text)


STATES = [
    month("file:1", 1, NOVEMBER, "first"),
    month("file:1", 2, AT, "of another month"),
    month("file:1", 3, AT + timedelta(days=40), "of a third"),
    delete("file:1", 4),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("together", [True, False])
def test_a_deleted_post_stays_deleted_in_every_order(
    index: SettledIndex, order: tuple[int, ...], together: bool
) -> None:
    states = [STATES[number] for number in order]
    index.take_each([states] if together else [[state] for state in states])
    assert index.living() == {}


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("restarts", [True, False])
def test_the_newest_state_is_in_one_index_in_every_order(
    index: SettledIndex, order: tuple[int, ...], restarts: bool
) -> None:
    for number in order:
        index.take(STATES[number])
        if restarts:
            index.restart()
    assert index.living() == {"file:1": "of a third"}


MONTHS = (NOVEMBER, AT, AT + timedelta(days=40))
EVENTS = st.lists(
    st.one_of(
        st.builds(
            lambda id_, version, at: month(id_, version, at, f"state {version}"),
            st.sampled_from(["file:1", FEBRUARY]),
            st.integers(1, 6),
            st.sampled_from(MONTHS),
        ),
        st.builds(delete, st.sampled_from(["file:1", FEBRUARY]), st.integers(1, 6)),
        st.builds(unmatched, st.sampled_from(["file:1"]), st.integers(1, 6)),
    ),
    max_size=8,
)


@given(events=EVENTS, cuts=st.lists(st.booleans(), min_size=8, max_size=8))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_post_is_ever_in_two_indices(events: list[MentionEvent], cuts: list[bool]) -> None:
    with Server() as server, connect(ElasticsearchSettings(url=server.url)) as client:
        index = SettledIndex(client, server)
        for event, restarts in zip(events, cuts, strict=False):
            index.take(event)
            if restarts:
                index.restart()
            index.living()
        deletes = [e for e in events if isinstance(e, MentionDelete) and not e.unmatched]
        for id_ in index.living():
            version = next(d["version"] for _, each, d in index.documents() if each == id_)
            later = [e.version for e in deletes if e.id == id_ and e.id.startswith("file")]
            assert all(delete <= version for delete in later)


def test_a_delete_of_a_post_that_was_never_a_mention_writes_nothing(
    index: SettledIndex, server: Server
) -> None:
    strangers = [f"bluesky:did:plc:{n:024d}/3kabcdefghi2a" for n in range(2_000)]
    settled = index.take(*(delete(id_, NOW) for id_ in strangers))
    assert settled.strangers == 2_000
    assert server.documents == {}


@pytest.mark.parametrize("id_", ["file:1", SNOWFLAKE, "bluesky:did:plc:a/self"])
def test_the_removal_may_come_first_where_a_source_keeps_no_order(
    index: SettledIndex, id_: str
) -> None:
    index.take(delete(id_, 5))
    index.restart()
    assert index.recorded() == 1
    assert "did" not in str(index.server.sources(NAMES.removals))
    index.take(upsert(id_, 4))
    assert index.living() == {}
    index.take(upsert(id_, 6, text="posted again"))
    assert index.living() == {id_: "posted again"}


@pytest.mark.parametrize("id_", [TID, SNOWFLAKE, "file:1"])
def test_a_replayed_letter_does_not_bring_a_deleted_post_back(
    index: SettledIndex, id_: str
) -> None:
    index.take(delete(id_, 0))  # what the processor sends for a post that became a letter
    assert index.living() == {} and index.recorded() == 1
    index.take(delete(id_, 5))
    index.take(upsert(id_, 4))
    assert index.living() == {}


def test_a_replayed_letter_does_not_undo_an_edit_that_drops_the_brand(index: SettledIndex) -> None:
    index.take(delete("file:1", 0))
    index.take(unmatched("file:1", 5))
    index.take(upsert("file:1", 4))
    assert index.living() == {}
    index.take(upsert("file:1", 6, text="names it again"))
    assert index.living() == {"file:1": "names it again"}


def test_a_letter_that_is_replayed_without_a_delete_is_indexed(index: SettledIndex) -> None:
    index.take(upsert(TID, 3, text="before"))
    index.take(delete(TID, 0), upsert(TID, 4, text="replayed"))
    assert index.living() == {TID: "replayed"}


def test_a_record_key_ahead_of_its_post_makes_one_document(index: SettledIndex) -> None:
    first = changed(upsert(FEBRUARY, NOW), ingested_at=AT)
    again = changed(first, ingested_at=AT + timedelta(days=60))
    edit = upsert(
        FEBRUARY, NOW + 90 * 86_400_000_000, edited_at=AT + timedelta(days=90), text="edited"
    )
    edit = changed(edit, ingested_at=AT + timedelta(days=90))
    for event in (first, again, edit, again, first):
        index.take(event)
        index.restart()
        assert len(index.living()) == 1
    assert index.living() == {FEBRUARY: "edited"}
    index.take(changed(delete(FEBRUARY, NOW + 91 * 86_400_000_000)))
    assert index.living() == {}


def test_a_version_ahead_of_the_clock_does_not_outlive_its_delete(index: SettledIndex) -> None:
    hour = 3_600_000_000
    ahead = changed(upsert(TID, NOW + 23 * hour), ingested_at=AT)
    gone = changed(delete(TID, NOW + 120_000_000), ingested_at=AT + timedelta(minutes=2))
    index.take(ahead)
    index.take(gone)
    index.take(ahead)
    assert index.living() == {}


def test_a_delete_that_was_read_before_a_version_ahead_leaves_it(index: SettledIndex) -> None:
    ahead = changed(upsert(TID, NOW + 10**10), ingested_at=AT)
    index.take(ahead)
    assert index.take(changed(delete(TID, NOW), ingested_at=AT - timedelta(hours=1))).superseded
    assert index.living().keys() == {TID}


def test_an_edit_that_drops_its_brand_takes_the_mention_away(index: SettledIndex) -> None:
    index.take(upsert("file:1", 1), upsert("file:2", 1))
    index.take(unmatched("file:1", 1), unmatched("file:3", 1))
    assert index.living().keys() == {"file:2"}
    assert index.recorded() == 0


def test_an_edit_that_drops_its_brand_may_come_before_the_post(index: SettledIndex) -> None:
    edit = changed(unmatched("file:1", 2), edited=True)
    index.take(edit)
    index.restart()
    index.take(upsert("file:1", 1))
    assert index.living() == {}
    index.take(upsert("file:1", 3, text="again"))
    assert index.living() == {"file:1": "again"}


def test_an_edit_of_an_ordered_source_that_names_no_brand_records_nothing(
    index: SettledIndex,
) -> None:
    index.take(changed(unmatched("x:1", 2), edited=True))
    assert index.recorded() == 0


def test_a_post_that_names_the_brand_again_is_back(index: SettledIndex) -> None:
    index.take(upsert("file:1", 1), unmatched("file:1", 2), upsert("file:1", 3, text="again"))
    assert index.living() == {"file:1": "again"}


def repost(id_: str, of: str, author: str = "18", **fields: Any) -> MentionEvent:
    fields.setdefault("copied_from", ["17"])
    return upsert(id_, 2, author=Author(id=author), repost_of=of, **fields)


def test_a_deleted_post_takes_the_copies_of_its_words_along(index: SettledIndex) -> None:
    index.take(
        upsert("x:7", 1), repost("x:8", "x:7"), repost("x:9", "x:6"), upsert("x:10", reply_to="x:7")
    )
    index.restart()
    index.take(delete("x:7", 5))
    assert index.living().keys() == {"x:9", "x:10"}
    index.take(repost("x:8", "x:7"), repost("x:11", "x:7"))
    assert index.living().keys() == {"x:9", "x:10"}


def test_no_upsert_of_an_erased_author_is_written(index: SettledIndex) -> None:
    client = index.client
    erasure.remember(client, NAMES, erasure.Erasure("file", "17", 9), AT)
    erasure.remember(client, NAMES, erasure.Erasure("bluesky", "17", 9), AT)
    later = AT + timedelta(days=1)
    settled = index.take(
        upsert("file:1", 9),
        changed(upsert("file:2", 10), ingested_at=later),  # may be another account by now
        changed(upsert(TID, 10), ingested_at=later),  # never another account
        upsert("file:3", 9, author=Author(id="18")),
        repost("file:4", "file:9"),
    )
    assert index.living().keys() == {"file:2", "file:3"}
    assert settled.superseded == 3


def test_a_full_memory_is_given_up_for_a_refresh(client: Client, server: Server) -> None:
    index = SettledIndex(client, server)
    index.lookup = type(index.lookup)(client, NAMES, max_remembered=2)
    index.take(upsert("file:1", 1), upsert("file:2", 1), upsert("file:3", 1))
    before = server.refreshes
    index.take(delete("file:1", 2))
    assert server.refreshes == before + 1
    index.take(delete("file:2", 2))
    assert server.refreshes == before + 1
    assert index.living().keys() == {"file:3"}


def test_upserts_with_a_certain_month_are_not_searched_for(
    index: SettledIndex, server: Server
) -> None:
    index.take(upsert(SNOWFLAKE, 1), upsert(TID, NOW + 2 * 86_400_000_000))
    assert (server.searches, server.refreshes) == (0, 0)
    index.take(upsert("file:1", 1))
    assert (server.searches, server.refreshes) == (1, 1)

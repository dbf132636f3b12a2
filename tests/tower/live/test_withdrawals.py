"""What has left the stream is hidden, in whatever order its events come."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from schemas.mention import MentionDelete, MentionErasure, MentionEvent, MentionUpsert
from schemas.post import Post, PostEvent
from tests import make
from tower.live.withdrawals import MAX_KEPT, Withdrawals


def after(*events: MentionEvent | PostEvent) -> Withdrawals:
    withdrawn = Withdrawals()
    for event in events:
        withdrawn.take(event)
    return withdrawn


def post(number: int = 1, author: str = "17", **fields: object) -> Post:
    return make.post("x", id=f"x:{number}", author=author, **fields)


def delete(number: int, version: int) -> MentionEvent:
    return make.enriched(make.delete(f"x:{number}", version))


def erase(author: str, version: int, source: str = "x") -> MentionEvent:
    return make.enriched(make.erase(author, version, source))


def test_a_delete_hides_the_states_before_it() -> None:
    withdrawn = after(delete(1, 5))
    assert withdrawn.hides(post(1), 5)
    assert withdrawn.hides(post(1), 4)
    assert not withdrawn.hides(post(1), 6)
    assert not withdrawn.hides(post(2), 5)
    assert withdrawn.deleted("x:1") and not withdrawn.deleted("x:2")


def test_an_older_delete_takes_nothing_back() -> None:
    assert after(delete(1, 5), delete(1, 3)).hides(post(1), 5)


def test_an_erasure_hides_an_account_on_its_own_platform() -> None:
    withdrawn = after(erase("17", 9))
    assert withdrawn.hides(post(1, "17"), 9)
    assert not withdrawn.hides(post(1, "17"), 10), "an account that was opened again"
    assert not withdrawn.hides(post(1, "18"), 9)
    elsewhere = make.post("x", id="bluesky:1", author="17")
    assert not withdrawn.hides(elsewhere, 9)
    assert withdrawn.erased("x", "17") and not withdrawn.erased("bluesky", "17")


def test_the_words_of_an_erased_account_or_a_deleted_post_are_hidden_in_reposts() -> None:
    repost = post(2, "18", copied_from=["17"], repost_of="x:1")
    assert after(erase("17", 9)).hides(repost, 3)
    assert after(delete(1, 5)).hides(repost, 3)
    comment = post(3, "18", quote_of="x:1")
    assert not after(delete(1, 5)).hides(comment, 3)


def test_the_events_of_posts_count_as_those_of_mentions_do() -> None:
    withdrawn = after(make.delete("x:1", 5), make.erase("17", 9, "x"))
    assert withdrawn.hides(post(1, "18"), 5)
    assert withdrawn.hides(post(2, "17"), 9)
    assert not withdrawn.hides(post(2, "18"), 9)


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    withdrawn = after(*(delete(number, 1) for number in range(MAX_KEPT + 5)))
    assert not withdrawn.deleted("x:4")
    assert withdrawn.deleted("x:5")


EVENTS = st.lists(
    st.builds(delete, st.integers(1, 3), st.integers(0, 9))
    | st.builds(erase, st.sampled_from(["17", "18"]), st.integers(0, 9))
    | st.builds(
        lambda number, author, version: make.enriched(make.mention(post(number, author)), version),
        st.integers(1, 3),
        st.sampled_from(["17", "18"]),
        st.integers(0, 9),
    ),
    max_size=12,
)


def _hidden(events: Sequence[MentionEvent], shown: Post, version: int) -> bool:
    """As the definition says: the newest word about a post counts, and every erasure."""
    deleted = -1
    for event in events:
        if isinstance(event, MentionDelete) and event.id == shown.id and event.version:
            deleted = max(deleted, event.version)
        if isinstance(event, MentionUpsert) and event.id == shown.id:
            deleted = -1 if event.version > deleted else deleted
    erased = [
        event.version
        for event in events
        if isinstance(event, MentionErasure) and event.author_id == shown.author.id
    ]
    return deleted >= version or max(erased, default=-1) >= version


@given(EVENTS, st.integers(1, 3), st.sampled_from(["17", "18"]), st.integers(0, 9))
def test_a_state_is_hidden_as_the_events_say(
    events: list[MentionEvent], number: int, author: str, version: int
) -> None:
    shown = post(number, author)
    assert after(*events).hides(shown, version) == _hidden(events, shown, version)

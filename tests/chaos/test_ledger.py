"""The oracle itself: the same seed, exact end states, and every kind of difference is seen."""

from datetime import timedelta

from schemas.dead_letter import DeadLetter
from schemas.post import PostEvent
from tests import make
from tests.chaos.ledger import (
    BRANDS,
    START,
    Coordinate,
    Ledger,
    Sent,
    Shares,
    compare_activity,
    compare_letters,
    compare_versions,
    expected,
)
from tests.engines.expected import final_state


def sent(event: PostEvent, brand: str | None = "corvo", author: str = "17") -> Sent:
    return Sent(event.id.encode(), b"", event, brand, author)


def test_the_same_seed_writes_the_same_stream_however_it_is_cut() -> None:
    whole, cut = Ledger(1), Ledger(1)
    pieces = [*cut.events(300), *cut.events(700)]
    assert list(whole.events(1_000)) == pieces
    assert list(Ledger(2).events(1_000)) != pieces


def test_a_ledger_has_every_kind_and_no_version_twice() -> None:
    messages = list(Ledger(1).events(3_000))
    assert {m.kind for m in messages} == {"upsert", "delete", "erase_author", "poison"}
    versions = [m.event.version for m in messages if m.event is not None]
    assert len(set(versions)) == len(versions)
    assert any(m.event.op == "upsert" and m.event.post.edited_at for m in messages if m.event)


def test_the_oracle_agrees_with_the_code_of_the_stream_where_nobody_is_erased() -> None:
    messages = list(Ledger(3, Shares(erase=0)).events(2_000))
    events = [message.event for message in messages if message.event is not None]
    assert expected(messages).versions == final_state(events, BRANDS)


def test_an_erasure_covers_the_posts_before_it_and_none_after_it() -> None:
    before = sent(make.upsert(make.post(id="forum:1"), 1))
    after = sent(make.upsert(make.post(id="forum:2"), 9))
    erasure = sent(make.erase("17", 5, "forum"), None)
    for order in ([before, after, erasure], [erasure, after, before]):
        result = expected(order)
        assert result.versions == {"forum:2": 9}
        assert (result.deleted, result.erased) == (set(), {"17"})


def test_the_highest_version_wins_in_any_order() -> None:
    old = sent(make.upsert(make.post(id="forum:1"), 1))
    edit = sent(make.upsert(make.post(id="forum:1", edited_at=START), 2), None)
    delete = sent(make.delete("forum:1", 3, START + timedelta(days=1)))
    assert expected([edit, old]).deleted == {"forum:1"}
    assert expected([delete, old]).versions == {}
    assert expected([old]).versions == {"forum:1": 1}


def test_every_difference_of_an_index_is_told() -> None:
    difference = compare_versions({"a": 1, "b": 2, "c": 3}, {"b": 1, "c": 3, "d": 4})
    assert len(difference.lost) == 2
    assert len(difference.doubled) == 1
    assert compare_versions({"a": 1}, {"a": 1}).lost == []


def test_every_difference_of_the_activity_is_told() -> None:
    one, other = ("corvo", "a", 1), ("corvo", "b", 1)
    difference = compare_activity({one}, [one, one])
    assert (difference.lost, difference.doubled, difference.repeated) == ([], [], 1)
    difference = compare_activity({one}, [other])
    assert (len(difference.lost), len(difference.doubled)) == (1, 1)


def test_every_difference_of_the_letters_is_told() -> None:
    def letter(offset: int, payload: bytes = b"bad", topic: str = "posts") -> DeadLetter:
        return DeadLetter(
            service="process",
            reason="invalid_json",
            detail="",
            at=START,
            payload=payload,
            topic=topic,
            partition=0,
            offset=offset,
        )

    wanted = {Coordinate(0, 1): b"bad", Coordinate(0, 2): b"bad"}
    same = compare_letters(wanted, [letter(1), letter(2), letter(2)], "posts")
    assert (same.lost, same.doubled, same.repeated) == ([], [], 1)
    odd = compare_letters(
        wanted, [letter(1, b"cut"), letter(3), letter(2, topic="mentions")], "posts"
    )
    assert len(odd.lost) == 1
    assert len(odd.doubled) == 3

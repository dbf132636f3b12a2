"""Live posts: matched once, rendered once a language, resumed without loss, withdrawn in time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queries.language.parser import parse
from schemas.mention import Mention, MentionEvent
from tests import make
from tower.live.event_format import Event
from tower.live.hub import MAX_QUEUE, MAX_REPLAY, MAX_RING, REPLAY_S, Hub, Listener

EDITED = datetime(2026, 1, 3, tzinfo=UTC)


@dataclass
class Live:
    """A hub whose cards are the id and the version; ``rendered``: each card that was made."""

    rendered: list[tuple[str, int, str]] = field(default_factory=list)
    passed_s: float = 0.0
    withdrawals: int = 0

    def __post_init__(self) -> None:
        self.hub = Hub(self._render, lambda id_: f"k-{id_}", lambda: self.passed_s)
        self.hub.on_withdrawal = self._withdrawn

    def _render(self, mention: Mention, version: int, language: str) -> str:
        self.rendered.append((mention.post.id, version, language))
        return f"{mention.post.id} v{version} {language}"

    def _withdrawn(self) -> None:
        self.withdrawals += 1

    def browser(self, query: str = "", language: str = "en", after: int | None = None) -> Listener:
        listener = Listener(query, language, "ana")
        self.hub.add(listener, parse(query) if query else None, after)
        return listener

    def post(self, number: int, text: str = "Velmora en panne", version: int = 1) -> None:
        self.hub.receive([upsert(number, text, version)])


def upsert(number: int, text: str = "Velmora en panne", version: int = 1, **f: Any) -> MentionEvent:
    return make.enriched(make.mention(make.post(text, id=f"x:{number}", **f)), version)


def delete(number: int, version: int) -> MentionEvent:
    return make.enriched(make.delete(f"x:{number}", version))


def erase(author: str, version: int) -> MentionEvent:
    return make.enriched(make.erase(author, version, "x"))


def bodies(events: list[Event], *names: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.data) for one in events if one.name in names]


def shown(events: list[Event]) -> list[str]:
    return [body["html"] for body in bodies(events, "post")]


def test_a_post_is_rendered_once_a_language_for_all_browsers() -> None:
    live = Live()
    queries = ["", "panne", "velmora AND panne"]
    browsers = [live.browser(q, tongue) for q in queries for tongue in ("en", "fr") * 10]
    live.post(1)
    assert sorted(live.rendered) == [("x:1", 1, "en"), ("x:1", 1, "fr")]
    for browser in browsers:
        assert shown(browser.take()) == [f"x:1 v1 {browser.language}"]


def test_a_browser_gets_what_its_query_matches() -> None:
    live = Live()
    everything, panne, english = live.browser(), live.browser("panne"), live.browser("outage")
    live.hub.receive([upsert(1, "une panne"), upsert(2, "an outage"), upsert(3, "calm")])
    assert shown(everything.take()) == ["x:1 v1 en", "x:2 v1 en", "x:3 v1 en"]
    assert shown(panne.take()) == ["x:1 v1 en"]
    assert shown(english.take()) == ["x:2 v1 en"]
    # A query that nobody looks at any more is matched no longer.
    live.hub.remove(panne)
    live.post(4, "une panne")
    assert shown(english.take()) == []
    assert live.hub.listeners() == [everything, english]


def test_nobody_looks_so_nothing_is_rendered() -> None:
    live = Live()
    live.post(1)
    assert live.rendered == []


def test_a_slow_browser_loses_the_oldest_events_and_is_told_how_many() -> None:
    live = Live()
    slow = live.browser()
    slow.take()
    live.hub.receive([upsert(number) for number in range(MAX_QUEUE + 30)])
    first, *rest = slow.take()
    assert (first.name, msgspec.json.decode(first.data)) == ("lost", {"count": 30})
    assert shown(rest)[0] == "x:30 v1 en"
    assert len(rest) == MAX_QUEUE
    live.post(999)
    assert [event.name for event in slow.take()] == ["post"], "it is told once"


def test_a_browser_resumes_after_the_last_event_that_it_has() -> None:
    live = Live()
    first = live.browser("panne")
    live.hub.receive([upsert(1, "panne"), upsert(2, "calm"), upsert(3, "panne")])
    last = max(event.number for event in first.take())
    live.hub.remove(first)
    live.hub.receive([upsert(4, "panne"), upsert(5, "calm"), upsert(6, "panne")])
    events = live.browser("panne", after=last).take()
    assert [event.name for event in events] == ["state", "post", "post"]
    assert shown(events) == ["x:4 v1 en", "x:6 v1 en"]
    assert [event.name for event in live.browser("panne", after=live.hub.number).take()] == [
        "state"
    ]


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(0, 40), st.data())
def test_pieces_of_a_stream_are_the_whole_of_it(
    batches: list[int], leave: int, data: st.DataObject
) -> None:
    """Wherever a browser is cut off and resumes, it gets each post once, in order."""
    live, number, seen = Live(), 0, list[str]()
    browser, last = live.browser(), 0
    for size in batches:
        live.hub.receive([upsert(number + place) for place in range(size)])
        number += size
        if data.draw(st.booleans()):
            # What it took is on its screen; the rest of its queue is lost with it.
            taken = [event for event in browser.take() if event.number][:leave]
            seen += shown(taken)
            last = taken[-1].number if taken else last
            live.hub.remove(browser)
            browser = live.browser(after=last)
    seen += shown(browser.take())
    assert seen == [f"x:{place} v1 en" for place in range(number)]


def test_a_browser_of_another_process_is_told_to_begin_anew() -> None:
    live = Live()
    live.post(1)
    events = live.browser(after=-1).take()
    assert [event.name for event in events] == ["state", "reset", "post"]


def test_a_browser_that_was_away_for_too_long_is_told_to_begin_anew() -> None:
    live = Live()
    live.hub.receive([upsert(number) for number in range(MAX_RING + 20)])
    assert live.browser(after=5).take()[1].name == "reset"
    # The same after a withdrawal has made room in the memory.
    live.hub.receive([delete(MAX_RING, 2)])
    assert live.browser(after=5).take()[1].name == "reset"
    assert live.browser(after=live.hub.number - 3).take()[1].name == "post"


def test_more_missed_posts_than_are_sent_again_are_a_reset() -> None:
    live = Live()
    live.hub.receive([upsert(number) for number in range(MAX_REPLAY + 1)])
    events = live.browser(after=0).take()
    assert events[1].name == "reset"
    assert len(shown(events)) == MAX_REPLAY
    assert [e.name for e in live.browser(after=1).take()] == ["state", *["post"] * MAX_REPLAY]


def test_a_new_browser_gets_what_the_index_may_not_have_yet() -> None:
    live = Live()
    live.post(1)
    live.passed_s = REPLAY_S - 1
    live.post(2)
    assert shown(live.browser().take()) == ["x:1 v1 en", "x:2 v1 en"]
    live.passed_s = REPLAY_S + 1
    events = live.browser().take()
    assert shown(events) == ["x:2 v1 en"]
    assert [event.name for event in events] == ["state", "post"]


def test_a_deleted_post_leaves_every_screen_and_no_replay_shows_it() -> None:
    live = Live()
    panne, other = live.browser("panne"), live.browser("calm")
    live.post(1, "panne")
    live.hub.receive([delete(1, 2)])
    for browser in (panne, other):
        assert bodies(browser.take(), "gone") == [{"key": "k-x:1", "version": 2}]
    assert live.withdrawals == 1
    assert shown(live.browser("panne").take()) == []
    assert shown(live.browser("panne", after=0).take()) == []


def test_a_delete_while_a_browser_is_away_is_told_when_it_resumes() -> None:
    live = Live()
    browser = live.browser()
    live.post(1)
    last = browser.take()[-1].number
    live.hub.remove(browser)
    live.hub.receive([delete(1, 2), upsert(2)])
    events = live.browser(after=last).take()
    assert [event.name for event in events] == ["state", "gone", "post"]
    # And what was deleted after a page was made, before its stream began.
    assert bodies(live.browser().take(), "gone") == [{"key": "k-x:1", "version": 2}]


def test_a_post_that_comes_back_is_shown_again() -> None:
    live = Live()
    browser = live.browser()
    live.hub.receive([upsert(1, version=1), delete(1, 2), upsert(1, version=3)])
    assert [event.name for event in browser.take()][1:] == ["post", "gone", "post"]
    assert shown(live.browser().take()) == ["x:1 v3 en"]


def test_an_older_state_of_what_was_deleted_is_not_shown() -> None:
    """After a crash a processor writes a batch again: the post, then its delete."""
    live = Live()
    browser = live.browser()
    live.hub.receive([upsert(1), delete(1, 2), upsert(1), delete(1, 2)])
    live.hub.receive([upsert(1)])
    assert [event.name for event in browser.take()] == ["state", "post", "gone", "gone"]
    assert shown(live.browser(after=0).take()) == []


def test_a_delete_of_version_zero_deletes_nothing() -> None:
    live = Live()
    browser = live.browser()
    live.hub.receive([upsert(1), delete(1, 0)])
    assert [event.name for event in browser.take()] == ["state", "post"]
    assert shown(live.browser().take()) == ["x:1 v1 en"]


def test_an_edit_reaches_screens_that_it_matches_and_those_that_it_left() -> None:
    live = Live()
    panne, calm = live.browser("panne"), live.browser("calm")
    live.post(1, "panne", version=1)
    live.post(1, "calm again", version=5)
    events = panne.take()
    assert shown(events) == ["x:1 v1 en"]
    assert bodies(events, "changed") == [{"key": "k-x:1", "version": 4}]
    assert shown(calm.take()) == ["x:1 v5 en"]
    # Of a post that only the history has, the platform says that it is an edit.
    live.hub.receive([upsert(2, "calm", version=7, edited_at=EDITED)])
    assert bodies(panne.take(), "changed") == [{"key": "k-x:2", "version": 6}]


def test_an_edit_while_a_browser_is_away_is_told_when_it_resumes() -> None:
    live = Live()
    live.post(1, "panne", version=1)
    live.post(1, "calm", version=5)
    events = live.browser("panne", after=1).take()
    assert [event.name for event in events] == ["state", "changed"]


def test_an_erased_author_leaves_every_screen_with_the_posts_that_repeat_them() -> None:
    live = Live()
    live.hub.receive(
        [
            upsert(1, author="17"),
            upsert(2, author="18"),
            upsert(3, author="19", copied_from=["17"]),
            upsert(4, author="17", version=50),
        ]
    )
    browser = live.browser()
    browser.take()
    live.hub.receive([erase("17", version=9)])
    assert bodies(browser.take(), "gone") == [{"author": "k-x:17", "version": 9}]
    assert shown(live.browser().take()) == ["x:2 v1 en", "x:4 v50 en"]
    assert live.withdrawals == 1


def test_a_post_names_its_card_and_its_author_by_hashes() -> None:
    live = Live()
    browser = live.browser()
    live.post(1)
    (body,) = bodies(browser.take(), "post")
    assert body == {"key": "k-x:1", "author": "k-x:17", "version": 1, "html": "x:1 v1 en"}


def test_a_screen_knows_whether_the_stream_is_read() -> None:
    live = Live()
    browser = live.browser()
    assert bodies(browser.take(), "state") == [{"live": False, "why": "starting"}]
    live.hub.tell_state(True)
    live.hub.tell_state(True)
    live.hub.tell_state(False, "kafka")
    assert bodies(browser.take(), "state") == [
        {"live": True, "why": ""},
        {"live": False, "why": "kafka"},
    ]
    assert bodies(live.browser().take(), "state") == [{"live": False, "why": "kafka"}]


def test_the_end_of_the_server_ends_every_stream() -> None:
    live = Live()
    browsers = [live.browser() for _ in range(3)]
    live.hub.close()
    assert all(browser.closed and browser.woken.is_set() for browser in browsers)


@pytest.mark.parametrize("count", [1, 50])
def test_browsers_of_one_query_are_one_query_to_match(count: int) -> None:
    live = Live()
    browsers = [live.browser("panne") for _ in range(count)]
    live.post(1, "panne")
    for browser in browsers[1:]:
        live.hub.remove(browser)
    live.post(2, "panne")
    assert shown(browsers[0].take()) == ["x:1 v1 en", "x:2 v1 en"]

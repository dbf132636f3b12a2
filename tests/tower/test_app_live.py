"""The live stream of a browser, from its request to its end."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from schemas.mention import MentionEvent
from tests import make
from tests.tower.towers import Stream, TowerRig, problem_of
from tower.pages.post_card import card_key
from tower.security.users import Person


@pytest.fixture
def rig() -> Iterator[TowerRig]:
    with TowerRig() as rig:
        yield rig


def upsert(number: int, text: str = "Velmora en panne") -> MentionEvent:
    return make.enriched(make.mention(make.post(text, id=f"x:{number}")))


def test_a_browser_gets_posts_of_its_query_as_cards(rig: TowerRig) -> None:
    with rig.browser("reader").stream("/events?page=live&q=panne&lang=fr") as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        assert "content-encoding" not in stream.headers, "a compressed stream waits"
        assert "content-security-policy" in stream.headers
        assert stream.parser.retry_ms == 2000
        rig.tower.hub.receive([upsert(1), upsert(2, "calm"), upsert(3, "<script>x</script> panne")])
        stream.until(lambda: len(stream.bodies("post")) == 2)
        first, second = stream.bodies("post")
        assert first["html"].startswith("<article")
        assert "sans tonalité" in first["html"]
        assert "&lt;script&gt;" in second["html"] and "<script" not in second["html"]
    assert rig.tower.hub.listeners() == []


@pytest.mark.parametrize("resume", ["header", "parameter"])
def test_a_browser_goes_on_where_it_was(rig: TowerRig, resume: str) -> None:
    browser = rig.browser("reader")
    with browser.stream() as stream:
        rig.tower.hub.receive([upsert(1), upsert(2)])
        stream.until(lambda: len(stream.bodies("post")) == 2)
        last = stream.parser.last_event_id
    rig.tower.hub.receive([upsert(3), make.enriched(make.delete("x:1", 9))])
    again = (
        browser.stream(last_event_id=last)
        if resume == "header"
        else browser.stream(f"/events?page=live&after={last}")
    )
    with again as stream:
        stream.until(lambda: bool(stream.bodies("gone")))
        assert len(stream.bodies("post")) == 1
        assert not stream.bodies("reset")


@pytest.mark.parametrize("last", ["ffffffff-3", "nonsense", "x" * 5_000, "-1"])
def test_a_position_of_another_process_is_a_reset(rig: TowerRig, last: str) -> None:
    with rig.browser("reader").stream(last_event_id=last) as stream:
        stream.until(lambda: bool(stream.bodies("reset")))


def test_a_hundred_browsers_cost_one_question_a_tick() -> None:
    with TowerRig(max_streams_per_person=100) as rig, ExitStack() as open_streams:
        browser = rig.browser("reader")
        streams = [open_streams.enter_context(browser.stream()) for _ in range(100)]
        rig.search.requests.clear()
        rig.passed_s += 10
        rig.run(rig.app.state.push.tick())
        for stream in streams:
            stream.until(partial(_has_panel, stream, "facts"))
        assert len(rig.search.requests) == 1
        assert len(rig.search.searches) < 15, "one or two a panel, whatever the number of browsers"
    assert rig.tower.hub.listeners() == []


def _has_panel(stream: Stream, name: str) -> bool:
    return any(body["name"] == name for body in stream.bodies("panel"))


def test_a_stream_needs_a_person_a_page_and_a_query(rig: TowerRig) -> None:
    with rig.browser().stream() as stream:
        assert stream.status == 401
    browser = rig.browser("reader")
    assert problem_of(browser.get("/events?page=nothing"))["status"] == 404
    assert problem_of(browser.get("/events?page=live&q=(panne"))["status"] == 400
    assert problem_of(browser.get("/events?page=live&last=9w"))["status"] == 400
    assert problem_of(browser.get("/events?page=live&tz=Mars"))["status"] == 400
    assert rig.tower.hub.listeners() == []


def test_streams_of_one_person_and_of_all_are_limited() -> None:
    with TowerRig(max_streams=3, max_streams_per_person=2) as rig:
        reader, desk = rig.browser("reader"), rig.browser("desk")
        with reader.stream(), reader.stream():
            assert problem_of(reader.get("/events"))["status"] == 503
            with desk.stream():
                assert problem_of(rig.browser("admin").get("/events"))["status"] == 503
            with desk.stream() as again:
                assert again.status == 200


def test_a_browser_that_left_before_its_answer_began_leaves_nothing(rig: TowerRig) -> None:
    stream = rig.browser("reader").stream()
    stream.fails_at_start = True
    with stream:
        stream.until(lambda: stream.ended)
    assert stream.status == 0
    assert rig.tower.hub.listeners() == []


def test_the_end_of_the_server_ends_the_stream(rig: TowerRig) -> None:
    with rig.browser("reader").stream() as stream:
        rig.tower.hub.close()
        stream.until(lambda: stream.ended)


def test_a_session_that_ended_does_not_go_on_by_its_stream(rig: TowerRig) -> None:
    """Posts keep coming, so it is never idle."""
    browser = rig.browser()
    browser.sign_in(Person("ana", "desk"))
    with browser.stream() as stream:
        rig.tower.hub.receive([upsert(1)])
        stream.until(lambda: bool(stream.bodies("post")))
        rig.passed_s = 12 * 3600 + 1
        numbers = iter(range(2, 10_000))

        def ended() -> bool:
            rig.tower.hub.receive([upsert(next(numbers))])
            return stream.ended

        stream.until(ended)
    assert len(stream.bodies("post")) < 100


def test_what_was_withdrawn_is_in_no_answer_before_the_index_follows(rig: TowerRig) -> None:
    browser = rig.program()
    before = browser.get("/api/v1/mentions").json()
    gone = before["mentions"][0]
    rig.tower.hub.receive(
        [make.enriched(make.delete(gone["mention"]["post"]["id"], gone["version"] + 1))]
    )
    after = browser.get("/api/v1/mentions").json()
    assert [one["mention"]["post"]["id"] for one in after["mentions"]] == [
        one["mention"]["post"]["id"] for one in before["mentions"][1:]
    ]
    page = rig.browser("reader").get("/live?wait=1")
    assert f'data-key="{_key(gone)}"' not in page.text
    assert f'data-key="{_key(before["mentions"][1])}"' in page.text


def _key(listed: dict[str, dict[str, dict[str, str]]]) -> str:
    return card_key(listed["mention"]["post"]["id"])

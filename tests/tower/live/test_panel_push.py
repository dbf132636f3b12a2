"""Panels are made once a tick for all who look at the same, and sent where they changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tower.live.hub import Listener
from tower.live.panel_push import TICK_S, PanelPush
from tower.questions.question import Ask
from tower.questions.scope import LIVE_TICK, window


@dataclass
class Panels:
    """Renders panels from ``html`` and counts how often; a page named ``broken`` fails."""

    html: dict[str, str] = field(default_factory=lambda: {"facts": "12", "volume": "<svg/>"})
    rendered: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.push = PanelPush(self.render, lambda page, view: (page, view))

    async def render(self, page: str, view: str) -> Mapping[str, str]:
        self.rendered.append((page, view))
        await asyncio.sleep(0)
        if page == "broken":
            raise RuntimeError("a fault of one page")
        return dict(self.html)

    def look(self, page: str = "live", view: str = "brand:velmora") -> Listener:
        listener = Listener("", "en", "ana")
        self.push.add(listener, page, view)
        return listener

    def tick(self) -> None:
        asyncio.run(self.push.tick())


def panels_of(listener: Listener) -> dict[str, str]:
    events = listener.take()
    assert {event.name for event in events} <= {"panel"}
    assert all(event.number == 0 for event in events), "a resume does not repeat panels"
    bodies = [msgspec.json.decode(event.data) for event in events]
    return {body["name"]: body["html"] for body in bodies}


@given(
    st.integers(1_700_000_000_000, 2_000_000_000_000).map(lambda milliseconds: milliseconds / 1_000)
)
def test_a_tick_comes_when_the_window_of_the_questions_has_moved(now: float) -> None:
    push = PanelPush(Panels().render, lambda page, view: page, lambda: now)
    wait_s = push.next_tick_s()
    assert 0 < wait_s <= TICK_S + 0.1

    def ends(at: float) -> datetime:
        return window(Ask(), datetime.fromtimestamp(at, UTC))[1]

    assert ends(now + wait_s) - ends(now) == LIVE_TICK


def test_a_hundred_browsers_cost_onerendering_a_tick() -> None:
    panels = Panels()
    browsers = [panels.look() for _ in range(100)]
    panels.tick()
    assert panels.rendered == [("live", "brand:velmora")]
    for browser in browsers:
        assert panels_of(browser) == {"facts": "12", "volume": "<svg/>"}


def test_browsers_that_look_at_other_things_get_their_own() -> None:
    panels = Panels()
    for view in ("brand:velmora", "brand:corvane", "brand:velmora"):
        panels.look(view=view)
    panels.tick()
    assert sorted(panels.rendered) == [("live", "brand:corvane"), ("live", "brand:velmora")]


def test_a_panel_that_did_not_change_is_not_sent_again() -> None:
    panels = Panels()
    browser = panels.look()
    panels.tick()
    browser.take()
    panels.tick()
    assert panels_of(browser) == {}
    panels.html["facts"] = "13"
    late = panels.look()
    panels.tick()
    assert panels_of(browser) == {"facts": "13"}
    assert panels_of(late) == {"facts": "13", "volume": "<svg/>"}
    # Back to what it was: that is a change too.
    panels.html["facts"] = "12"
    panels.tick()
    assert panels_of(browser) == {"facts": "12"}


def test_a_page_that_fails_stops_no_other() -> None:
    panels = Panels()
    broken, well = panels.look("broken"), panels.look()
    for _ in range(2):
        panels.tick()
    assert panels_of(well) == {"facts": "12", "volume": "<svg/>"}
    assert panels_of(broken) == {}
    assert panels.rendered.count(("broken", "brand:velmora")) == 2


def test_without_browsers_a_tick_asks_nothing() -> None:
    panels = Panels()
    browser = panels.look()
    panels.push.remove(browser)
    panels.push.remove(browser)
    panels.tick()
    assert panels.rendered == []


def test_what_is_not_known_in_time_comes_with_a_later_tick() -> None:
    panels = Panels()
    browser = panels.look()
    slow = panels.html.pop("volume")
    panels.tick()
    assert panels_of(browser) == {"facts": "12"}
    panels.html["volume"] = slow
    panels.tick()
    assert panels_of(browser) == {"volume": "<svg/>"}

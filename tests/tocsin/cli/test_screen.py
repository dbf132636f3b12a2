"""The screen: a view on a terminal, elsewhere lines that say something new."""

import io
import threading
import time
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from runtime.kafka.topic_stats import TopicLag
from tocsin.cli.live_view import Picture, ServiceLine
from tocsin.cli.screen import Screen


class Pictures:
    """Gives prepared pictures one after the other, and the last one again and again."""

    def __init__(self, *pictures: Picture) -> None:
        self._pictures = list(pictures)
        self.drawn = threading.Event()
        self._after = 0

    def __call__(self) -> Picture:
        if len(self._pictures) > 1:
            return self._pictures.pop(0)
        self._after += 1
        if self._after > 1:  # the last one has been drawn
            self.drawn.set()
        return self._pictures[0]


def picture(
    seconds: float, posts: int, state: str, mood: str = "waiting", restarts: int = 0
) -> Picture:
    line = ServiceLine("process", state, mood, restarts)  # type: ignore[arg-type]
    return Picture(elapsed_s=seconds, flow=TopicLag({"posts": posts}), services=[line])


def shown(pictures: Pictures, *, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, height=24, highlight=False)
    with Screen(console) as screen:
        screen.start(pictures, lambda seen: [Text(f"view of {seen.posts} posts")])
        assert pictures.drawn.wait(60)
        screen.say("a line that stays")
    return out.getvalue()


def test_without_a_terminal_only_what_is_new_is_told() -> None:
    pictures = Pictures(
        picture(0, 0, "loading models"),
        picture(1, 0, "brands: none"),
        picture(2, 0, "loading models"),
        picture(5, 0, "loading models"),
        picture(6, 0, "ready", "good"),
        picture(7, 3, "ready", "good"),
        picture(8, 3, "died", "bad"),
    )
    assert shown(pictures, terminal=False).splitlines() == [
        "process: loading models",
        "process: ready",
        "7 s: 3 posts read, 0 mentions indexed",
        "a line that stays",
    ]


def test_a_service_that_is_ready_again_at_once_after_a_restart_is_told() -> None:
    pictures = Pictures(
        picture(0, 0, "ready", "good"),
        picture(1, 0, "died", "bad"),
        picture(2, 0, "starting", restarts=1),
        picture(3, 0, "ready", "good", restarts=1),
    )
    assert shown(pictures, terminal=False).splitlines()[:2] == ["process: ready"] * 2


def test_on_a_terminal_the_view_is_drawn_and_taken_away() -> None:
    text = shown(Pictures(picture(0, 7, "ready")), terminal=True)
    assert "view of 7 posts" in text
    assert "a line that stays" in text
    assert text.endswith("\x1b[2K")  # the last thing is that the view's lines are removed


def test_a_view_that_waits_holds_up_nobody() -> None:
    released = threading.Event()

    def slow() -> Picture:
        released.wait(60)
        return picture(0, 1, "ready")

    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=False))
    screen.start(slow, lambda seen: [])
    screen.say("said at once")
    assert "said at once" in out.getvalue()
    released.set()
    wait_for(lambda: "1 posts" in out.getvalue())
    screen.clear()
    screen.clear()


def wait_for(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.01)

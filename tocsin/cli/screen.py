"""The terminal of a command that runs for a while: lines that stay, and a view that is redrawn."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from runtime.clock import utc_now
from text.terminal import printable_lines
from tocsin.cli.live_view import Picture, Rates, plain_line, remaining_s, service_line
from tocsin.local.pipeline import LocalPipeline

DRAW_S: Final = 0.3
"""Pause between two drawings, seconds."""
STAYS_S: Final = 2.0
"""Time after which the state of a service is worth a line, seconds."""
PLAIN_EVERY_S: Final = 5.0
"""Pause between two lines on an output that is not a terminal, seconds."""


class Screen:
    """Shows the view on a terminal; elsewhere one line every ``PLAIN_EVERY_S`` if it changed.

    A thread draws, so that the view goes on while the caller waits for a server.
    """

    def __init__(self, console: Console | None = None) -> None:
        # Not soft-wrapped: a line wider than the terminal would tear the view.
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_line, self._line_due = "", 0.0
        self._since: dict[str, tuple[str, float]] = {}
        self._told: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()

    def say(self, text: str) -> None:
        """A line that stays, above the view."""
        self._console.print(
            printable_lines(text), markup=False, soft_wrap=not self._live.is_started
        )

    def start(
        self, picture: Callable[[], Picture], view: Callable[[Picture], Sequence[Text]]
    ) -> None:
        """Draw the view of new pictures until :meth:`clear`."""
        self._stop.clear()
        if self._console.is_terminal:
            self._live.start()
        self._thread = threading.Thread(
            target=self._draw, args=(picture, view), name="screen", daemon=True
        )
        self._thread.start()

    def clear(self) -> None:
        """Take the view away; idempotent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._live.is_started:
            self._live.stop()

    def _draw(
        self, picture: Callable[[], Picture], view: Callable[[Picture], Sequence[Text]]
    ) -> None:
        while not self._stop.wait(DRAW_S):
            if self._live.is_started:
                self._live.update(Group(*view(picture())), refresh=True)
            else:
                self._print_line(picture())

    def _print_line(self, picture: Picture) -> None:
        for line in picture.services:
            since = self._since.get(line.name)
            if since is None or since[0] != line.state:
                self._since[line.name] = since = (line.state, picture.elapsed_s)
            # Not what passes at once; and faults are told by the loop that watches the services.
            stays = line.mood == "good" or picture.elapsed_s - since[1] >= STAYS_S
            # A service that is ready again soon after a restart has never stayed otherwise.
            state = line.state, line.restarts
            if stays and line.mood != "bad" and self._told.get(line.name) != state:
                self._told[line.name] = state
                self.say(f"{line.name}: {line.state}")
        now, text = time.monotonic(), plain_line(picture)
        if text and text != self._last_line and now >= self._line_due:
            self._last_line, self._line_due = text, now + PLAIN_EVERY_S
            self.say(f"{picture.elapsed_s:.0f} s: {text}")


class Watcher:
    """Takes pictures of a running pipeline; never waits for a server."""

    def __init__(self, pipeline: LocalPipeline, began: float) -> None:
        self._pipeline = pipeline
        self._began = began
        self._rates = Rates()

    def picture(self) -> Picture:
        pipeline, now = self._pipeline, time.monotonic()
        observed, states = pipeline.flow.latest, pipeline.states.latest.value
        flow = observed.value
        posts, mentions = flow.written.get("posts", 0), flow.written.get("mentions", 0)
        handled, indexed = posts - flow.lag.get("posts", 0), mentions - flow.lag.get("mentions", 0)
        if flow.written:
            self._rates.add(observed.at, posts, handled, indexed)
        read, work, index = (self._rates.per_second(number) for number in range(3))
        return Picture(
            elapsed_s=now - self._began,
            flow=flow,
            services=[
                service_line(service, states.get(service.name), now)
                for service in pipeline.supervisor.services
            ],
            read_rate=read,
            work_rate=work,
            left_s=remaining_s(flow, work, index),
            old_s=observed.age_s(now) if flow.written else 0.0,
            alerts=pipeline.alerts.latest.value,
        )


def local_now() -> datetime:
    """Now, in the zone of this machine, which a terminal shows."""
    return utc_now().astimezone()

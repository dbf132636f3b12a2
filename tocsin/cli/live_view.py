"""What `tocsin up` and `tocsin demo` show while they run: pure functions of one picture."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from rich.text import Text

from runtime.kafka.topic_stats import TopicLag
from text.terminal import printable, single_line
from tocsin.local.alert_stream import OpenedAlerts
from tocsin.local.service_probe import ServiceState, SourceState
from tocsin.local.supervisor import Service

MAX_COLUMNS: Final = 80
WINDOW_S: Final = 10.0
"""Length of the window of a rate, seconds."""
OLD_S: Final = 3.0
"""Age from which figures are shown with it, seconds."""
_BAR: Final = 24
_NAME: Final = 12
Mood = Literal["good", "waiting", "bad"]
_STYLES: Final = {"good": "green", "waiting": "yellow", "bad": "red"}


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One service as people see it."""

    name: str
    state: str
    mood: Mood
    restarts: int = 0
    port: int | None = None
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    """What an ingestor reads."""


@dataclass(frozen=True, slots=True)
class Picture:
    """All that a screen shows at one moment."""

    elapsed_s: float
    flow: TopicLag
    services: Sequence[ServiceLine]
    read_rate: float | None = None
    """Posts per second that the ingestors write; None while it is not known."""
    work_rate: float | None = None
    """Posts per second that the processors handle."""
    left_s: float | None = None
    """Estimate of the remaining time, where the total is known."""
    old_s: float = 0.0
    """Age of the figures of ``flow``."""
    alerts: OpenedAlerts = field(default_factory=OpenedAlerts)

    @property
    def posts(self) -> int:
        return self.flow.written.get("posts", 0)

    @property
    def handled(self) -> int:
        return self.posts - self.flow.lag.get("posts", 0)

    @property
    def indexed(self) -> int:
        return self.flow.written.get("mentions", 0) - self.flow.lag.get("mentions", 0)


class Rates:
    """Rates over the last ``WINDOW_S`` seconds, from looks at cumulative counts."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, tuple[int, ...]]] = deque()

    def add(self, at: float, *counts: int) -> None:
        """A look at the counts, at a time in seconds; a second one at the same time is ignored."""
        if self._looks and at <= self._looks[-1][0]:
            return
        self._looks.append((at, counts))
        while len(self._looks) > 2 and self._looks[1][0] < at - WINDOW_S:
            self._looks.popleft()

    def per_second(self, number: int) -> float | None:
        """The rate of one of the counts; None before the second look."""
        if len(self._looks) < 2:
            return None
        (first, before), (last, after) = self._looks[0], self._looks[-1]
        return max(0, after[number] - before[number]) / (last - first)


def service_line(service: Service, state: ServiceState | None, now: float) -> ServiceLine:
    """``state``: its own answer, if any; ``now``: monotonic seconds."""

    def line(text: str, mood: Mood) -> ServiceLine:
        port = service.monitor_port if state is not None else None
        sources = {} if state is None else state.sources
        return ServiceLine(service.name, text, mood, service.restarts, port, sources)

    if service.ended:
        if service.status == 0:
            return line("finished", "good")
        return line(f"ended ({service.how_it_ended}): {service.last_words()}", "bad")
    if not service.running:
        wait = max(0.0, service.due - now)
        return line(f"died ({service.how_it_ended}), restarts in {wait:.0f} s", "bad")
    if state is None:
        return line("loading" if service.held else "starting", "waiting")
    if state.ready:
        return line("ready", "good")
    reason = state.reason.partition("; ")[0]
    return line(reason.removeprefix("start: ").removeprefix("still "), "waiting")


def remaining_s(flow: TopicLag, work_rate: float | None, index_rate: float | None) -> float | None:
    """Seconds until the lag is worked off at these rates; None while a rate is not known."""
    posts, mentions = flow.lag.get("posts", 0), flow.lag.get("mentions", 0)
    waits = []
    for lag, rate in ((posts, work_rate), (mentions, index_rate)):
        if lag:
            if not rate:
                return None
            waits.append(lag / rate)
    return max(waits, default=0.0)


def demo_lines(picture: Picture, total: int | None) -> list[Text]:
    """The live view of the demo; ``total``: posts of the whole day, once it is known."""
    posts = picture.posts
    lines = [
        _progress("read", posts, total, picture.read_rate if posts != total else None),
        _progress("processed", picture.handled, total and max(total, posts), picture.work_rate),
        _plain_row("indexed", f"{picture.indexed:,} mentions" + _letters(picture)),
    ]
    return [*lines, *_service_rows(picture), _clock_row(picture, picture.left_s)]


def up_lines(picture: Picture, now: datetime) -> list[Text]:
    """The live view of ``tocsin up``; ``now`` in the zone to show."""
    lag = sum(picture.flow.lag.values())
    rate = "" if picture.read_rate is None else f" ({picture.read_rate:,.0f}/s)"
    lines = [
        _plain_row(
            "posts",
            f"{picture.posts:,}{rate}, {picture.indexed:,} mentions indexed, "
            f"{lag:,} waiting" + _letters(picture),
        ),
        *_service_rows(picture, now),
    ]
    opened = picture.alerts
    lines.append(_plain_row("alerts", f"{opened.count:,} opened since the start"))
    for alert in opened.newest:
        moment = alert.raised_at.astimezone(now.tzinfo)
        lines.append(
            _cut(Text(f"  {moment:%H:%M} severity {alert.severity}  {alert.title}", "bold"))
        )
    return [*lines, _clock_row(picture)]


def source_words(source: SourceState, now: datetime) -> tuple[str, Mood]:
    """Whether a source is connected, and when it was heard last."""
    heard = "never heard yet"
    if source.heard_at is not None:
        heard = f"heard {max(0.0, now.timestamp() - source.heard_at):.0f} s ago"
    events = f"{source.events:,} events"
    if source.connected is False:
        return f"not connected, {heard}, {events}", "bad"
    mood: Mood = "waiting" if source.heard_at is None else "good"
    return f"connected, {heard}, {events}" if source.connected else f"{heard}, {events}", mood


def plain_line(picture: Picture) -> str:
    """One line for an output that is not a terminal; empty before the first post."""
    if not picture.posts:
        return ""
    parts = [f"{picture.posts:,} posts read", f"{picture.indexed:,} mentions indexed"]
    if lag := sum(picture.flow.lag.values()):
        parts.append(f"{lag:,} waiting")
    if picture.work_rate:
        parts.append(f"{picture.work_rate:,.0f} posts/s")
    if letters := picture.flow.written.get("dead-letters", 0):
        parts.append(f"{letters:,} dead letters")
    if picture.alerts.count:
        parts.append(f"{picture.alerts.count:,} alerts opened")
    if picture.left_s:
        parts.append(f"about {picture.left_s:.0f} s left")
    if picture.old_s > OLD_S:
        parts.append(f"figures {picture.old_s:.0f} s old")
    return ", ".join(parts)


def bar(share: float, width: int = _BAR) -> str:
    filled = round(min(1.0, max(0.0, share)) * width)
    return "━" * filled + "─" * (width - filled)


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _progress(name: str, done: int, total: int | None, rate: float | None) -> Text:
    speed = f"  {rate:,.0f} posts/s" if rate else ""
    if not total:
        return _plain_row(name, f"{done:,} posts{speed}")
    share = done / total
    return _plain_row(name, f"{bar(share)} {share:4.0%}  {done:,} of {total:,}{speed}")


def _letters(picture: Picture) -> str:
    letters = picture.flow.written.get("dead-letters", 0)
    return f", {letters:,} dead letters" if letters else ""


def _service_rows(picture: Picture, now: datetime | None = None) -> list[Text]:
    """A row a service; with ``now``, also what its source does and where its metrics are."""
    rows = []
    for line in picture.services:
        text, mood = line.state, line.mood
        if line.restarts:
            text += f", restarted {line.restarts} time{'s' * (line.restarts > 1)}"
        if now is not None and mood != "bad" and line.port is not None:
            for source in line.sources.values():
                words, mood = source_words(source, now)
                text = words if text == "ready" else f"{text}, {words}"
            text += f"  127.0.0.1:{line.port}/metrics"
        rows.append(_row(line.name, text, mood))
    return rows


def _clock_row(picture: Picture, left_s: float | None = None) -> Text:
    text = f"{clock(picture.elapsed_s)} elapsed"
    if left_s:
        text += f", about {clock(left_s + 1)} left"
    if picture.old_s > OLD_S:
        text += f", figures {picture.old_s:.0f} s old: Kafka does not answer"
    return _cut(Text(text, "dim"))


def _plain_row(name: str, text: str) -> Text:
    return _cut(Text.assemble((f"{name:<{_NAME}}", "bold"), text))


def _row(name: str, text: str, mood: Mood) -> Text:
    label = single_line(name, _NAME - 1)
    return _cut(Text.assemble((f"{label:<{_NAME}}", "bold"), (text, _STYLES[mood])))


def _cut(line: Text) -> Text:
    """One line of at most ``MAX_COLUMNS`` columns: a longer one would tear the view."""
    line.plain = printable(line.plain)
    line.truncate(MAX_COLUMNS, overflow="ellipsis")
    return line

"""``tocsin demo``: posts through the whole pipeline, then a summary from the index."""

import importlib.resources
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from brands.brands_file import load_brands
from ingestors.files.source import ReplaySource
from ingestors.generator.accounts import brands as invented_brands
from runtime.clock import utc_now
from runtime.kafka.client import publish
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.kafka.protocols import OutgoingRecord
from runtime.kafka.reader import read_topic
from runtime.kafka.topic_stats import TopicLag
from runtime.service import stop_on_signals
from runtime.settings import KafkaSettings
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.codec import ALERT, DEAD_LETTER
from schemas.errors import ConfigurationError, InvalidMessage, TocsinError
from schemas.types import Tier
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from sinks.elasticsearch.indices.mappings import IndexNames
from tocsin.cli.demo_report import COLUMNS, counts_text, print_alerts, print_summary, shown_ids
from tocsin.cli.demo_summary import alerts_of, posts_of, summarise
from tocsin.cli.live_view import demo_lines, up_lines
from tocsin.cli.output import say
from tocsin.cli.screen import Screen, Watcher, local_now
from tocsin.cli.up import StackOption, check, cleared, interruptible, run_until
from tocsin.local.pipeline import (
    Command,
    LocalOptions,
    LocalPipeline,
    data_folder,
    service_commands,
)
from tocsin.local.tower_address import TowerAddress

PATIENCE_S: Final = 120.0
"""Seconds without progress after which the demo fails."""
TICK_S: Final = 0.2
SHOWN_POSTS: Final = 3
"""Posts shown for an alert."""


def demo(
    stack: StackOption = "auto",
    data: Annotated[
        Path | None, typer.Option(help="Replay this file instead of a generated day.")
    ] = None,
    mapping: Annotated[str | None, typer.Option(help="The mapping of its fields.")] = None,
    brands: Annotated[Path | None, typer.Option(help="A brands file for --data.")] = None,
    posts: Annotated[int, typer.Option(min=1, help="Number of generated posts.")] = 5_000,
    seed: Annotated[int, typer.Option(help="The same seed generates the same day.")] = 1,
    processors: Annotated[int, typer.Option(min=1, help="Number of processors, one per core.")] = 1,
    tier: Annotated[Tier, typer.Option(help="The models that read all posts.")] = "accurate",
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep everything running afterwards, until Ctrl-C.")
    ] = False,
    tower: Annotated[
        bool,
        typer.Option(help="The control tower; on a terminal it keeps serving until Ctrl-C."),
    ] = True,
) -> None:
    """Run a day of posts through the whole pipeline, print a summary, and serve the tower.

    Example: `tocsin demo --stack engines --keep`
    """
    began = time.monotonic()
    arguments, wanted = _source(data, mapping, posts, seed), _brands(data, brands)
    # No live detector: a day in seconds is too fast for it, and the alerts come from the index.
    commands = [
        Command("ingest", ["ingest", *arguments]),
        *service_commands(processors, detector=False, tier=tier),
    ]
    address = TowerAddress() if tower else None
    serves = keep or (tower and sys.stdout.isatty())
    if serves:
        commands.append(Command("alerts", ["sink", "alerts"], needs_index=True))
    if address is not None:
        commands.append(address.command)
    options = LocalOptions(
        stack,
        data_folder(f"demo-{stack}"),
        wanted,
        commands,
        fresh=True,
        short_lived=not keep,
        refuse_other_brands=stack == "external",
    )
    generated = posts if data is None else None
    with Screen() as screen, interruptible():
        pipeline = LocalPipeline(options, screen.say)
        total = partial(_total, pipeline, generated)
        screen.start(Watcher(pipeline, began).picture, lambda seen: demo_lines(seen, total()))
        with pipeline:
            stop = stop_on_signals()
            flow = _wait(pipeline, screen, stop.wait)
            screen.clear()
            if address is not None:
                address.wait()
            if not serves:
                pipeline.supervisor.terminate()  # they finish while the summary is made
            seconds = time.monotonic() - began
            alerts = _summarise(pipeline, flow, wanted, generated, tier)
            _print_time(flow, seconds, time.monotonic() - began)
            if serves:
                query = f'"{wanted[0].name}"' if data else "velmora NEAR/8 (down OR panne)"
                _keep(pipeline, screen, alerts, query, stop.wait, began, address)
            else:
                tell_next(screen.say, address is not None)


def _total(pipeline: LocalPipeline, generated: int | None) -> int | None:
    """Events of the whole day: about as many as posts, until the ingestor has finished."""
    if pipeline.supervisor.services and pipeline.supervisor.services[0].ended:
        return pipeline.flow.latest.value.written.get("posts", 0)
    return generated


def _keep(
    pipeline: LocalPipeline,
    screen: Screen,
    alerts: Sequence[Alert],
    query: str,
    stopped: Callable[[float], bool],
    began: float,
    address: TowerAddress | None,
) -> None:
    """Let everything run until Ctrl-C."""
    _publish_alerts(pipeline.kafka, alerts)
    pipeline.announce("tocsin demo --keep")
    tell_questions(screen.say, query)
    if address is not None:
        since, until = _days(pipeline)
        tell_tower(screen.say, address.link(f"/live?since={since}&until={until}"))
    screen.start(Watcher(pipeline, began).picture, lambda seen: up_lines(seen, local_now()))
    with cleared(screen):
        run_until(stopped, pipeline, screen)


def _days(pipeline: LocalPipeline) -> tuple[str, str]:
    """The whole days (UTC) of the mentions in the index, the newest thirty at most."""
    settings, names = pipeline.elasticsearch, IndexNames(pipeline.elasticsearch)
    ends = []
    with connect(settings) as client, elasticsearch_errors(settings):
        # By sorting: the embedded server has no minimum of a date.
        for order in ("asc", "desc"):
            found = client.search(index=names.mentions, size=1, sort=[{"created_at": order}])
            ends += [hit["sort"][0] for hit in found["hits"]["hits"]]
    first, last = (
        (datetime.fromtimestamp(at / 1000, UTC) for at in (ends[0], ends[-1]))
        if ends
        else (utc_now(), utc_now())
    )
    first = max(first, last - timedelta(days=30))
    return f"{first:%Y-%m-%dT00:00:00Z}", f"{last + timedelta(days=1):%Y-%m-%dT00:00:00Z}"


def _bundled(data: Path, folder: str) -> Path | None:
    name = data.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".csv")
    package = "ingestors" if folder == "mappings" else "tocsin"
    file = Path(str(importlib.resources.files(package))) / folder / f"{name}.yaml"
    return file if file.is_file() else None


def _source(data: Path | None, mapping: str | None, posts: int, seed: int) -> list[str]:
    if data is None:
        # Yesterday: the same seed gives the same day at any hour.
        start = f"{utc_now() - timedelta(days=1):%Y-%m-%d}"
        return ["generate", "--posts", str(posts), "--seed", str(seed), "--start", start]
    if not data.is_file():
        raise ConfigurationError(f"{data} is not a file; give --data a file of posts")
    bundled = _bundled(data, "mappings")
    chosen = mapping or (bundled.stem if bundled else None)
    # What keeps the file from being read is told before a stack is started for it.
    for note in ReplaySource(str(data), mapping=chosen).check():
        say(note)
    return ["replay", str(data.absolute()), *(["--mapping", chosen] if chosen else [])]


def _brands(data: Path | None, brands: Path | None) -> list[Brand]:
    if brands is not None:
        return load_brands(brands)
    if data is None:
        return invented_brands()
    bundled = _bundled(data, "brands")
    if bundled is None:
        raise ConfigurationError(f"{data.name} needs --brands brands.yaml (docs/brands.md)")
    return load_brands(bundled)


def _wait(pipeline: LocalPipeline, screen: Screen, stopped: Callable[[float], bool]) -> TopicLag:
    """Wait until all posts are handled; returns the final counts."""
    services = pipeline.supervisor.services
    ingest = services[0]
    finished_at = moved_at = time.monotonic()
    before: object = None
    while not stopped(TICK_S):
        check(pipeline, screen)
        failed = [service for service in services if service.ended and service.status]
        if failed:
            raise TocsinError(
                f"{failed[0].name} has ended: {failed[0].last_words()} (log: {failed[0].log})"
            )
        now, observed = time.monotonic(), pipeline.flow.latest
        if not ingest.ended:
            finished_at = now
        elif observed.at > finished_at and observed.value.idle:
            return observed.value
        if (current := (observed.value, pipeline.states.latest.value)) != before:
            moved_at, before = now, current
        if now - moved_at > PATIENCE_S:
            raise TocsinError(
                f"no progress for {PATIENCE_S:.0f} s; see the logs in {pipeline.supervisor.folder}"
            )
    raise KeyboardInterrupt


def _summarise(
    pipeline: LocalPipeline,
    flow: TopicLag,
    brands: Sequence[Brand],
    generated: int | None,
    tier: Tier,
) -> list[Alert]:
    """Print the summary; returns all states of the alerts."""
    settings, names = pipeline.elasticsearch, IndexNames(pipeline.elasticsearch)
    out = Console(highlight=False)
    out.width = min(out.width, COLUMNS)
    if why := nothing_to_show(flow, lambda: _first_detail(pipeline.kafka)):
        raise ConfigurationError(why)
    with connect(settings) as client, elasticsearch_errors(settings):
        client.indices.refresh(index=names.mentions_pattern)
        summary = summarise(client, names.mentions, brands)
        if not summary.mentions:
            raise ConfigurationError("no post that is left names a brand; see docs/brands.md")
        alerts = alerts_of(settings, brands)
        posts = [
            posts_of(client, names.mentions, shown_ids(alert)[:SHOWN_POSTS]) for alert in alerts
        ]
    out.rule(f"{summary.mentions:,} mentions of {len(summary.brands)} brands")
    print_summary(out, summary, None)
    print_alerts(out, alerts, posts, None)
    out.print()
    for line in counts_text(summary, flow, generated, tier):
        out.print(line, markup=False)
    return [state for alert in alerts for state in alert.states]


def nothing_to_show(flow: TopicLag, reason: Callable[[], str]) -> str | None:
    """A sentence if the index holds no mention: all is unreadable, or names no brand.

    ``reason``: looks up why the first row is a dead letter.
    """
    events, letters = flow.written.get("posts", 0), flow.written.get("dead-letters", 0)
    if not events and letters:
        return (
            f"all {letters:,} rows are dead letters, the first one since {reason()}; a --mapping "
            "says which column is what (docs/replay.md)"
        )
    if not events:
        return "there is no post in the file"
    # Not "mentions": that topic also has the deletes of posts that never named a brand.
    if not flow.written.get("activity"):
        return (
            f"no post names a brand: {events:,} posts were read, and the names and queries of the "
            "brands match none of them (docs/brands.md)"
        )
    return None


def _first_detail(kafka: KafkaSettings) -> str:
    for record in read_topic(kafka, "demo", DEAD_LETTERS):
        try:
            return DEAD_LETTER.decode(record.value or b"").detail
        except InvalidMessage:
            continue
    return "the reason is unknown"


def _publish_alerts(kafka: KafkaSettings, alerts: Sequence[Alert]) -> None:
    """The alerts on the screen are those that `tocsin alerts list` shows."""
    topic = kafka.topic_prefix + "alerts"
    records = (OutgoingRecord(topic, alert.brand.encode(), ALERT.encode(alert)) for alert in alerts)
    publish(kafka, "demo", records, "the alerts")


def _print_time(flow: TopicLag, worked_s: float, seconds: float) -> None:
    events = flow.written.get("posts", 0)
    Console(highlight=False).print(
        f"{seconds:.0f} s in all, {worked_s:.0f} s of them from the start of the servers to the "
        f"last of {events:,} events.",
        width=COLUMNS,
    )


def tell_tower(say: Callable[[str], None], link: str) -> None:
    say("")
    say("The control tower, in a browser on this machine (the link signs in once):")
    say(f"  {link}")
    say(f"Another link: {program()} tower link")


def tell_next(say: Callable[[str], None], tower: bool) -> None:
    name = program()
    if tower:
        say("")
        say("The control tower has answered. On a terminal the demo keeps it, with a link to it.")
    say("")
    say("What next?")
    for command, purpose in (
        ("demo --keep", "the same day, and it keeps running: ask it what you like"),
        ("init", "write a brands.yaml for brands of your own"),
        ("up", "listen to Bluesky for the brands of brands.yaml"),
    ):
        say(f"  {name} {command:<14}{purpose}")


def tell_questions(say: Callable[[str], None], query: str) -> None:
    name = program()
    say("")
    say("All of it keeps running until Ctrl-C. Ask it in another terminal, in this folder:")
    say(f'  eval "$({name} env)"')
    say(f"  {name} alerts list --status all")
    say(f"  {name} query preview --index {shlex.quote(query)}")


def program() -> str:
    """How the shell calls this program: by name where it is on the path, else by its file."""
    if shutil.which("tocsin"):
        return "tocsin"
    file = Path(sys.executable).with_name("tocsin")
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)

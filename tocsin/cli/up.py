"""``tocsin up``: a stack and all services in one terminal."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from brands.brands_file import load_brands
from runtime.limits.process_end import end_never
from runtime.service import stop_on_signals
from schemas.errors import ConfigurationError, ServiceUnavailable, TocsinError
from tocsin.cli.live_view import up_lines
from tocsin.cli.screen import Screen, Watcher, local_now
from tocsin.local.pipeline import (
    Command,
    LocalOptions,
    LocalPipeline,
    data_folder,
    service_commands,
)
from tocsin.local.stack import StackName
from tocsin.local.supervisor import Service
from tocsin.local.tower_address import TowerAddress

SOURCES = ("bluesky", "x", "generate")
TICK_S = 0.5
StackOption = Annotated[
    StackName,
    typer.Option(
        help="engines (real Kafka, Elasticsearch), embedded (real Kafka, a small Elasticsearch), "
        "auto (engines where a JDK 21 is found), or external (addresses from the settings)."
    ),
]


def up(
    stack: StackOption = "auto",
    brands: Annotated[Path, typer.Option(help="The brands file.")] = Path("brands.yaml"),
    source: Annotated[
        list[str] | None,
        typer.Option(help="bluesky, x, generate or none; may be repeated. The default is bluesky."),
    ] = None,
    processors: Annotated[int, typer.Option(min=1, help="Number of processors, one per core.")] = 1,
    pace_of_generated: Annotated[
        float,
        typer.Option("--pace", min=0.001, help="Pace of generate: 60 plays a minute in a second."),
    ] = 1.0,
    tower: Annotated[bool, typer.Option(help="The control tower, the web application.")] = True,
) -> None:
    """Start a stack and all services, show their status, and stop them on Ctrl-C.

    Example: `tocsin up --stack engines --brands brands.yaml --source bluesky`
    """
    sources = [name for name in source or ["bluesky"] if name != "none"]
    unknown = [name for name in sources if name not in SOURCES]
    if unknown:
        raise ConfigurationError(
            f"there is no source {unknown[0]}; choose from {', '.join(SOURCES)}"
        )
    began, wanted = time.monotonic(), load_brands(brands)
    pace = {"generate": ["--pace", str(pace_of_generated)]}
    ingestors = [Command(name, ["ingest", name, *pace.get(name, ())]) for name in sources]
    commands = [*ingestors, *service_commands(processors)]
    address = TowerAddress() if tower else None
    if address is not None:
        commands.append(address.command)
    options = LocalOptions(stack, data_folder(stack), wanted, commands)
    with Screen() as screen, interruptible():
        pipeline = LocalPipeline(options, screen.say)
        screen.start(Watcher(pipeline, began).picture, lambda seen: up_lines(seen, local_now()))
        with pipeline, cleared(screen):
            stop = stop_on_signals()
            pipeline.announce("tocsin up")
            tell_addresses(pipeline, screen.say)
            if address is not None:
                screen.say(f"the control tower (the link signs in once): {address.link('/live')}")
            run_until(stop.wait, pipeline, screen)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP interrupt what runs, until ``stop_on_signals`` takes them over."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    end_never([signal.SIGINT])  # the services and servers are stopped first, each in its time
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    yield


def tell_addresses(pipeline: LocalPipeline, say: Callable[[str], None]) -> None:
    say(f"Kafka {pipeline.kafka.bootstrap_servers}, Elasticsearch {pipeline.elasticsearch.url}")
    say(f"logs of the services: {pipeline.supervisor.folder}")
    say('other terminals: eval "$(tocsin env)", then any command, such as tocsin alerts list')


@contextlib.contextmanager
def cleared(screen: Screen) -> Iterator[None]:
    """Take the view away before the pipeline stops, and say why it does."""
    try:
        yield
    except TocsinError as error:
        screen.clear()
        screen.say(f"{error}")
        raise
    finally:
        screen.clear()
        screen.say("stopping")


def run_until(stopped: Callable[[float], bool], pipeline: LocalPipeline, screen: Screen) -> None:
    """Watch the pipeline until ``stopped`` (it waits for so many seconds).

    :raises ServiceUnavailable: a server of the stack has ended.
    :raises ConfigurationError: all services have ended, and not all of them well.
    """
    services = pipeline.supervisor.services
    while not stopped(TICK_S):
        check(pipeline, screen)
        if all(service.ended for service in services) and any(s.status for s in services):
            raise ConfigurationError(
                f"all services have ended; see their logs in {pipeline.supervisor.folder}"
            )


def check(pipeline: LocalPipeline, screen: Screen) -> None:
    """Restart and tell the services that died; raise if a server has ended."""
    if failure := pipeline.failure():
        raise ServiceUnavailable(failure)
    for line in ended_lines(pipeline.supervisor.watch()):
        screen.say(line)


def ended_lines(ended: Sequence[Service]) -> Iterator[str]:
    """A sentence on each service that has not ended well, with its last words."""
    for service in ended:
        if service.status:
            event = "ended" if service.ended else "died, restarting it"
            yield f"{service.name} {event} ({service.how_it_ended}): {service.last_words()}"

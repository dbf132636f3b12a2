"""``tocsin up``: a stack and all services in one terminal."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from brands.brands_file import load_brands
from runtime.kafka.lag import TopicLag
from runtime.service import stop_on_signals
from schemas.errors import ConfigurationError
from tocsin.cli.output import console, say
from tocsin.local.pipeline import LocalOptions, LocalPipeline, data_folder
from tocsin.local.stack import StackName
from tocsin.local.supervisor import Service

_SOURCES = ("bluesky", "x", "generate")
StackOption = Annotated[
    StackName,
    typer.Option(
        help="engines (real Kafka, Elasticsearch), embedded (real Kafka, a small Elasticsearch), "
        "auto (engines where a JDK 21 is found), or external (addresses from the settings)."
    ),
]


def status_of(flow: TopicLag, rate: str) -> dict[str, str]:
    handled = flow.written.get("mentions", 0) - flow.lag.get("mentions", 0)
    return {
        "posts/s": rate,
        "posts": str(flow.written.get("posts", 0)),
        "lag": str(sum(flow.lag.values())),
        "indexed": str(handled),
        "alerts": str(flow.written.get("alerts", 0)),
        "dead letters": str(flow.written.get("dead-letters", 0)),
    }


def status_table(status: dict[str, str], services: list[Service]) -> Table:
    table = Table(show_edge=False)
    for name in status:
        table.add_column(name, justify="right")
    table.add_column("services")
    states = [
        f"{service.name}{'' if service.running else ' (down)'}"
        + (f" x{service.restarts}" if service.restarts else "")
        for service in services
    ]
    table.add_row(*status.values(), ", ".join(states))
    return table


def status_line(status: dict[str, str]) -> str:
    return "  ".join(f"{name} {value}" for name, value in status.items())


def report_ended(ended: list[Service]) -> None:
    for service in ended:
        event = "ended" if service.ended else "died, restarting it"
        say(f"{service.name} {event} (status {service.status}): {service.last_words()}")


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
) -> None:
    """Start a stack and all services, show their status, and stop them on Ctrl-C.

    Example: `tocsin up --stack engines --brands brands.yaml --source bluesky`
    """
    sources = [name for name in source or ["bluesky"] if name != "none"]
    unknown = [name for name in sources if name not in _SOURCES]
    if unknown:
        raise ConfigurationError(
            f"there is no source {unknown[0]}; choose from {', '.join(_SOURCES)}"
        )
    wanted = load_brands(brands)
    stop, options = stop_on_signals(), LocalOptions(stack, data_folder(stack), processors)
    with LocalPipeline(options, say) as pipeline:
        pipeline.apply_brands(wanted)
        pipeline.start_services()
        for name in sources:
            pace = ["--pace", str(pace_of_generated)] if name == "generate" else []
            pipeline.start_ingest(name, [name, *pace])
        say(f"Kafka {pipeline.kafka.bootstrap_servers}, Elasticsearch {pipeline.elasticsearch.url}")
        plain, before, posts = not console.is_terminal, time.monotonic(), 0
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while not stop.wait(5.0 if plain else 1.0):
                report_ended(pipeline.supervisor.watch())
                flow = pipeline.meter.look()
                now, written = time.monotonic(), flow.written.get("posts", 0)
                status = status_of(flow, f"{(written - posts) / (now - before):.0f}")
                before, posts = now, written
                if plain:
                    say(status_line(status))
                else:
                    live.update(status_table(status, pipeline.supervisor.services), refresh=True)
        say("stopping")

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
from tocsin.local.stack.base import StackName
from tocsin.local.supervisor import Service

_SOURCES = ("bluesky", "x", "generate")


class Rates:
    """Posts a second, between one look and the next."""

    def __init__(self) -> None:
        self._before: tuple[float, int] | None = None

    def posts_per_second(self, flow: TopicLag) -> float:
        now, written = time.monotonic(), flow.written.get("posts", 0)
        before, self._before = self._before, (now, written)
        if before is None or now <= before[0]:
            return 0.0
        return (written - before[1]) / (now - before[0])


def status_of(flow: TopicLag, rate: float) -> dict[str, str]:
    """What an operator wants at a glance."""
    handled = flow.written.get("mentions", 0) - flow.lag.get("mentions", 0)
    return {
        "posts/s": f"{rate:.0f}",
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
    """Say which services ended, and why."""
    for service in ended:
        what = "ended" if service.ended else "died, starting it again"
        say(f"{service.name} {what} (status {service.status}): {service.last_words()}")


def up(
    stack: Annotated[
        str, typer.Option(help="embedded, engines, or external (addresses from the settings).")
    ] = "embedded",
    brands: Annotated[Path, typer.Option(help="Brands to listen for.")] = Path("brands.yaml"),
    source: Annotated[
        list[str] | None, typer.Option(help="bluesky, x, generate; may be repeated; or none.")
    ] = None,
    processors: Annotated[int, typer.Option(min=1, help="Processor processes, one a core.")] = 1,
    pace_of_generated: Annotated[
        float, typer.Option("--pace", min=0.001, help="Of generate: 60 is a minute a second.")
    ] = 1.0,
) -> None:
    """Start a stack and all services, show how they do, and stop all on Ctrl-C.

    Example: `tocsin up --stack engines --brands brands.yaml --source bluesky`
    """
    sources = [name for name in source or ["bluesky"] if name != "none"]
    unknown = [name for name in sources if name not in _SOURCES]
    if unknown:
        raise ConfigurationError(
            f"there is no source {unknown[0]}; known are {', '.join(_SOURCES)}"
        )
    wanted = load_brands(brands)
    if stack == "embedded":
        say("the embedded stack is for a first look: a kill can lose data; never for production")
    stop = stop_on_signals()
    with LocalPipeline(
        LocalOptions(as_stack(stack), data_folder(stack), processors), say
    ) as pipeline:
        pipeline.apply_brands(wanted)
        pipeline.start_services()
        for name in sources:
            pace = ["--pace", str(pace_of_generated)] if name == "generate" else []
            pipeline.start_ingest(name, [name, *pace])
        say(f"Kafka {pipeline.kafka.bootstrap_servers}, Elasticsearch {pipeline.elasticsearch.url}")
        rates = Rates()
        plain = not console.is_terminal
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while not stop.wait(5.0 if plain else 1.0):
                report_ended(pipeline.supervisor.watch())
                flow = pipeline.look()
                status = status_of(flow, rates.posts_per_second(flow))
                if plain:
                    say(status_line(status))
                else:
                    live.update(status_table(status, pipeline.supervisor.services), refresh=True)
        say("stopping")


def as_stack(name: str) -> StackName:
    if name not in ("embedded", "engines", "external"):
        raise ConfigurationError(f"there is no stack {name}; take embedded, engines or external")
    return name  # type: ignore[return-value]

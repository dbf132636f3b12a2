"""``tocsin demo``: posts through the whole pipeline, then a summary from the index."""

import importlib.resources
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from brands.brands_file import load_brands
from brands.registry import current_brands
from ingestors.generator.accounts import brands as invented_brands
from processors.detector.backtest import BacktestAlert, backtest_alerts, replay
from runtime.clock import utc_now
from runtime.kafka.lag import TopicLag
from runtime.service import stop_on_signals
from runtime.settings import ElasticsearchSettings
from schemas.brand import Brand
from schemas.errors import ConfigurationError, TocsinError
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from sinks.elasticsearch.mappings import IndexNames
from tocsin.cli import demo_summary as summary
from tocsin.cli.output import console, say
from tocsin.cli.up import StackOption, report_ended, status_line, status_of
from tocsin.local.pipeline import LocalOptions, LocalPipeline, data_folder
from tocsin.local.supervisor import Service
from tocsin.offline.activity_history import records_of_index

_PATIENCE_S = 120.0
"""Seconds without progress after which the demo fails."""


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
        raise ConfigurationError(f"{data} is not a file; give --data a file of JSON lines or CSV")
    bundled = _bundled(data, "mappings")
    chosen = mapping or (bundled.stem if bundled else None)
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


def _wait(pipeline: LocalPipeline, ingest: Service, stop: Event) -> TopicLag:
    moved, before = time.monotonic(), TopicLag()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("starting", total=None)
        last_line = 0.0
        while True:
            report_ended([s for s in pipeline.supervisor.watch() if s is not ingest or s.status])
            flow = pipeline.meter.look()
            if flow != before:
                moved, before = time.monotonic(), flow
            text = status_line(status_of(flow, "-"))
            written, lag = flow.written.get("posts", 0), sum(flow.lag.values())
            progress.update(task, description=text, total=max(1, written), completed=written - lag)
            if not console.is_terminal and time.monotonic() - last_line > 5:
                say(text)
                last_line = time.monotonic()
            failed = [s for s in pipeline.supervisor.services if s.ended and s.status]
            if failed:
                raise TocsinError(f"{failed[0].name} ended: {failed[0].last_words()}")
            if ingest.ended and flow.idle and pipeline.meter.look() == flow:
                return flow
            if time.monotonic() - moved > _PATIENCE_S:
                raise TocsinError(
                    f"no progress for {_PATIENCE_S:.0f} s; see the logs in "
                    f"{pipeline.supervisor.folder}"
                )
            if stop.wait(0.3):
                raise KeyboardInterrupt


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
) -> None:
    """Run a day of posts through the whole pipeline and print a summary from the index.

    Example: `tocsin demo --stack engines`
    """
    arguments, wanted = _source(data, mapping, posts, seed), _brands(data, brands)
    stop = stop_on_signals()
    began = time.monotonic()
    options = LocalOptions(stack, data_folder(f"demo-{stack}"), processors, fresh=True)
    with LocalPipeline(options, say) as pipeline:
        if stack == "external":
            _refuse_to_mix(pipeline, wanted)
        pipeline.apply_brands(wanted)
        pipeline.start_services()
        ingest = pipeline.start_ingest("ingest", arguments)
        flow = _wait(pipeline, ingest, stop)
        _summarise(pipeline, flow, wanted, time.monotonic() - began)


def _refuse_to_mix(pipeline: LocalPipeline, wanted: Sequence[Brand]) -> None:
    present = current_brands(pipeline.kafka).keys()
    if present - {brand.id for brand in wanted}:
        raise ConfigurationError(
            "the cluster has other brands; set TOCSIN_KAFKA_TOPIC_PREFIX, "
            "TOCSIN_KAFKA_GROUP_PREFIX and TOCSIN_ELASTICSEARCH_INDEX_PREFIX for the demo"
        )


def _show_alerts(settings: ElasticsearchSettings, brands: Sequence[Brand], out: Console) -> None:
    """Run the detector over the index: a day in a minute is too fast for the live detector."""
    first, end = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    alerts: list[BacktestAlert] = []
    for brand in brands:
        records = records_of_index(settings, brand.id, first, end)
        alerts += backtest_alerts(replay(records, [brand]))
    out.print()
    out.print(f"Alerts of that day: {len(alerts)}", style="bold")
    for alert in sorted(alerts, key=lambda alert: alert.opened_at):
        worst = max(alert.states, key=lambda state: state.severity)
        terms = ", ".join(lift.term for lift in worst.evidence.lifted[:4])
        out.print(
            f"{alert.opened_at:%H:%M} severity {alert.severity} {worst.title}"
            + f" ({terms})" * bool(terms),
            markup=False,
        )


def _summarise(
    pipeline: LocalPipeline, flow: TopicLag, brands: Sequence[Brand], seconds: float
) -> None:
    names, out = IndexNames(pipeline.elasticsearch), Console(highlight=False, soft_wrap=True)
    with connect(pipeline.elasticsearch) as client, elasticsearch_errors(pipeline.elasticsearch):
        client.indices.refresh(index=names.mentions_pattern)
        count = client.count(index=names.mentions)["count"]
        out.rule(f"{count} mentions of {len(brands)} brands")
        summary.show(client, names.mentions, out)
    _show_alerts(pipeline.elasticsearch, brands, out)
    out.print()
    out.print(
        f"{flow.written['posts']} post events read, {flow.written['mentions']} mention events "
        f"written, {count} mentions found by search, {flow.written['dead-letters']} dead letters, "
        f"{seconds:.0f} s in all."
    )
    if not count:
        raise TocsinError("the index holds no mentions; see the logs of the services")

"""``tocsin demo``: real posts through the whole pipeline, and what the index then answers."""

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
from tocsin.cli.up import as_stack, report_ended, status_line, status_of
from tocsin.local.pipeline import LocalOptions, LocalPipeline, data_folder
from tocsin.local.supervisor import Service
from tocsin.offline.activity_history import records_of_index

_PATIENCE_S = 120.0
"""Seconds without any movement after which the demo gives up."""


def _bundled(data: Path, folder: str) -> Path | None:
    """Our file of that kind for a data set that we know, by its name."""
    name = data.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".csv")
    package = "ingestors" if folder == "mappings" else "tocsin"
    file = Path(str(importlib.resources.files(package))) / folder / f"{name}.yaml"
    return file if file.is_file() else None


def _source(data: Path | None, mapping: str | None, posts: int, seed: int) -> list[str]:
    if data is None:
        # Yesterday, so that the same seed tells the same story at any hour.
        start = f"{utc_now() - timedelta(days=1):%Y-%m-%d}"
        return ["generate", "--posts", str(posts), "--seed", str(seed), "--start", start]
    if not data.is_file():
        raise ConfigurationError(f"{data} is no file; give DATA=path of JSON lines or CSV")
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
        raise ConfigurationError(
            f"whose mentions are in {data.name}? give --brands brands.yaml (docs/brands.md)"
        )
    return load_brands(bundled)


def _wait(pipeline: LocalPipeline, ingest: Service, stop: Event) -> TopicLag:
    """Wait until everything that was read is searchable, showing how it goes."""
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
            flow = pipeline.look()
            if flow != before:
                moved, before = time.monotonic(), flow
            text = status_line(status_of(flow, 0) | {"posts/s": "-"})
            written, lag = flow.written.get("posts", 0), sum(flow.lag.values())
            progress.update(task, description=text, total=max(1, written), completed=written - lag)
            if not console.is_terminal and time.monotonic() - last_line > 5:
                say(text)
                last_line = time.monotonic()
            failed = [s for s in pipeline.supervisor.services if s.ended and s.status]
            if failed:
                raise TocsinError(f"{failed[0].name} ended: {failed[0].last_words()}")
            if ingest.ended and flow.idle and pipeline.look() == flow:
                return flow
            if time.monotonic() - moved > _PATIENCE_S:
                raise TocsinError(
                    f"nothing moved for {_PATIENCE_S:.0f} s; look at {pipeline.supervisor.folder}"
                )
            if stop.wait(0.3):
                raise KeyboardInterrupt


def demo(
    stack: Annotated[
        str, typer.Option(help="embedded, engines, or external (addresses from the settings).")
    ] = "embedded",
    data: Annotated[
        Path | None, typer.Option(help="Replay this file instead of an invented day.")
    ] = None,
    mapping: Annotated[str | None, typer.Option(help="How its fields are called.")] = None,
    brands: Annotated[Path | None, typer.Option(help="Brands to find in it.")] = None,
    posts: Annotated[int, typer.Option(min=1, help="Posts of the invented day.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Which day to invent.")] = 1,
    processors: Annotated[int, typer.Option(min=1, help="Processor processes.")] = 1,
) -> None:
    """Run a day of posts through the whole pipeline and print what the index answers.

    Example: `tocsin demo --stack engines`
    """
    arguments, wanted = _source(data, mapping, posts, seed), _brands(data, brands)
    stop = stop_on_signals()
    began = time.monotonic()
    wish = LocalOptions(as_stack(stack), data_folder(f"demo-{stack}"), processors, fresh=True)
    with LocalPipeline(wish, say) as pipeline:
        if stack == "external":
            _refuse_to_mix(pipeline, wanted)
        pipeline.apply_brands(wanted)
        pipeline.start_services()
        ingest = pipeline.start_ingest("ingest", arguments)
        flow = _wait(pipeline, ingest, stop)
        _summarise(pipeline, flow, wanted, time.monotonic() - began)


def _refuse_to_mix(pipeline: LocalPipeline, wanted: Sequence[Brand]) -> None:
    """A demo must not replace the brands of a cluster that somebody works with."""
    present = current_brands(pipeline.kafka).keys()
    if present - {brand.id for brand in wanted}:
        raise ConfigurationError(
            "that cluster listens for brands of its own; give the demo names of its own with "
            "TOCSIN_KAFKA_TOPIC_PREFIX, TOCSIN_KAFKA_GROUP_PREFIX and "
            "TOCSIN_ELASTICSEARCH_INDEX_PREFIX"
        )


def _show_alerts(settings: ElasticsearchSettings, brands: Sequence[Brand], out: Console) -> None:
    """The alerts of the day: the detector over the index, since a day in a minute is no stream."""
    first, end = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    alerts: list[BacktestAlert] = []
    for brand in brands:
        records = records_of_index(settings, brand.id, first, end)
        alerts += backtest_alerts(replay(records, [brand]))
    out.print()
    out.print(
        f"Alerts that the detector would have raised on that day: {len(alerts)}", style="bold"
    )
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
        f"{seconds:.0f} s from nothing to here."
    )
    if not count:
        raise TocsinError("the index holds no mention; look at the services' logs")

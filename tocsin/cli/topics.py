"""``tocsin topics``: the topics of the registry and of the cluster."""

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import ConfigurationError
from schemas.topic_registry import Topic, topics
from tocsin.cli.output import FormatOption, counted, say, write_rows
from tocsin.cli.row_writers import Row

if TYPE_CHECKING:
    from runtime.kafka.topic_configs import Difference
    from runtime.kafka.topic_stats import TopicStats
    from runtime.settings import KafkaSettings

COLUMNS = ("topic", "state", "partitions", "records", "size", "bytes", "kept", "description")
TEXT_COLUMNS = ("topic", "state", "partitions", "records", "size", "kept")
REGISTRY = ("topic", "partitions", "kept", "description")
_DAY_MS = 86_400_000

app = typer.Typer(no_args_is_help=True, help="Create and list the Kafka topics.")


@app.command("setup")
def setup(
    repair: Annotated[
        bool, typer.Option("--repair", help="Give existing topics the settings of the registry.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Repair without the question.")] = False,
) -> None:
    """Create missing topics, and say where existing ones differ from the registry.

    Existing topics stay as they are without --repair. A longer retention or a larger limit
    than the registry's is accepted.

    Example: `TOCSIN_KAFKA_REPLICATION=3 tocsin topics setup`
    """
    from runtime.kafka.client import admin, setup_topics, topic_differences
    from runtime.settings import KafkaSettings, load

    settings = load(KafkaSettings)
    created = setup_topics(settings, topics().values())
    for name in created:
        say(f"created {name}")
    with admin(settings) as client:
        found = topic_differences(client, settings.topic_prefix, topics().values())
    differing = {name: those for name, those in found.items() if those}
    for name, those in differing.items():
        for each in those:
            say(f"{name} {each.text}")
    if differing:
        _repair(settings, differing, repair, yes)
    elif not created:
        say("all topics exist, with the settings of the registry")


def _repair(
    settings: "KafkaSettings",
    differing: "Mapping[str, list[Difference]]",
    repair: bool,
    yes: bool,
) -> None:
    """Correct the settings, or say how."""
    from runtime.kafka.client import repair_topics
    from runtime.kafka.topic_configs import command

    count = sum(map(len, differing.values()))
    if not repair:
        for name, those in differing.items():
            wanted = {each.setting: each.wanted for each in those}
            say(f"  {command(name, wanted, settings.bootstrap_servers)}")
        say(f"{counted(count, 'setting')} differ: 'tocsin topics setup --repair' corrects them")
        return
    question = f"Change {counted(count, 'setting')} of {counted(len(differing), 'topic')}?"
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError(f"{question} Repeat the command with --yes")
        typer.confirm(question, abort=True, err=True)
    for name in repair_topics(settings, differing):
        say(f"repaired {name}")


@app.command("list")
def list_(format: FormatOption = "text") -> None:
    """List the topics: partitions, records, size and retention, as the cluster has them.

    If Kafka cannot be reached, it is the registry: what 'tocsin topics setup' would create. Records
    are the offsets that a topic spans; compaction leaves fewer.

    Example: `tocsin topics list`
    """
    from runtime.kafka.topic_stats import is_reachable, topic_stats
    from runtime.settings import KafkaSettings, load

    settings, registry = load(KafkaSettings), topics()
    stats = topic_stats(settings, registry) if is_reachable(settings) else None
    if stats is None:
        say(
            f"Kafka at {settings.bootstrap_servers} does not answer; this is the registry, not the "
            "cluster"
        )
    rows = topic_rows(registry, settings.topic_prefix, stats)
    columns = COLUMNS if format != "text" else TEXT_COLUMNS if stats is not None else REGISTRY
    chosen = [COLUMNS.index(name) for name in columns]
    write_rows(([row[number] for number in chosen] for row in rows), columns, format)
    missing = [] if stats is None else [name for name in registry if name not in stats]
    if missing:
        say(f"{counted(len(missing), 'topic')} missing: run 'tocsin topics setup'")


def topic_rows(
    registry: Mapping[str, Topic], prefix: str, stats: "Mapping[str, TopicStats] | None"
) -> Iterator[Row]:
    """A row of ``COLUMNS`` for each topic; ``stats`` None: the cluster is not known."""
    for name, topic in registry.items():
        kept = kept_as(
            None if topic.retention_days is None else int(topic.retention_days * _DAY_MS),
            topic.cleanup == "compact",
        )
        found = None if stats is None else stats.get(name)
        if found is not None:
            kept = kept_as(found.retention_ms, found.compacted)
        yield (
            prefix + name,
            "unknown" if stats is None else "missing" if found is None else "exists",
            topic.partitions if found is None else found.partitions,
            None if found is None else found.records,
            None if found is None or found.size is None else f"{found.size / 1e6:,.1f} MB",
            None if found is None else found.size,
            kept,
            topic.description,
        )


def kept_as(retention_ms: int | None, compacted: bool) -> str:
    """``compacted``, ``7 days`` or ``for good``."""
    if compacted:
        return "compacted"
    return "for good" if retention_ms is None else f"{retention_ms / _DAY_MS:g} days"

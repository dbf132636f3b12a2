"""``tocsin topics``: the topics of the registry."""

import typer

from runtime.kafka.client import setup_topics
from runtime.settings import KafkaSettings, load
from schemas.topic_registry import topics
from tocsin.cli.output import result, say

app = typer.Typer(no_args_is_help=True, help="Create and list the Kafka topics.")


@app.command("setup")
def setup() -> None:
    """Create missing topics. Existing topics stay as they are.

    Example: `TOCSIN_KAFKA_REPLICATION=3 tocsin topics setup`
    """
    created = setup_topics(load(KafkaSettings), topics().values())
    for name in created:
        say(f"created {name}")
    if not created:
        say("all topics exist")


@app.command("list")
def list_() -> None:
    """List the topics of the registry, their partitions, their retention and their content.

    Example: `tocsin topics list`
    """
    prefix = load(KafkaSettings).topic_prefix
    for topic in topics().values():
        kept = "compacted" if topic.cleanup == "compact" else f"{topic.retention_days:g} days"
        result(f"{prefix}{topic.name}\t{topic.partitions} partitions\t{kept}\t{topic.description}")

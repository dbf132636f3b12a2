"""``tocsin topics``: the topics of the registry."""

import typer

from schemas.topic_registry import topics
from tocsin.cli.output import FormatOption, say, write_rows

app = typer.Typer(no_args_is_help=True, help="Create and list the Kafka topics.")


@app.command("setup")
def setup() -> None:
    """Create missing topics. Existing topics stay as they are.

    Example: `TOCSIN_KAFKA_REPLICATION=3 tocsin topics setup`
    """
    from runtime.kafka.client import setup_topics
    from runtime.settings import KafkaSettings, load

    created = setup_topics(load(KafkaSettings), topics().values())
    for name in created:
        say(f"created {name}")
    if not created:
        say("all topics exist")


@app.command("list")
def list_(format: FormatOption = "text") -> None:
    """List the topics of the registry, their partitions, their retention and their content.

    Example: `tocsin topics list`
    """
    from runtime.settings import KafkaSettings, load

    prefix = load(KafkaSettings).topic_prefix
    rows = [
        (
            f"{prefix}{topic.name}",
            topic.partitions,
            "compacted" if topic.cleanup == "compact" else f"{topic.retention_days:g} days",
            topic.description,
        )
        for topic in topics().values()
    ]
    write_rows(rows, ("topic", "partitions", "kept", "description"), format)

"""``tocsin checkpoints``: the resume positions of sources."""

from typing import Annotated

import typer

from ingestors.checkpoints import TOPIC
from runtime.kafka.client import publish
from runtime.kafka.protocols import OutgoingRecord
from runtime.kafka.reader import latest_values
from runtime.settings import KafkaSettings, load
from tocsin.cli.output import result, say

app = typer.Typer(no_args_is_help=True, help="List and reset the resume positions of sources.")


@app.command("list")
def list_() -> None:
    """Print the resume position of every source, one JSON object per line.

    Example: `tocsin checkpoints list`
    """
    values = latest_values(load(KafkaSettings), "checkpoints", TOPIC)
    for _, value in sorted(values.items()):
        result(value.decode("utf-8", "replace"))


@app.command("reset")
def reset(
    source_id: Annotated[str, typer.Argument(help="A source id from `tocsin checkpoints list`.")],
) -> None:
    """Delete the resume position of a source, which then starts afresh. Stop its ingestor first.

    Example: `tocsin checkpoints reset bluesky`
    """
    settings = load(KafkaSettings)
    record = OutgoingRecord(settings.topic_prefix + TOPIC, source_id.encode(), None)
    publish(settings, "checkpoints", [record], "the reset")
    say(f"{source_id} will start afresh")

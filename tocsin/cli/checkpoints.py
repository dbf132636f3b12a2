"""``tocsin checkpoints``: where sources resume."""

import typer

from ingestors.checkpoints import TOPIC
from runtime.kafka.client import publish
from runtime.kafka.protocols import OutgoingRecord
from runtime.kafka.reader import latest_values
from runtime.settings import KafkaSettings, load
from tocsin.cli.output import result, say

app = typer.Typer(no_args_is_help=True, help="Where sources resume.")


@app.command("list")
def list_() -> None:
    """Print every source's checkpoint, one JSON object a line."""
    values = latest_values(load(KafkaSettings), "checkpoints", TOPIC)
    for _, value in sorted(values.items()):
        result(value.decode("utf-8", "replace"))


@app.command("reset")
def reset(source_id: str) -> None:
    """Forget where a source is; it starts afresh. Stop its ingestor first.

    Example: `tocsin checkpoints reset bluesky`
    """
    settings = load(KafkaSettings)
    record = OutgoingRecord(settings.topic_prefix + TOPIC, source_id.encode(), None)
    publish(settings, "checkpoints", [record], "the reset")
    say(f"{source_id} will start afresh")

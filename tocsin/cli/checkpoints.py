"""``tocsin checkpoints``: where sources resume."""

import typer
from kafka.errors import KafkaError

from ingestors.checkpoints import TOPIC
from runtime.kafka import client as kafka
from runtime.settings import KafkaSettings, load
from schemas.errors import ServiceUnavailable
from tocsin.cli.output import result, say

app = typer.Typer(no_args_is_help=True, help="Where sources resume.")


@app.command("list")
def list_() -> None:
    """Print every source's checkpoint, one JSON object a line."""
    found = kafka.latest_values(load(KafkaSettings), "checkpoints", TOPIC)
    for _, value in sorted(found.items()):
        result(value.decode("utf-8", "replace"))


@app.command("reset")
def reset(source_id: str) -> None:
    """Forget where a source is; it starts afresh. Stop its ingestor first.

    Example: `tocsin checkpoints reset bluesky`
    """
    settings = load(KafkaSettings)
    producer = kafka.producer(settings, "checkpoints", delivery_timeout_s=30)
    try:
        producer.send(settings.topic_prefix + TOPIC, key=source_id.encode(), value=None).get(30)
    except KafkaError as error:
        raise ServiceUnavailable(f"Kafka did not take the reset ({error!r}); try again") from None
    finally:
        producer.close(timeout=5)
    say(f"{source_id} will start afresh")

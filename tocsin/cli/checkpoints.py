"""``tocsin checkpoints``: the resume positions of sources."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from schemas.codec import CHECKPOINT
from schemas.errors import InvalidMessage
from tocsin.cli.output import FormatOption, say, write_rows
from tocsin.cli.row_writers import Row

app = typer.Typer(no_args_is_help=True, help="List and reset the resume positions of sources.")


@app.command("list")
def list_(format: FormatOption = "text") -> None:
    """List the resume position of every source: its id, its posts so far, the position.

    Example: `tocsin checkpoints list`
    """
    from ingestors.checkpoints import TOPIC
    from runtime.kafka.reader import latest_values
    from runtime.settings import KafkaSettings, load

    values = latest_values(load(KafkaSettings), "checkpoints", TOPIC)
    columns = ("source_id", "saved_at", "posts", "position")
    write_rows(checkpoint_rows(values), columns, format, empty="no source has a checkpoint yet")


def checkpoint_rows(values: Mapping[bytes, bytes]) -> Iterator[Row]:
    """The rows of the list, by source; an unreadable checkpoint is shown as it is."""
    for key, value in sorted(values.items()):
        try:
            checkpoint = CHECKPOINT.decode(value)
        except InvalidMessage:
            yield key.decode("utf-8", "replace"), None, None, value.decode("utf-8", "replace")
        else:
            yield checkpoint.source_id, checkpoint.saved_at, checkpoint.posts, checkpoint.position


@app.command("reset")
def reset(
    source_id: Annotated[str, typer.Argument(help="A source id from `tocsin checkpoints list`.")],
) -> None:
    """Delete the resume position of a source, which then starts afresh. Stop its ingestor first.

    Example: `tocsin checkpoints reset bluesky`
    """
    from ingestors.checkpoints import TOPIC
    from runtime.kafka.client import publish
    from runtime.kafka.protocols import OutgoingRecord
    from runtime.settings import KafkaSettings, load

    settings = load(KafkaSettings)
    record = OutgoingRecord(settings.topic_prefix + TOPIC, source_id.encode(), None)
    publish(settings, "checkpoints", [record], "the reset")
    say(f"{source_id} will start afresh")

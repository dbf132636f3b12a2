"""``tocsin checkpoints``: the resume positions of sources."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from schemas.codec import CHECKPOINT
from schemas.errors import ConfigurationError, InvalidMessage
from text.spelling import did_you_mean
from tocsin.cli.confirm import YesOption, confirm
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
    yes: YesOption = False,
) -> None:
    """Delete the resume position of a source, which then starts afresh. Stop its ingestor first.

    It asks first, or needs --yes where nobody can answer.

    Example: `tocsin checkpoints reset bluesky`
    """
    from ingestors.checkpoints import TOPIC
    from runtime.kafka.client import publish
    from runtime.kafka.protocols import OutgoingRecord
    from runtime.kafka.reader import latest_values
    from runtime.settings import KafkaSettings, load

    settings = load(KafkaSettings)
    known(source_id, latest_values(settings, "checkpoints", TOPIC))
    confirm(f"Forget the position of {source_id}? A live source then goes on with now.", yes)
    record = OutgoingRecord(settings.topic_prefix + TOPIC, source_id.encode(), None)
    publish(settings, "checkpoints", [record], "the reset")
    say(f"{source_id} will start afresh")


def known(source_id: str, values: Mapping[bytes, bytes]) -> None:
    """Raise :class:`ConfigurationError` unless the source has a checkpoint."""
    names = sorted(key.decode("utf-8", "replace") for key in values)
    if source_id not in names:
        hint = did_you_mean(source_id, names) if names else "no source has one yet"
        raise ConfigurationError(f"there is no checkpoint of {source_id}; {hint}")

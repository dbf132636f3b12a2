"""Reads the resume position of a source from the compacted ``checkpoints`` topic."""

from ingestors.source import bad_checkpoint
from runtime.kafka.reader import latest_values
from runtime.settings import KafkaSettings
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT
from schemas.errors import InvalidMessage

TOPIC = "checkpoints"


def load_checkpoint(settings: KafkaSettings, source_id: str) -> Checkpoint | None:
    value = latest_values(settings, "checkpoints", TOPIC).get(source_id.encode())
    if value is None:
        return None
    try:
        return CHECKPOINT.decode(value)
    except InvalidMessage as error:
        # Starting over silently would hide a gap or repeat a year of posts.
        raise bad_checkpoint(source_id, f"cannot be read ({error.detail})") from None

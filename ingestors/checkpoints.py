"""Where a source resumes, kept on the compacted ``checkpoints`` topic."""

from ingestors.source import SourceError
from runtime.kafka.reader import latest_values
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT
from schemas.errors import InvalidMessage

TOPIC = "checkpoints"
log = get_logger("ingest")


def load_checkpoint(settings: KafkaSettings, source_id: str) -> Checkpoint | None:
    """The source's last checkpoint, or None if it never had one."""
    value = latest_values(settings, "checkpoints", TOPIC).get(source_id.encode())
    if value is None:
        return None
    try:
        return CHECKPOINT.decode(value)
    except InvalidMessage as error:
        # Our own corruption: starting over silently would hide a gap or repeat a year.
        raise SourceError(
            f"the checkpoint of {source_id} cannot be read ({error.detail}); run "
            f"'tocsin checkpoints reset {source_id}' to start it afresh"
        ) from None

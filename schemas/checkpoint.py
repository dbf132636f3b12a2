"""Where a source resumes after a restart."""

from typing import Annotated, Any

from msgspec import Meta

from schemas.types import Count, Message, Time


class Checkpoint(Message, kw_only=True):
    """A source's position (topic ``checkpoints``, compacted, key: ``source_id``).

    Written only after Kafka acknowledged every event up to it.
    """

    source_id: Annotated[str, Meta(min_length=1)]
    position: Annotated[
        dict[str, Any], Meta(description="The source's own, opaque to everyone else.")
    ] = {}
    saved_at: Time
    posts: Annotated[Count, Meta(description="Events acknowledged since the source was new.")] = 0

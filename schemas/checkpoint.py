"""Where a source resumes after a restart."""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from schemas.types import Count, Time


class Checkpoint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source's position (topic ``checkpoints``, compacted, key: ``source_id``).

    Written only after Kafka acknowledged every event up to it.
    """

    source_id: Annotated[str, Meta(min_length=1)]
    position: Annotated[
        dict[str, Any], Meta(description="The source's own, opaque to everyone else.")
    ] = field(default_factory=dict)
    saved_at: Time
    posts: Annotated[Count, Meta(description="Events acknowledged since the source was new.")] = 0

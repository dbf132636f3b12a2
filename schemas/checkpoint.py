"""The resume position of a source."""

from typing import Annotated, Any

from msgspec import Meta

from schemas.types import Count, Message, Time


class Checkpoint(Message, kw_only=True):
    """A source's resume position (topic ``checkpoints``, compacted, key: ``source_id``).

    Written only after Kafka has acknowledged every event before it.
    """

    source_id: Annotated[str, Meta(min_length=1)]
    position: Annotated[dict[str, Any], Meta(description="Private to the source.")] = {}
    saved_at: Time
    posts: Annotated[Count, Meta(description="Events acknowledged since the first start.")] = 0
    coverage: Annotated[
        list[dict[str, Any]],
        Meta(
            description="Intervals of `coverage` that were not over, or not made up for: the next "
            "start ends them."
        ),
    ] = []

"""The snapshot of a detector's state, from which it resumes after a restart."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.types import Count, Message, Time


class DetectorSnapshot(Message, kw_only=True):
    """The state of a brand or of a partition (topic ``detector-state``, compacted, key: ``brand``).

    Written before its records are acknowledged: the last snapshot and the records from its offset
    on are the whole state. A partition's snapshot is written after those of its brands and lists
    them, so a lost one is noticed and rebuilt.
    """

    brand: Annotated[str, Meta(min_length=1, description="Brand id, or `partition:` and a number.")]
    partition: Annotated[
        Count, Meta(description="Partition of `activity` with the brand's records.")
    ]
    offset: Annotated[Count, Meta(description="Offset of the first record that the state lacks.")]
    saved_at: Time
    format: Annotated[
        Count, Meta(description="Version of the state's format; another one is rebuilt.")
    ]
    state: Annotated[bytes, Meta(description="Private to the detector: MessagePack, zstd.")]
    kind: Annotated[Literal["brand", "partition"], Meta(description="Scope of the state.")] = (
        "brand"
    )

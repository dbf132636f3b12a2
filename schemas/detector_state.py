"""What a detector knows of one brand, so that a restart goes on where it was."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.types import Count, Message, Time


class DetectorSnapshot(Message, kw_only=True):
    """The state of a brand or of a partition (topic ``detector-state``, compacted, key: ``brand``).

    Written before the records that it holds are acknowledged, so that the last one and the records
    behind its offset are all that there is to know. A partition's comes behind those of its brands
    and says which there have to be: what was lost of them is noticed, and rebuilt.
    """

    brand: Annotated[str, Meta(min_length=1, description="Brand id, or `partition:` and a number.")]
    partition: Annotated[Count, Meta(description="Of `activity`, that the brand's records are in.")]
    offset: Annotated[Count, Meta(description="Of the last record that the state holds, plus one.")]
    saved_at: Time
    format: Annotated[Count, Meta(description="Of the state; one of another is rebuilt.")]
    state: Annotated[bytes, Meta(description="The detector's own: MessagePack, zstd.")]
    kind: Annotated[Literal["brand", "partition"], Meta(description="What it is the state of.")] = (
        "brand"
    )

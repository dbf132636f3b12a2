"""What a detector knows of one brand, so that a restart goes on where it was."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.types import Count, Time


class DetectorSnapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A brand's state (topic ``detector-state``, compacted, key: ``brand``).

    Written before the records that it holds are acknowledged, so that the last one and the records
    behind its offset are all that there is to know.
    """

    brand: Annotated[str, Meta(min_length=1, description="Brand id.")]
    partition: Annotated[Count, Meta(description="Of `activity`, that the brand's records are in.")]
    offset: Annotated[Count, Meta(description="Of the last record that the state holds, plus one.")]
    saved_at: Time
    format: Annotated[Count, Meta(description="Of the state; another one begins anew.")]
    state: Annotated[bytes, Meta(description="The detector's own: MessagePack, zstd.")]

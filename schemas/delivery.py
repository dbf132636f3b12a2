"""What a channel was told of an alert, so that a replay tells nobody twice."""

from typing import Annotated

from msgspec import Meta

from schemas.alert import Status
from schemas.types import Message, Time, Version


class AlertDelivery(Message, kw_only=True):
    """The last state that a channel took (topic ``alert-deliveries``, compacted, key:
    ``channel|alert_id``).

    Written only after the channel said that it has it.
    """

    channel: Annotated[str, Meta(min_length=1)]
    alert_id: Annotated[str, Meta(min_length=1)]
    version: Annotated[Version, Meta(description="Of the state; older ones are not told any more.")]
    status: Status
    at: Annotated[Time, Meta(description="When the channel took it.")]
    repeat: Annotated[
        str | None, Meta(description="What an Alertmanager is sent again while the alert is open.")
    ] = None

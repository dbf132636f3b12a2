"""The last alert state that a channel took, so a replay does not send it twice."""

from typing import Annotated

from msgspec import Meta

from schemas.alert import Status
from schemas.types import Message, Time, Version


class AlertDelivery(Message, kw_only=True):
    """The last state that a channel took (topic ``alert-deliveries``, compacted, key:
    ``channel|alert_id``).

    Written only after the channel has confirmed it.
    """

    channel: Annotated[str, Meta(min_length=1)]
    alert_id: Annotated[str, Meta(min_length=1)]
    version: Annotated[
        Version, Meta(description="Version of the state; older states are not sent any more.")
    ]
    status: Status
    at: Annotated[Time, Meta(description="Time of the delivery.")]
    repeat: Annotated[
        str | None,
        Meta(description="Body that an Alertmanager needs again while the alert is open."),
    ] = None

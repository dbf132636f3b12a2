"""The index as a channel: every state of every alert, muted or not."""

from dataclasses import dataclass, field
from functools import partial

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.base import Busy, Channel, Refused
from sinks.alerts.store import merged, update
from sinks.elasticsearch.connection import reason

NAME = "index"
_REFUSING = (400, 413)
"""The document itself is at fault. Credentials, blocks and missing indices are mended by people,
and the states wait for that."""


@dataclass(eq=False)
class Index(Channel):
    """Keeps the current state of each alert, and what led there."""

    takes_all = True

    name: str = field(default=NAME, init=False)
    client: Elasticsearch
    index: str

    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        """Write the state, unless a later one or this one is there."""
        try:
            if update(self.client, self.index, alert.id, partial(merged, alert)):
                return None
        except ApiError as error:
            why = f"Elasticsearch answered {error.status_code}: {reason(error)}"
            if error.status_code in _REFUSING:
                raise Refused(why) from None
            raise Busy(why, f"status_{error.status_code}") from None
        except TransportError as error:
            raise Busy(f"Elasticsearch does not answer ({error.message})", "connection") from None
        raise Busy("others write this alert all the time", "conflict")

    def close(self) -> None:
        self.client.close()

"""The interface of a channel: it delivers a state of an alert, or raises why it cannot."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from runtime.backoff import Busy as Busy
from schemas.alert import Alert
from schemas.delivery import AlertDelivery

_MAX_SHOWN = 200


class Refused(Exception):
    """The channel refuses this alert, and would refuse it again."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(eq=False)
class Channel(ABC):
    """Called by one thread, one state at a time, in order.

    Its errors and logs contain no secret, and no more of an address than the host.
    """

    takes_all: ClassVar[bool] = False
    """Takes every state, also muted ones, and orders them itself: the index."""
    holds: ClassVar[bool] = False
    """Keeps alerts open itself, so it needs every close: Alertmanager."""

    name: str
    _: KW_ONLY
    repeat_every_s: float | None = None
    """How often to call :meth:`again`; None: never."""

    @property
    def attempt_s(self) -> float:
        """The longest that one attempt may take, seconds."""
        return 30.0

    @abstractmethod
    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        """Deliver once, or raise :class:`Busy` or :class:`Refused`.

        ``before`` is the last delivery of this alert to the channel. The result is stored, and
        passed to :meth:`again` while the alert is open.
        """

    def again(self, held: Sequence[AlertDelivery]) -> None:
        """Repeat the open alerts; raises :class:`Busy` or :class:`Refused`."""
        raise NotImplementedError

    def close(self) -> None:
        """Close connections, if any."""
        return


def redacted(text: bytes | str, secrets: Iterable[str]) -> str:
    """The answer of a server in one short line; secrets are removed, as it may echo the request."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "…")
    return " ".join(text.split())[:_MAX_SHOWN]

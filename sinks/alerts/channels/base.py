"""What a channel is: it takes a state of an alert, or says why not and whether to try again."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from runtime.backoff import Busy as Busy
from schemas.alert import Alert
from schemas.delivery import AlertDelivery


class Refused(Exception):
    """The channel refuses this alert, and would refuse it again."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(eq=False)
class Channel(ABC):
    """One way to people. Its methods are called by one thread, one state at a time, in order.

    Nothing that it raises or logs holds a secret or the path of an address.
    """

    takes_all: ClassVar[bool] = False
    """Takes every state, muted or meant for others, and orders them itself: the index."""
    holds: ClassVar[bool] = False
    """Holds alerts open by itself, so that it has to hear of every close, and again of what is
    open: Alertmanager."""

    name: str
    _: KW_ONLY
    repeat_every_s: float | None = None
    """How often :meth:`again` is called; None: never."""

    @abstractmethod
    def deliver(self, alert: Alert, before: AlertDelivery | None) -> str | None:
        """Deliver once, or raise :class:`Busy` or :class:`Refused`.

        ``before`` is what the channel was told of this alert last. What is returned is kept, and
        handed to :meth:`again` while the alert is open.
        """

    def again(self, held: Sequence[AlertDelivery]) -> None:
        """Say again what is open; raises :class:`Busy` or :class:`Refused`."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of connections."""
        return
